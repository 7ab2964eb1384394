"""Access log: who signed in, looked, downloaded, changed or was refused. No part of the trail."""

import datetime as dt
import time
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from trail import access_log
from trail.access_entry import KINDS
from trail.filters import Filter
from trail.http.access import ADDRESS
from ui import filter_bar, tables, text, url_state
from ui.page import Context, Page

_PRESETS = {"24h": "24 h", "7d": "7 d", "30d": "30 d", "90d": "90 d", "400d": "400 d"}
_SHOWN = 18


def render(ctx: Context) -> None:
    """Draw the entries that the address chooses, the newest first."""
    began = time.perf_counter()
    user, kind = url_state.param("user"), url_state.param("kind")
    kind = kind if kind in KINDS else ""
    filter_ = _window()
    window = filter_.window(dt.datetime.now(dt.UTC))
    access_log.settle()
    store = ctx.runtime.store
    after = url_state.param("after")
    rows = access_log.entries(
        store,
        window,
        user,
        kind,
        after=int(after) if after.isdecimal() else None,
        rows=access_log.PAGE_ROWS + 1,
    )
    count = access_log.count(store, window, user, kind)
    took = (time.perf_counter() - began) * 1000
    filter_bar.title(
        "Access log", f"<b>{text.count(count, 'entry', 'entries')}</b> · {took:.0f} ms"
    )
    _bar(filter_, access_log.users(store), user, kind, count)
    if not rows:
        st.info("Nothing of that was noted in this window.", icon=":material/info:")
        return
    _table(rows[: access_log.PAGE_ROWS])
    _pager(rows, after)


def _window() -> Filter:
    given = {name: url_state.param(name) for name in ("from", "to") if url_state.param(name)}
    if not given:
        given = {"from": url_state.DEFAULT_FROM}
    return Filter.parse(
        [*given.items(), ("tz", url_state.param("tz") or url_state.timezone_name())]
    )


def _bar(filter_: Filter, users: list[str], user: str, kind: str, count: int) -> None:
    st.session_state["access-user"] = user
    st.session_state["access-kind"] = kind
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="filter-bar"):
        preset = filter_.start if filter_.start in _PRESETS and not filter_.end else "custom"
        st.session_state["access-window"] = preset
        st.segmented_control(
            "Window",
            [*_PRESETS, *(["custom"] if preset == "custom" else [])],
            format_func=lambda name: _PRESETS.get(name, "Custom"),
            key="access-window",
            on_change=_choose_window,
            required=True,
            label_visibility="collapsed",
            wrap=False,
        )
        for name, label, options, shown in (
            ("user", "Who", ["", *sorted({*users, user} - {""})], "Anybody"),
            ("kind", "What", ["", *KINDS], "Anything"),
        ):
            st.selectbox(
                label,
                options,
                format_func=partial(_label, shown),
                key=f"access-{name}",
                on_change=_choose,
                args=(name,),
                label_visibility="collapsed",
                width=210,
            )
        st.space("stretch")
        pairs = {"from": filter_.start, "to": filter_.end, "tz": filter_.tz}
        chosen = {**pairs, "user": user, "kind": kind}
        st.link_button(
            "Download CSV",
            f"{ADDRESS}?{urlencode({name: value for name, value in chosen.items() if value})}",
            icon=":material/download:",
            help=f"{text.count(count, 'row')}, times in {text.escape(filter_.tz)}",
            disabled=count == 0,
            wrap=False,
        )


def _label(empty: str, value: str) -> str:
    return KINDS.get(value, value) or empty


def _choose_window() -> None:
    chosen = st.session_state["access-window"]
    if chosen in _PRESETS:
        _put({"from": chosen, "to": "", "after": ""})


def _choose(name: str) -> None:
    _put({name: st.session_state[f"access-{name}"], "after": ""})


def _put(changed: dict[str, str]) -> None:
    now = {**st.query_params.to_dict(), **changed}
    st.query_params.from_dict({name: value for name, value in now.items() if value})


def _table(rows: list[dict[str, Any]]) -> None:
    zone = url_state.timezone()
    st.dataframe(
        pd.DataFrame(
            {
                "Time": [text.timestamp(row["first_at"], zone) for row in rows],
                "Who": [row["username"] or "Nobody known" for row in rows],
                "What": [KINDS.get(row["kind"], row["kind"]) for row in rows],
                "On": [row["what"] for row in rows],
                "Details": [row["detail"] for row in rows],
                "Times": [row["times"] for row in rows],
                "Role": [row["role"] for row in rows],
                "From": [row["address"] for row in rows],
                "Rows": [_figure(row["row_count"]) for row in rows],
                "Bytes": [_figure(row["byte_count"]) for row in rows],
                "SHA-256": [row["digest"] for row in rows],
            }
        ),
        hide_index=True,
        **tables.height(len(rows), _SHOWN),
        alt="Access log",
    )


def _figure(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _pager(rows: list[dict[str, Any]], after: str) -> None:
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.caption(
            f"Times in {text.escape(url_state.timezone().key)}. The same within ten minutes is "
            "one row. It is kept apart from the trail."
        )
        with st.container(horizontal=True, horizontal_alignment="right", width="content"):
            st.button("Newest", disabled=not after, on_click=_put, args=({"after": ""},))
            more = len(rows) > access_log.PAGE_ROWS
            last = str(rows[: access_log.PAGE_ROWS][-1]["entry_id"])
            st.button("Older", disabled=not more, on_click=_put, args=({"after": last},))


PAGE = Page("access", "Access log", render, capability="see_access_log", order=85)

if __name__ == "__main__":
    PAGE.run()
