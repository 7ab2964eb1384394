"""The table of events with row selection, and its Newer and Older buttons."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from trail.core import event_text
from trail.events.events import PAGE_ROWS, Page
from trail.storage.filters import Filter
from ui import tables, text, url_state

# The narrow unnamed column contains the color square of the category.
_COLUMNS = ("Time", "Risk", "Action", "Target", "Actor", " ", "Category", "Outcome")


def table(
    page: Page, filter_: Filter, opened: str, on_open: Callable[[dict[str, Any] | None], None]
) -> None:
    """Draw *page*; selecting a row calls *on_open* with its event, deselecting it with None."""
    compact = bool(opened)
    key = f"events-{hash((filter_.query(), str(page.first), compact))}"

    def selected() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        on_open(page.rows[rows[0]] if rows else None)

    chosen = [n for n, row in enumerate(page.rows) if row["event_id"] == opened][:1]
    st.dataframe(
        _frame(page.rows, filter_, compact=compact),
        key=key,
        on_select=selected,
        selection_mode="single-row",
        selection_default={"selection": {"rows": chosen, "columns": [], "cells": []}},
        hide_index=True,
        **tables.height(len(page.rows), 18),
        column_config={
            "Time": st.column_config.TextColumn(width=122 if compact else 158),
            "Risk": st.column_config.TextColumn(width=40 if compact else 88),
            "Action": st.column_config.TextColumn(width="medium"),
            "Target": st.column_config.TextColumn(width="medium"),
            " ": st.column_config.TextColumn(width=28),
            "Actor": st.column_config.TextColumn(width="small" if compact else "medium"),
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


def _frame(rows: list[dict[str, Any]], filter_: Filter, *, compact: bool) -> Any:
    zone = filter_.zone
    cells = []
    for row in rows:
        level = text.risk_level(row["risk"])
        glyph, name = text.RISKS[level]
        sign, outcome = text.OUTCOMES[row["outcome"]]
        local = row["occurred_at"].replace(tzinfo=dt.UTC).astimezone(zone)
        cells.append(
            {
                "Time": f"{'' if compact else f'{local:%a} '}{local.day} {local:%b %H:%M:%S}",
                "Risk": glyph if compact else f"{glyph} {name}",
                "Action": f"{row['action']}{_flags(row)}",
                "Target": event_text.target(row),
                "Actor": event_text.actor(row) + " (token)" * (row["actor_type"] == "token"),
                " ": "■",
                "Category": row["category"],
                "Outcome": f"{sign} {outcome}",
            }
        )
    names = [name for name in _COLUMNS if not (compact and name in (" ", "Category", "Outcome"))]
    frame = pd.DataFrame(cells, columns=names)
    theme = "dark" if st.context.theme.type == "dark" else "light"
    red, amber, gray = (
        st.get_option(f"theme.{theme}.{name}Color") for name in ("red", "orange", "gray")
    )
    colors = {"▲": red, "◆": amber, "○": gray, "✕": red, "✓": gray, "?": gray}
    with_symbol = [name for name in ("Risk", "Outcome") if name in names]
    styled = frame.style.map(lambda cell: f"color: {colors[cell[0]]}", subset=with_symbol)
    if compact:
        return styled
    squares = st.get_option(f"theme.{theme}.chartCategoricalColors")
    fills = [f"color: {squares[int(text.category_color(row['category']))]}" for row in rows]
    return styled.apply(lambda _: fills, subset=[" "])
