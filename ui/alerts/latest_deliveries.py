"""The newest deliveries and the failing destinations, below the rules."""

from typing import Literal

import streamlit as st

from trail.notifications import delivery_log
from trail.storage.duckdb import Store
from ui import text, url_state
from ui.components.status_rows import StatusRow, status_rows

_ROWS = 8
_LOG, _DESTINATIONS = "/alerts?section=log", "/alerts?section=destinations"
_Level = Literal["good", "high", "medium", "low"]
_STATES: dict[str, tuple[str, _Level, str]] = {
    "waiting": ("◆", "medium", "Waiting"),
    "sending": ("◆", "medium", "Sending"),
    "sent": ("✓", "good", "Delivered"),
    "dead": ("✕", "high", "Dead letter"),
}


def draw(store: Store) -> None:
    """Draw the newest deliveries, if there are any."""
    rows = delivery_log.list_deliveries(store, rows=_ROWS)
    if not rows:
        return
    zone, items = url_state.timezone(), list[StatusRow]()
    for row in rows:
        mark, level, state = _STATES[row["state"]]
        response = f"{row['status'] or ''} {row['answer'] or ''}".strip()
        waits = row["state"] == "waiting" and row["tries"]
        retry = f"retry {text.short_timestamp(row['due_at'], zone)}" if waits else ""
        parts = [row["destination"], "" if row["state"] == "sent" else response, retry]
        items.append(
            {
                "id": str(row["delivery_id"]),
                "address": _LOG,
                "mark": mark,
                "level": level,
                "state": state,
                "name": delivery_log.subject(row),
                "detail": " · ".join(part for part in parts if part),
                "side": text.short_timestamp(row["created_at"], zone),
            }
        )
    with st.container(border=True):
        status_rows(
            items, "latest-deliveries", title="Latest deliveries", link="Delivery log", address=_LOG
        )


def draw_problems(store: Store) -> None:
    """Draw the failing destinations, each with its waiting messages and dead letters."""
    counts = delivery_log.counts(store)
    items: list[StatusRow] = []
    for problem in delivery_log.problems(store):
        waiting = counts.get(problem.destination_id, {}).get("waiting", 0)
        items.append(
            {
                "id": str(problem.destination_id),
                "address": _DESTINATIONS,
                "mark": "▲" if problem.off else "◆",
                "level": "high" if problem.off else "medium",
                "state": "Off" if problem.off else "Failing",
                "name": problem.name,
                "detail": problem.answer,
                "side": f"{text.count(waiting, 'message')} waiting, "
                f"{text.count(problem.dead, 'dead letter')}",
            }
        )
    if items:
        with st.container(border=True):
            status_rows(
                items,
                "delivery-problems",
                title="Destinations not receiving messages",
                link="Destinations",
                address=_DESTINATIONS,
            )
