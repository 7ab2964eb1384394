"""The search text of the filter."""

from dataclasses import replace

import streamlit as st

from trail.storage import search_syntax
from trail.storage.filters import Filter
from ui import url_state


def draw(filter_: Filter) -> None:
    """Draw the search box and its help."""
    st.session_state["search"] = " ".join(filter_.q)

    def search() -> None:
        query = st.session_state["search"].strip()
        url_state.set_url(replace(filter_, q=(query,) if query else ()))

    st.text_input(
        "Search",
        key="search",
        on_change=search,
        icon=":material/search:",
        placeholder='Search, or field:value, such as target:"Snowflake prod"',
        label_visibility="collapsed",
        max_chars=search_syntax.MAX_CHARS,
        width="stretch",
    )
    with st.popover("", icon=":material/help:", help="How to search"):
        st.text(search_syntax.HELP)
