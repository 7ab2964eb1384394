"""The search text of the filter: what is typed, the error in it, and the recent searches."""

from dataclasses import replace
from urllib.parse import urlencode

import streamlit as st

from trail.accounts import recent_searches
from trail.core.errors import FilterError
from trail.runtime import process
from trail.storage import search_help, search_syntax
from trail.storage.filters import Filter
from trail.storage.search_syntax import SearchError
from ui import url_state
from ui.components.search_box import SearchMessage, SearchProblem, search_box
from ui.page import current_user

_PROBLEM = "search-problem"


def draw(filter_: Filter) -> None:
    """Draw the search box; a search changes the filter in the URL, unless it cannot be read."""
    archive = urlencode({"archive": url_state.param("archive")})
    search_box(
        search_syntax.together(filter_.q),
        f"{replace(filter_, q=()).query()}&{archive}",
        st.session_state.get(_PROBLEM),
        search_help.SHORT,
        "search",
        lambda messages: _on_messages(messages, filter_),
    )


def _on_messages(messages: list[SearchMessage], filter_: Filter) -> None:
    for message in messages:
        text = message["search"]
        st.session_state.pop(_PROBLEM, None)
        searched = replace(filter_, q=(text,) if text else ())
        try:
            searched.check()
        except FilterError as error:
            st.session_state[_PROBLEM] = problem(text, error)
            continue
        url_state.set_url(searched)
        user = current_user()
        if text and user and user.may("explore"):
            recent_searches.remember(process.current().store, user.username, text)


def problem(text: str, error: FilterError) -> SearchProblem:
    """Return what the box shows for the *error* in a search *text*."""
    start, end = (error.start, error.end) if isinstance(error, SearchError) else (0, len(text))
    return {
        "before": text[:start],
        "wrong": text[start:end],
        "after": text[end:],
        "message": error.message,
        "hint": error.hint,
        "correction": error.correction if isinstance(error, SearchError) else "",
    }
