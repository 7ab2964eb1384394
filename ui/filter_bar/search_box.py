"""The search text of the filter: what is typed, the error in it, and the recent searches."""

import datetime as dt
from dataclasses import replace
from urllib.parse import urlencode

import streamlit as st

from trail.accounts import recent
from trail.core.errors import FilterError
from trail.events import questions
from trail.runtime import process, startup
from trail.storage import search_help, search_syntax
from trail.storage.filters import Filter
from ui import url_state
from ui.components.search_box import SearchMessage, SearchNotice, SearchProblem, search_box
from ui.page import current_user, turn
from ui.week_start import week_start

_PROBLEM, _NOTICE, _ANSWERED = "search-problem", "search-notice", "search-answered"


def draw(filter_: Filter) -> bool:
    """Draw the search box; a search changes the filter in the URL, unless it cannot be read.

    Return whether the box shows the search of *filter_*, rather than one that cannot be read.
    """
    unread = _unread()
    more = urlencode({"week": week_start()})
    search_box(
        search_syntax.together(filter_.q),
        f"{replace(filter_, q=()).query()}&{more}",
        unread,
        _notice(filter_),
        st.session_state.get(_ANSWERED, (0, "")),
        search_help.SHORT,
        "search",
        lambda messages: _on_messages(messages, filter_),
    )
    return unread is None


def drop_unread() -> None:
    """Empty the box if it shows a search that cannot be read; for use in callbacks."""
    if unread := _unread():
        st.session_state.pop(_PROBLEM, None)
        _leave(unread["before"] + unread["wrong"] + unread["after"])


def _unread() -> SearchProblem | None:
    return st.session_state.get(_PROBLEM) or _problem_in_url()


def _notice(filter_: Filter) -> SearchNotice | None:
    """Return what was not understood of the question whose filter is shown, or of the search."""
    query, notice = st.session_state.get(_NOTICE, ("", None))
    if query == filter_.query():
        return notice  # type: ignore[no-any-return]
    meant = search_syntax.with_operators(search_syntax.together(filter_.q))
    return {"question": "", "not_understood": [], "meant": meant} if meant else None


def _problem_in_url() -> SearchProblem | None:
    found = url_state.unread_search()
    if not found:
        return None
    shown = problem(*found)
    return {**shown, "hint": f"{shown['hint']} The search was left out."}


def _on_messages(messages: list[SearchMessage], filter_: Filter) -> None:
    for message in messages:
        user = current_user()
        if user is None or not user.may("explore"):
            return
        text = message.get("search", message.get("literal", ""))
        st.session_state.pop(_PROBLEM, None)
        question = None
        if text and "search" in message:
            with turn(user):
                store = startup.reading_store()
                now = dt.datetime.now(dt.UTC)
                question = questions.read(store, filter_, text, now, week_start())
        searched = replace(filter_, q=(text,) if text else ())
        if question:
            searched = question.filter
            _answer(text, question)
        try:
            searched.check()
        except FilterError as error:
            st.session_state[_PROBLEM] = problem(text, error)
            continue
        url_state.set_url(searched)
        if text:
            recent.remember(process.current().store, user.account, "searches", text)


def _answer(text: str, question: questions.Question) -> None:
    _leave(text)
    notice: SearchNotice = {
        "question": text,
        "not_understood": question.not_understood,
        "meant": "",
    }
    st.session_state[_NOTICE] = (question.filter.query(), notice)


def _leave(text: str) -> None:
    """Have the browser replace *text* in the box by the search of the page."""
    number, _ = st.session_state.get(_ANSWERED, (0, ""))
    st.session_state[_ANSWERED] = (number + 1, text)


def problem(text: str, error: FilterError) -> SearchProblem:
    """Return what the box shows for the *error* in a search *text*."""
    start, end, correction = 0, len(text), ""
    if isinstance(error, search_syntax.SearchError):
        start, end, correction = error.start, max(error.end, error.start + 1), error.correction
    return {
        "before": text[:start],
        "wrong": text[start:end],
        "after": text[end:],
        "message": error.message,
        "hint": error.hint,
        "correction": correction,
    }
