"""Entries of the menu, and the watch for the end of the session.

Separate from the main script, because Streamlit compiles that again for every run, so that nothing
can be kept in it.
"""

import copy
import functools
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from ui.page import Page

FOLDER = Path(__file__).resolve().parent.parent / "pages"

# Reloads a tab whose session has ended.
watch = st.components.v2.component(
    "trail_watch", js=Path(__file__).with_name("session_watch.js").read_text(encoding="utf-8")
)


def entry(name: str, page: Page, path: str, *, hidden: bool = False) -> StreamlitPage:
    """Return the entry of *page*, which the module *name* draws, at the address *path*."""
    # A copy, since `st.navigation` changes the pages that it gets.
    return copy.copy(_made(name, page, path, hidden=hidden))


@functools.cache
def _made(name: str, page: Page, path: str, *, hidden: bool) -> StreamlitPage:
    """Return an entry; Streamlit resolves the path of its file, which takes as long as a query."""
    return st.Page(
        FOLDER / f"{name}.py",
        title=page.title,
        icon=page.icon or None,
        url_path=path,
        default=not path,
        visibility="hidden" if hidden else "visible",
    )
