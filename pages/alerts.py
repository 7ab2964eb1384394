"""Alerts: rules made from any filter, where they are told, and what became of each message."""

from collections.abc import Callable

import streamlit as st

from ui import state
from ui.alerts import destinations, log, rules
from ui.page import Context, Page

_KEY = "alerts-section"
_SECTIONS: dict[str, tuple[str, Callable[[Context], None]]] = {
    "rules": ("Rules", rules.draw),
    "destinations": ("Destinations", destinations.draw),
    "log": ("Delivery log", log.draw),
}


def render(ctx: Context) -> None:
    """Draw the section that the address names."""
    st.title("Alerts", anchor=False)
    asked = state.own("section")
    section = asked if asked in _SECTIONS else "rules"
    st.session_state[_KEY] = section
    st.segmented_control(
        "Section",
        list(_SECTIONS),
        required=True,
        format_func=lambda name: _SECTIONS[name][0],
        key=_KEY,
        on_change=_choose,
        label_visibility="collapsed",
    )
    _SECTIONS[section][1](ctx)


def _choose() -> None:
    st.query_params["section"] = st.session_state[_KEY]


PAGE = Page("alerts", "Alerts", render, needs="configure", order=70)

if __name__ == "__main__":
    PAGE.run()
