"""Admin: sources and their data, retention, seals, users, roles and settings, one tab each."""

from ui import tabs
from ui.admin import (
    batches_tab,
    coverage_tab,
    quarantine_tab,
    retention_tab,
    roles_tab,
    seals_tab,
    settings_tab,
    sources_tab,
    unknown_types_tab,
    users_tab,
)
from ui.page import Context, Page

_TABS: dict[str, tabs.Tab] = {
    "sources": ("Sources", sources_tab.draw),
    "coverage": ("Coverage", coverage_tab.draw),
    "batches": ("Batches", batches_tab.draw),
    "quarantine": ("Quarantine", quarantine_tab.draw),
    "types": ("Unknown types", unknown_types_tab.draw),
    "retention": ("Retention", retention_tab.draw),
    "seals": ("Seals", seals_tab.draw),
    "users": ("Users", users_tab.draw),
    "roles": ("Roles and tokens", roles_tab.draw),
    "settings": ("Settings", settings_tab.draw),
}


def render(ctx: Context) -> None:
    """Draw the tab that the URL selects."""
    tabs.draw("Admin", _TABS, "admin-section", ctx)


PAGE = Page("admin", "Admin", render, capability="configure", order=90)

if __name__ == "__main__":
    PAGE.run()
