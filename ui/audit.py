"""Access-log entries for page views and for actions on pages."""

from urllib.parse import urlencode

import streamlit as st

from trail.access_log import log
from trail.accounts.users import User
from trail.web.guard import ADDRESS_HEADER

# URL parameters that select a result page or a view; they are not recorded.
_NOT_A_FILTER = ("event", "at", "after", "before", "grain", "by", "top", "tz", "sort")


def record_page_view(kind: str, user: User, path: str) -> None:
    """Record that *user* opened a page, with its filter; repeats within ten minutes are merged."""
    pairs = [
        (name, value)
        for name in st.query_params
        for value in st.query_params.get_all(name)
        if name not in _NOT_A_FILTER
    ]
    log.record(
        kind,
        user.username,
        user.role,
        what=path,
        detail=urlencode(pairs),
        address=client_address(),
        merge=True,
    )


def record_action(kind: str, user: User, what: str, detail: str = "") -> None:
    """Record an action of *user* on a page; *kind* is one of `entry.KINDS`, such as `held`."""
    log.record(kind, user.username, user.role, what=what, detail=detail, address=client_address())


def client_address() -> str:
    """Return the IP address of the client, as set by the guard."""
    return st.context.headers.get(ADDRESS_HEADER, "")
