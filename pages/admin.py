"""Admin: how events come in, what was refused, what is kept how long, and when nobody watched."""

from collections.abc import Callable

import streamlit as st

from ui.admin import records, retention, sources, watch
from ui.page import Context, Page

_SECTIONS: dict[str, tuple[str, Callable[[Context], None]]] = {
    "sources": ("Sources", sources.draw),
    "coverage": ("Coverage", watch.draw),
    "batches": ("Batches", records.draw_batches),
    "quarantine": ("Quarantine", records.draw_quarantine),
    "types": ("Unknown types", records.draw_unknown),
    "retention": ("Retention", retention.draw),
}


def render(ctx: Context) -> None:
    """Draw the section that the address names."""
    st.title("Admin", anchor=False)
    section = st.segmented_control(
        "Section",
        list(_SECTIONS),
        default="sources",
        required=True,
        format_func=lambda name: _SECTIONS[name][0],
        key="section",
        label_visibility="collapsed",
        bind="query-params",
    )
    _SECTIONS[section or "sources"][1](ctx)


PAGE = Page("admin", "Admin", render, roles=frozenset({"owner"}), order=90)

if __name__ == "__main__":
    PAGE.run()
