"""Admin: how events come in, what was refused, what is kept how long, and when nobody watched."""

from ui import sections, watch
from ui.admin import records, retention, roles, seals, sources
from ui.page import Context, Page

_SECTIONS: dict[str, sections.Section] = {
    "sources": ("Sources", sources.draw),
    "coverage": ("Coverage", watch.draw),
    "batches": ("Batches", records.draw_batches),
    "quarantine": ("Quarantine", records.draw_quarantine),
    "types": ("Unknown types", records.draw_unknown),
    "retention": ("Retention", retention.draw),
    "seals": ("Seals", seals.draw),
    "roles": ("Roles", roles.draw),
}


def render(ctx: Context) -> None:
    """Draw the section that the address names."""
    sections.draw("Admin", _SECTIONS, "admin-section", ctx)


PAGE = Page("admin", "Admin", render, needs="configure", order=90)

if __name__ == "__main__":
    PAGE.run()
