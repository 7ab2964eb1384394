"""Alerts: rules, digests, destinations, the delivery log and maintenance windows."""

from ui import tabs
from ui.alerts import (
    delivery_log_tab,
    destinations_tab,
    digests_tab,
    maintenance_tab,
    rules_tab,
)
from ui.page import Context, Page

_TABS: dict[str, tabs.Tab] = {
    "rules": ("Rules", rules_tab.draw),
    "digests": ("Digests", digests_tab.draw),
    "destinations": ("Destinations", destinations_tab.draw),
    "log": ("Delivery log", delivery_log_tab.draw),
    "maintenance": ("Maintenance windows", maintenance_tab.draw),
}


def render(ctx: Context) -> None:
    """Draw the tab that the URL selects."""
    tabs.draw("Alerts", _TABS, "alerts-section", ctx)


PAGE = Page("alerts", "Alerts", render, capability="configure", order=70)

if __name__ == "__main__":
    PAGE.run()
