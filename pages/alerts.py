"""Alerts: rules made from any filter, where they are told, and what became of each message."""

from ui import sections
from ui.alerts import destinations, log, rules
from ui.page import Context, Page

_SECTIONS: dict[str, sections.Section] = {
    "rules": ("Rules", rules.draw),
    "destinations": ("Destinations", destinations.draw),
    "log": ("Delivery log", log.draw),
}


def render(ctx: Context) -> None:
    """Draw the section that the address names."""
    sections.draw("Alerts", _SECTIONS, "alerts-section", ctx)


PAGE = Page("alerts", "Alerts", render, needs="configure", order=70)

if __name__ == "__main__":
    PAGE.run()
