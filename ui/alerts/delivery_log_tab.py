"""The delivery log: deliveries with their state and attempts; resending of dead letters."""

import streamlit as st

from trail.core.clock import utc_now
from trail.notifications import deliveries, delivery_log, destinations
from ui import tables, text, url_state
from ui.audit import record_action
from ui.page import Context

_STATES = {
    "waiting": "… Waiting",
    "sending": "… Sending",
    "sent": "✓ Sent",
    "dead": "✕ Dead letter",
}
_MAX_ROWS = 200


def draw(ctx: Context) -> None:
    """Draw the newest deliveries; selecting one shows its attempts."""
    store = ctx.runtime.store
    names = {row.destination_id: row.name for row in destinations.list_all(store)}
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
    zone = url_state.timezone()
    selected = tables.draw(
        {
            "Created": [text.timestamp(row["created_at"], zone) for row in rows],
            "Destination": [row["destination"] for row in rows],
            "Kind": [row["kind"] for row in rows],
            "State": [_STATES.get(row["state"], row["state"]) for row in rows],
            "Attempts": [row["tries"] for row in rows],
            "Response": [f"{row['status'] or ''} {row['answer'] or ''}".strip() for row in rows],
        },
        "Deliveries; select a row for its attempts",
        visible=14,
        key=f"deliveries-{chosen}-{state}-{len(rows)}",
    )
    st.caption(
        f"Newest {text.count(len(rows), 'delivery', 'deliveries')}. "
        f"Times in {text.escape(zone.key)}."
    )
    dead = [row["delivery_id"] for row in rows if row["state"] == "dead"]
    if dead and st.button(f"Resend {text.count(len(dead), 'dead letter')}"):
        number = store.write(lambda cursor: deliveries.resend(cursor, dead, utc_now()))
        record_action("resent", ctx.user, names.get(chosen, "all destinations"), f"{number:,}")
        st.rerun()
    if selected is not None:
        st.subheader("Attempts", anchor=False)
        for attempt in delivery_log.list_attempts(store, rows[selected]["delivery_id"]):
            st.text(
                f"{attempt['number']} · {text.timestamp(attempt['ended_at'], zone)} · "
                f"{attempt['verdict']} {attempt['status'] or ''} {attempt['answer'] or ''}"
            )
