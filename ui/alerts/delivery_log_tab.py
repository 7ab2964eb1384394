"""The delivery log: dead letters by reason, deliveries with their state and attempts.

Dead letters and waiting deliveries can be retried or deleted, one by one or by reason.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from trail.core.clock import utc_now
from trail.notifications import deliveries, delivery_log, destinations
from trail.notifications.delivery_log import DeadLetters
from ui import tables, text, url_state
from ui.alerts import changes, maintenance_tab
from ui.page import Context

_STATES = {
    "waiting": "… Waiting",
    "sending": "… Sending",
    "sent": "✓ Sent",
    "dead": "✕ Dead letter",
}
_MAY_CHANGE = ("waiting", "dead")
_MAX_ROWS = 200


def draw(ctx: Context) -> None:
    """Draw the dead letters by reason, then the newest deliveries; a selected one in detail."""
    store, zone = ctx.runtime.store, url_state.timezone()
    names = {row.destination_id: row.name for row in destinations.list_all(store)}
    if groups := delivery_log.dead_letters(store):
        _dead_letters(groups, zone)
    maintenance_tab.draw_held(ctx)
    with st.container(horizontal=True):
        chosen = st.selectbox(
            "Destination",
            [0, *names],
            format_func=lambda number: names.get(number, "All"),
            width=240,
        )
        state = st.selectbox(
            "State", ["", *_STATES], format_func=lambda name: _STATES.get(name, "All"), width=200
        )
    rows = delivery_log.list_deliveries(
        store, destination_id=chosen or None, state=state, rows=_MAX_ROWS
    )
    if not rows:
        st.info("No deliveries", icon=":material/info:")
        return
    selected = tables.draw(
        {
            "Created": [text.timestamp(row["created_at"], zone) for row in rows],
            "State": [_STATES.get(row["state"], row["state"]) for row in rows],
            "Message": [delivery_log.subject(row) for row in rows],
            "Kind": [row["kind"] for row in rows],
            "Destination": [row["destination"] for row in rows],
            "Attempts": [row["tries"] for row in rows],
            "Response": [_response(row["status"], row["answer"]) for row in rows],
        },
        "Deliveries; select a row for its attempts",
        visible=14,
        key=f"deliveries-{chosen}-{state}-{len(rows)}",
    )
    st.caption(
        f"Newest {text.count(len(rows), 'delivery', 'deliveries')}. "
        f"Times in {text.escape(zone.key)}."
    )
    if selected is not None:
        _delivery(ctx, rows[selected], zone)


def _dead_letters(groups: Sequence[DeadLetters], zone: ZoneInfo) -> None:
    total = sum(len(group.delivery_ids) for group in groups)
    with st.container(border=True, gap="xsmall"):
        st.subheader(f"{text.count(total, 'dead letter')} by reason", anchor=False)
        st.caption("Messages that a destination rejected, or that failed on every attempt.")
        for number, group in enumerate(groups):
            _group(number, group, zone)


def _group(number: int, group: DeadLetters, zone: ZoneInfo) -> None:
    count = text.count(len(group.delivery_ids), "dead letter")
    left, right = st.columns([3, 2], vertical_alignment="center")
    span = text.time_range(group.first_at, group.last_at, zone)
    if group.last_at - group.first_at < dt.timedelta(minutes=1):
        span = text.short_timestamp(group.last_at, zone)
    with left, st.container(gap=None):
        st.text(f"{group.destination}: {_response(group.status, group.answer) or 'No response'}")
        st.caption(f"{count}, {span}")
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        st.button(
            f"Retry {count}",
            key=f"retry-reason-{number}",
            on_click=_retry,
            args=(group.destination, group.delivery_ids),
        )
        _delete_button(f"reason-{number}", count, group.destination, group.delivery_ids)


def _delivery(ctx: Context, row: dict[str, Any], zone: ZoneInfo) -> None:
    """Draw the attempts of the delivery *row*, and its actions."""
    number, destination = row["delivery_id"], row["destination"]
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader("Attempts", anchor=False, width="stretch")
            if row["state"] in _MAY_CHANGE:
                st.button(
                    "Retry",
                    key=f"retry-{number}",
                    on_click=_retry,
                    args=(destination, (number,)),
                    help="Sends this message now, together with those queued before it.",
                )
                _delete_button(str(number), "delivery", destination, (number,))
        attempts = delivery_log.list_attempts(ctx.runtime.store, number)
        if not attempts:
            st.text("No attempts yet")
        for attempt in attempts:
            st.text(
                f"{attempt['number']} · {text.timestamp(attempt['ended_at'], zone)} · "
                f"{attempt['verdict']} {_response(attempt['status'], attempt['answer'])}"
            )


def _delete_button(key: str, noun: str, destination: str, delivery_ids: Sequence[int]) -> None:
    with st.popover("Delete", key=f"ask-delete-delivery-{key}"):
        st.text("Deleted messages are never sent. The access log records who deleted how many.")
        st.button(
            f"Delete {noun}",
            key=f"delete-delivery-{key}",
            on_click=changes.attempt,
            args=(
                f"deliveries to {destination}",
                lambda cursor, _: deliveries.delete(cursor, delivery_ids),
                lambda count: f"{count:,} deleted",
            ),
        )


def _retry(destination: str, delivery_ids: Sequence[int]) -> None:
    changes.attempt(
        destination,
        lambda cursor, _: deliveries.resend(cursor, delivery_ids, utc_now()),
        lambda count: f"{count:,}",
        "resent",
    )


def _response(status: int | None, answer: str | None) -> str:
    return f"{status or ''} {answer or ''}".strip()
