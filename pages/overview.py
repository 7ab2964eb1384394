"""Overview: the state of the trail on one screen."""

import streamlit as st

from ui.page import Context, Page


def render(ctx: Context) -> None:
    """Draw the page."""
    st.title("Overview", anchor=False)


PAGE = Page("overview", "Overview", render, order=10)

if __name__ == "__main__":
    PAGE.run()
