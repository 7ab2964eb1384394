"""Alerts: rules made from any filter, where they are told, and what became of each message."""

from collections.abc import Callable

import streamlit as st

from ui import sections
from ui.alerts import destinations, log, rules
from ui.page import Context, Page

_SECTIONS: dict[str, tuple[str, Callable[[Context], None]]] = {
    "rules": ("Rules", rules.draw),
    "destinations": ("Destinations", destinations.draw),
    "log": ("Delivery log", log.draw),
}


def render(ctx: Context) -> None:
    """Draw the section that the address names."""
    st.title("Alerts", anchor=False)
    titles = {name: title for name, (title, _) in _SECTIONS.items()}
    _SECTIONS[sections.chosen(titles, "alerts-section")][1](ctx)


PAGE = Page("alerts", "Alerts", render, needs="configure", order=70)

if __name__ == "__main__":
    PAGE.run()
