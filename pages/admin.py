"""Admin: how events come in, what was refused, what is kept how long, and when nobody watched."""

from collections.abc import Callable

import streamlit as st

from ui import state, watch
from ui.admin import records, retention, roles, sources
from ui.page import Context, Page

_KEY = "admin-section"
_SECTIONS: dict[str, tuple[str, Callable[[Context], None]]] = {
    "sources": ("Sources", sources.draw),
    "coverage": ("Coverage", watch.draw),
    "batches": ("Batches", records.draw_batches),
    "quarantine": ("Quarantine", records.draw_quarantine),
    "types": ("Unknown types", records.draw_unknown),
    "retention": ("Retention", retention.draw),
    "roles": ("Roles", roles.draw),
}


def render(ctx: Context) -> None:
    """Draw the section that the address names."""
    st.title("Admin", anchor=False)
    asked = state.own("section")
    section = asked if asked in _SECTIONS else "sources"
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


PAGE = Page("admin", "Admin", render, needs="configure", order=90)

if __name__ == "__main__":
    PAGE.run()
