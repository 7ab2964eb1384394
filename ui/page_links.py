"""Links between pages: one press of Back returns to the exact state before.

Streamlit's own links and `st.switch_page` add two entries to the browser's history for a page with
parameters. Here the browser changes the address, and Streamlit draws the page of the address.
"""

import secrets
from pathlib import Path

import streamlit as st

from ui import url_state
from ui.page import discover_pages

ACCOUNT = "account"

_links = st.components.v2.component(
    "trail_page_links", js=Path(__file__).with_name("page_links.js").read_text(encoding="utf-8")
)


def draw() -> None:
    """Make the links of this tab open in place."""
    _links(key="page-links", data={"pages": _carried(), "open": "", "number": ""})


def open_requested() -> None:
    """Open the page that a callback requested, if any, and end the run, before a page is drawn."""
    if address := url_state.requested_address():
        number = secrets.token_hex(8)
        _links(key="page-links", data={"pages": _carried(), "open": address, "number": number})
        st.stop()


def _carried() -> dict[str, list[str]]:
    """Return the parameters that the menu carries to each page, by its path."""
    pages = discover_pages().values()
    carried = {f"/{page.path}": list(page.keeps) for page in pages}
    # The first page is served at the root, too.
    return {"/": list(next(iter(pages)).keeps), **carried, f"/{ACCOUNT}": []}
