"""Admin: sources, coverage, quarantine, retention, seals and roles."""

from ui import tabs
from ui.admin import coverage_tab, quarantine_tab, retention_tab, roles_tab, seals_tab, sources_tab
from ui.page import Context, Page

_SECTIONS: dict[str, tabs.Tab] = {
    "sources": ("Sources", sources_tab.draw),
    "coverage": ("Coverage", coverage_tab.draw),
    "batches": ("Batches", quarantine_tab.draw_batches),
    "quarantine": ("Quarantine", quarantine_tab.draw_quarantine),
    "types": ("Unknown types", quarantine_tab.draw_unknown),
    "retention": ("Retention", retention_tab.draw),
    "seals": ("Seals", seals_tab.draw),
    "roles": ("Roles", roles_tab.draw),
}


def render(ctx: Context) -> None:
    """Draw the section that the address names."""
    tabs.draw("Admin", _SECTIONS, "admin-section", ctx)


PAGE = Page("admin", "Admin", render, capability="configure", order=90)

if __name__ == "__main__":
    PAGE.run()
