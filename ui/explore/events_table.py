"""The table of events with row selection, and its Newer and Older buttons."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from trail.core import event_text
from trail.events.events import PAGE_ROWS, Page
from trail.storage.filters import Filter
from ui import style, tables, text, url_state

# The narrow unnamed column contains the color square of the category.
_COLUMNS = ("Time", "Risk", "Action", "Target", "Actor", " ", "Category", "Outcome")
FRAGMENT = "events"


@st.fragment(key=FRAGMENT)
def table(page: Page, filter_: Filter, on_open: Callable[[dict[str, Any] | None], None]) -> None:
    """Draw *page* with the row of the event that the URL names selected.

    Selecting a row calls *on_open* with its event, deselecting it with None. A fragment, so that
    its selection can follow the event panel without a run of the page.
    """
    key = f"events-{hash((filter_.query(), str(page.first)))}"

    def selected() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        on_open(page.rows[rows[0]] if rows else None)

    opened = url_state.param("event")
    chosen = [n for n, row in enumerate(page.rows) if row["event_id"] == opened][:1]
    selection: Any = {"selection": {"rows": chosen, "columns": [], "cells": []}}
    if key in st.session_state:
        # Also if the browser reported the same rows: it may have drawn an older answer since.
        st.session_state[key] = selection
    st.dataframe(
        _frame(page.rows, filter_),
        key=key,
        on_select=selected,
        selection_mode="single-row",
        selection_default=selection,
        hide_index=True,
        **tables.height(len(page.rows), 18),
        column_config={
            "Time": st.column_config.TextColumn(width=158),
            "Risk": st.column_config.TextColumn(width=88),
            "Action": st.column_config.TextColumn(width="medium"),
            "Target": st.column_config.TextColumn(width="medium"),
            " ": st.column_config.TextColumn(width=28),
            "Actor": st.column_config.TextColumn(width="medium"),
        },
        alt="Events",
    )


def pager(page: Page, filter_: Filter) -> None:
    """Draw the number of rows and the buttons to the neighboring pages."""
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="pager"
    ):
        order = "newest first" if filter_.sort == "newest" else "oldest first"
        st.caption(f"{text.count(len(page.rows), 'row')} (at most {PAGE_ROWS} per page), {order}")
        with st.container(horizontal=True, horizontal_alignment="right", width="content"):
            newer, older = ("Newer", "Older") if filter_.sort == "newest" else ("Older", "Newer")
            st.button(
                newer,
                icon=":material/chevron_left:",
                disabled=not page.has_before,
                on_click=lambda: url_state.set_url(filter_, before=str(page.first)),
            )
            st.button(
                older,
                icon=":material/chevron_right:",
                icon_position="right",
                disabled=not page.has_after,
                on_click=lambda: url_state.set_url(filter_, after=str(page.last)),
            )


def _flags(row: dict[str, Any]) -> str:
    names = (("unverified", "unverified"), ("future_dated", "future date"))
    return "".join(f" ({name})" for flag, name in names if row[flag])


def _frame(rows: list[dict[str, Any]], filter_: Filter) -> Any:
    zone = filter_.zone
    squares = style.category_colors()
    red, amber, gray = (style.theme_color(f"{name}Color") for name in ("red", "orange", "gray"))
    symbol_colors = {"▲": red, "◆": amber, "○": gray, "✕": red, "✓": gray, "?": gray}
    risk, square, sign = (_COLUMNS.index(name) for name in ("Risk", " ", "Outcome"))
    cells = []
    colors: dict[tuple[int, int], str] = {}
    for number, row in enumerate(rows):
        glyph, name = text.RISKS[text.risk_level(row["risk"])]
        mark, outcome = text.OUTCOMES[row["outcome"]]
        local = row["occurred_at"].replace(tzinfo=dt.UTC).astimezone(zone)
        cells.append(
            (
                f"{local:%a} {local.day} {local:%b %H:%M:%S}",
                f"{glyph} {name}",
                f"{row['action']}{_flags(row)}",
                event_text.target(row),
                event_text.actor(row) + " (token)" * (row["actor_type"] == "token"),
                "■",
                row["category"],
                f"{mark} {outcome}",
            )
        )
        colors[number, risk] = symbol_colors[glyph]
        colors[number, square] = squares[int(text.category_color(row["category"]))]
        colors[number, sign] = symbol_colors[mark]
    return tables.colored(pd.DataFrame(cells, columns=_COLUMNS), colors)
