"""The notice of what in the page's address could not be read."""

import textwrap
from collections.abc import Iterable

import streamlit as st

from trail.storage.readable_filter import Unreadable
from ui import text, url_state

_LISTED = 5


def draw(*, has_search: bool = False) -> None:
    """Draw what of the filter was left out, or names nothing, and a button that removes it, if any.

    With *has_search*, the page shows the error of a search itself.
    """
    left_out, misnamed = url_state.unreadable(), url_state.misnamed()
    if has_search and url_state.unread_search():
        left_out = tuple(problem for problem in left_out if problem.name != "q")
    if not left_out and not misnamed:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="unreadable"):
        sentences = [*_sentences(left_out), *map(str, misnamed[:_LISTED])]
        st.warning(text.escape(" ".join(sentences)), icon=":material/warning:")
        st.button("Remove from the address", on_click=url_state.remove_unreadable)


def _sentences(left_out: Iterable[Unreadable]) -> list[str]:
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
    return sentences
