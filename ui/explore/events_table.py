"""The table of events: opens, sorts, narrows and pages, with the columns of its user."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from trail.core.text import parse_integer
from trail.events.events import Page
from trail.storage import search_syntax
from trail.storage.filters import Filter
from ui import url_state
from ui.components import table as component
from ui.components.table import Message, Row, Table
from ui.explore import columns

FRAGMENT = "events"
_KEY = "events-table"
# What the neighboring pages are called; in other orders than of time, previous and next.
_PAGES = {"newest": ("Newer", "Older"), "oldest": ("Older", "Newer")}
# Rows up to the bottom of the window, below the head of the page and its chart.
_HEIGHT = "max(420px, calc(100vh - 190px))"


@st.fragment(key=FRAGMENT)
def table(
    page: Page,
    filter_: Filter,
    total: int,
    is_fresh: Callable[[dict[str, Any]], bool],
    on_open: Callable[[dict[str, Any] | None], None],
) -> None:
    """Draw *page* of *total* events, with the event that the URL names marked.

    Events of which *is_fresh* is true are marked as new. A press on a row calls *on_open* with its
    event, Escape with None. A fragment, so that the mark can follow the event panel without a run
    of the page.
    """
    layout, first = columns.LAYOUT, max(1, parse_integer(url_state.param("row")) or 1)
    shown = layout.shown_columns()
    back, forward = _PAGES.get(filter_.sort, ("Previous", "Next"))
    rows: list[Row] = [
        {
            "id": event["event_id"],
            "cells": [columns.cell(column["name"], event, filter_) for column in shown],
            "fresh": is_fresh(event),
        }
        for event in page.rows
    ]
    last = first + len(rows) - 1
    drawn = Table(
        "Events",
        shown,
        rows,
        main="action",
        keys=True,
        open=url_state.param("event"),
        link=_link(filter_),
        view=f"{filter_.query()} {page.first}",
        sort=filter_.sort,
        marks=search_syntax.marks(filter_.q),
        height=_HEIGHT,
        choices=layout.columns,
        widths=layout.widths(),
        note=_order(filter_),
        range_text=f"Rows {first:,}–{last:,} of {max(total, last):,}",
        back=back,
        forward=forward,
        has_back=page.has_before,
        has_forward=page.has_after,
    )

    def receive(messages: list[Message]) -> None:
        _on_messages(messages, page, filter_, first, on_open)

    component.draw(drawn, _KEY, receive)


def _link(filter_: Filter) -> str:
    query = url_state.query_params(filter_)
    return f"/explore?{urlencode(query, doseq=True)}&event="


def _order(filter_: Filter) -> str:
    if filter_.sort in ("newest", "oldest"):
        return f"Sorted by time, {filter_.sort} first"
    for column in columns.LAYOUT.columns:
        for way, order in (("asc", "ascending"), ("desc", "descending")):
            if column.get(way) == filter_.sort:
                return f"Sorted by {column['title'].lower()}, {order}"
    return ""


def _on_messages(
    messages: list[Message],
    page: Page,
    filter_: Filter,
    first: int,
    on_open: Callable[[dict[str, Any] | None], None],
) -> None:
    """Carry out *messages*, and run the page if they change more than the open event."""
    events = {event["event_id"]: event for event in page.rows}
    opened: list[dict[str, Any] | None] = []
    page_changes = False
    for message in messages:
        if "open" in message or "close" in message:
            opened.append(events.get(message.get("open", "")))
            continue
        if "filter" in message:
            event = events[message["row"]]
            filter_ = columns.narrowed(filter_, message["filter"], event, message["mode"])
            url_state.set_url(filter_)
        elif "sort" in message:
            filter_ = replace(filter_, sort=message["sort"] or "newest")
            names = {name: url_state.param(name) for name in ("event", "at")}
            url_state.set_url(filter_, **names)
        elif "page" in message:
            back, rows = message["page"] == "back", len(page.rows)
            edge = {"before": str(page.first)} if back else {"after": str(page.last)}
            start = max(1, first - rows) if back else first + rows
            url_state.set_url(filter_, row=str(start), **edge)
        elif not columns.LAYOUT.apply(message):
            continue
        page_changes = True
    if page_changes:
        st.rerun()
    if opened:
        on_open(opened[-1])
