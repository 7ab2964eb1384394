"""Tabs of a page; the URL names the selected one, so that Back and links restore it."""

from collections.abc import Callable, Mapping

import streamlit as st

from ui import url_state
from ui.page import Context

# Its title, and the function that draws it.
Tab = tuple[str, Callable[[Context], None]]


def select(titles: Mapping[str, str], key: str) -> str:
    """Draw the tab bar and return the name of the tab that the URL selects, or of the first.

    *titles* has the titles by name. *key* names the widget; it is unique per page.
    """
    requested = url_state.param("section")
    section = requested if requested in titles else next(iter(titles))
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


def draw(title: str, tabs: Mapping[str, Tab], key: str, ctx: Context) -> None:
    """Draw the page title, the tab bar and the selected tab."""
    st.title(title, anchor=False)
    titles = {name: label for name, (label, _) in tabs.items()}
    tabs[select(titles, key)][1](ctx)
