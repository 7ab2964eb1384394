"""Links between pages: one press of Back returns to the exact state before.

Streamlit's own links and `st.switch_page` add two entries to the browser's history for a page with
parameters. Here the browser changes the address, and Streamlit draws the page of the address.
"""

import secrets
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from ui import url_state
from ui.page import discover_pages

_links = st.components.v2.component(
    "trail_page_links", js=Path(__file__).with_name("page_links.js").read_text(encoding="utf-8")
)


def draw(path: str) -> None:
    """Make the links of this tab open in place; *path* is that of the page of this run."""
    _draw(path)


def open_requested(path: str) -> None:
    """Open the page that a callback requested, if any, and end the run, before a page is drawn.

    *path* is that of the page of this run.
    """
    if address := url_state.requested_address():
        _draw(path, address)
        st.stop()


def _draw(path: str, address: str = "") -> None:
    # The browser hears of each run, also of one like the last, since its number is another.
    number = secrets.token_hex(8)
    data = {
        "pages": _carried(),
        "path": f"/{path}",
        "query": urlencode(url_state.shown(), doseq=True),
        "open": address,
        "number": number,
    }
    _links(key="page-links", data=data)


def _carried() -> dict[str, list[str]]:
    """Return the parameters that the menu carries to each page, by its path."""
    pages = discover_pages().values()
    carried = {f"/{page.path}": list(page.keeps) for page in pages}
    # The first page is served at the root, too.
    return {"/": list(next(iter(pages)).keeps), **carried}
