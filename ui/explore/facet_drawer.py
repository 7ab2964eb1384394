"""The facets as a drawer over the page, closed at first, in a window too narrow for both."""

from pathlib import Path

import streamlit as st

_drawer = st.components.v2.component(
    "trail_facet_drawer", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def draw() -> None:
    """Close the drawer at the first visit of a tab."""
    _drawer(key="facet-drawer")
