"""What a page tells the access log: who looks at what, and what they changed there."""

from urllib.parse import urlencode

import streamlit as st

from trail.access_log import log
from trail.accounts.users import User
from trail.web.guard import ADDRESS_HEADER

# Names of an address that only turn pages or change how the same is drawn.
_NOT_A_CHOICE = ("event", "at", "after", "before", "grain", "by", "top", "tz", "sort")


def record_page_view(kind: str, user: User, path: str) -> None:
    """Note that *user* opened the page, with its filter; the same within ten minutes is one row."""
    pairs = [
        (name, value)
        for name in st.query_params
        for value in st.query_params.get_all(name)
        if name not in _NOT_A_CHOICE
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
    """Note one thing that *user* did on a page, such as `held` or `settings`."""
    log.record(kind, user.username, user.role, what=what, detail=detail, address=client_address())


def client_address() -> str:
    """Return the address that the page's reader comes from, as the guard noted it."""
    return st.context.headers.get(ADDRESS_HEADER, "")
