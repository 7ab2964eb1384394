"""The notice of what in the page's address could not be read."""

import textwrap
from collections.abc import Iterable

import streamlit as st

from trail.storage.readable_filter import Unreadable
from ui import text, url_state

_LISTED = 5


def draw(*, has_search: bool = False) -> None:
    """Draw what was left out of the filter and why, with a button that removes it, if anything.

    With *has_search*, the page shows the error of a search itself.
    """
    left_out = url_state.unreadable()
    if has_search and url_state.unread_search():
        left_out = tuple(problem for problem in left_out if problem.name != "q")
    if not left_out:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="unreadable"):
        st.warning(text.escape(_sentence(left_out)), icon=":material/warning:")
        st.button("Remove from the address", on_click=url_state.remove_unreadable)


def _sentence(left_out: Iterable[Unreadable]) -> str:
    unknown = [problem.name for problem in left_out if not problem.reason]
    sentences = [
        f"The filter “{problem.name}” was left out. {problem.reason}"
        for problem in left_out
        if problem.reason
    ]
    if unknown:
        more = f" and {len(unknown) - _LISTED:,} more" if len(unknown) > _LISTED else ""
        names = ", ".join(textwrap.shorten(name, 40, placeholder="…") for name in unknown[:_LISTED])
        sentences.append(f"Ignored, since no filter has this name: {names}{more}.")
    return " ".join(sentences)
