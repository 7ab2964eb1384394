"""The sections of a page: which one is drawn stands in the address, so that Back and links keep it.

Separate because three pages have sections, and a fourth should not write the choice again.
"""

from collections.abc import Callable, Mapping

import streamlit as st

from ui import url_state
from ui.page import Context

# What it is called, and what draws it.
Tab = tuple[str, Callable[[Context], None]]


def select(titles: Mapping[str, str], key: str) -> str:
    """Draw the choice among *titles* and return the section that the address names, or the first.

    *key* names the widget, one a page.
    """
    asked = url_state.param("section")
    section = asked if asked in titles else next(iter(titles))
    st.session_state[key] = section

    def choose() -> None:
        st.query_params["section"] = st.session_state[key]

    st.segmented_control(
        "Section",
        list(titles),
        required=True,
        format_func=titles.__getitem__,
        key=key,
        on_change=choose,
        label_visibility="collapsed",
    )
    return section


def draw(title: str, sections: Mapping[str, Tab], key: str, ctx: Context) -> None:
    """Draw *title*, the choice among *sections*, and the one that is chosen."""
    st.title(title, anchor=False)
    titles = {name: label for name, (label, _) in sections.items()}
    sections[select(titles, key)][1](ctx)
