"""Access log: sign-ins, views, downloads, changes and refusals in this product."""

import datetime as dt
import time
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from trail.access_log import log
from trail.access_log.entry import KINDS
from trail.core.text import parse_integer
from trail.storage.filters import Filter
from trail.web.access_log_export import ADDRESS
from ui import filter_bar, listed, text, url_state
from ui.listed import Field, Listed
from ui.page import Context, Page

_FIRST_PAGE = {"after": "", "row": ""}
_Entry = dict[str, Any]


def render(ctx: Context) -> None:
    """Draw the entries that the URL selects, newest first."""
    started = time.perf_counter()
    user, kind, after = (url_state.param(name) for name in ("user", "kind", "after"))
    kind = kind if kind in KINDS else ""
    filter_ = url_state.current_filter().cleared()
    window = filter_.window(dt.datetime.now(dt.UTC))
    log.flush()
    store = ctx.runtime.store
    rows = log.entries(
        store,
        window,
        user,
        kind,
        after=parse_integer(after),
        order=_LIST.order(),
        skip=listed.first_row() - 1,
    )
    count = log.count(store, window, user, kind)
    elapsed_ms = (time.perf_counter() - started) * 1000
    _head(filter_, log.users(store), user, kind, count)
    filter_bar.caption(
        f"<b>{text.count(count, 'entry', 'entries')}</b> · {elapsed_ms:.0f} ms", filter_
    )
    if not rows:
        st.info("No entries match in this window.", icon=":material/info:")
        return
    # Entries that arrive while pages are turned would move the rows.
    newest = after or ("" if _LIST.order() else str(rows[0]["entry_id"] + 1))
    _LIST.draw(
        rows,
        key=f"{filter_.query()} {user} {kind} {after}",
        visible=18,
        total=count,
        paged={"after": newest},
    )
    _note()


def _head(filter_: Filter, users: list[str], user: str, kind: str, count: int) -> None:
    st.session_state.update({"access-user": user, "access-kind": kind})
    with filter_bar.title("Access log"):
        filter_bar.time_range(filter_, _choose_window, {"400d": "400 d"})
        _choice("user", "User", {name: name for name in sorted({*users, user} - {""})}, "All users")
        _choice("kind", "Action", KINDS, "All actions")
        pairs = {"from": filter_.start, "to": filter_.end, "tz": filter_.tz}
        params = {**pairs, "user": user, "kind": kind}
        st.link_button(
            "Download CSV",
            f"{ADDRESS}?{urlencode({name: value for name, value in params.items() if value})}",
            icon=":material/download:",
            help=f"{text.count(count, 'row')}, times in {text.escape(filter_.tz)}",
            disabled=count == 0,
            wrap=False,
        )


def _choice(name: str, label: str, labels: dict[str, str], all_label: str) -> None:
    st.selectbox(
        label,
        ["", *labels],
        format_func=lambda value: labels.get(value, all_label),
        key=f"access-{name}",
        on_change=lambda: _put({name: st.session_state[f"access-{name}"], **_FIRST_PAGE}),
        label_visibility="collapsed",
        width=210,
    )


def _choose_window(filter_: Filter) -> None:
    _put({"from": filter_.start, "to": filter_.end, **_FIRST_PAGE})


def _put(changed: dict[str, str]) -> None:
    query = {**st.query_params.to_dict(), **changed}
    st.query_params.from_dict({name: value for name, value in query.items() if value})


def _text(name: str, title: str, width: int, *, mono: bool = False) -> Field[_Entry]:
    return Field(name, title, width, lambda row: str(row[name] or ""), _in_query, mono=mono)


def _number(name: str, title: str, width: int) -> Field[_Entry]:
    def show(row: _Entry) -> str:
        return "" if row[name] is None else f"{row[name]:,}"

    return Field(name, title, width, show, _in_query, "desc", "right")


def _in_query(_: _Entry) -> None:
    """Mark a column by which the query sorts; see `log.ORDERS`."""


_LIST: Listed[_Entry] = Listed(
    "access",
    "Access log",
    (
        Field(
            "first_at",
            "Time",
            190,
            lambda row: str(text.timestamp(row["first_at"], url_state.timezone())),
            _in_query,
            "desc",
        ),
        Field("username", "User", 130, lambda row: str(row["username"] or "Unknown"), _in_query),
        Field(
            "kind", "Action", 190, lambda row: str(KINDS.get(row["kind"], row["kind"])), _in_query
        ),
        _text("what", "Object", 190),
        _text("detail", "Details", 210),
        _number("times", "Count", 72),
        _text("role", "Role", 90),
        _text("address", "IP address", 120),
        _number("row_count", "Rows", 90),
        _number("byte_count", "Bytes", 100),
        _text("digest", "SHA-256", 200, mono=True),
    ),
    lambda row: str(row["entry_id"]),
    "kind",
)


def _note() -> None:
    zone = text.escape(url_state.timezone().key)
    st.caption(
        f"Times in {zone}. Repeats of an action within ten minutes are combined into one row. "
        "The access log is stored separately from the audit events."
    )


PAGE = Page(
    "access",
    "Access log",
    render,
    capability="see_access_log",
    order=85,
    keeps=url_state.WINDOW_PARAMS,
)

if __name__ == "__main__":
    PAGE.run()
