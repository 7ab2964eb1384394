"""Admin: how events come in, what was refused, what is kept how long, and when nobody watched."""

from ui import coverage_banner, tabs
from ui.admin import quarantine_tab, retention_tab, roles_tab, seals_tab, sources_tab
from ui.page import Context, Page

_SECTIONS: dict[str, tabs.Section] = {
    "sources": ("Sources", sources_tab.draw),
    "coverage": ("Coverage", coverage_banner.draw),
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


PAGE = Page("admin", "Admin", render, needs="configure", order=90)

if __name__ == "__main__":
    PAGE.run()
