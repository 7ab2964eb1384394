"""The delivery log: each message, what became of it, and another try for what did not arrive."""

import pandas as pd
import streamlit as st

from trail.outbox import deliveries, destinations, history
from trail.store import Store, utc_now
from ui import tables, text, url_state
from ui.page import Context

_STATES = {
    "waiting": "… Waiting",
    "sending": "… Sending",
    "sent": "✓ Sent",
    "dead": "✕ Dead letter",
}
_ROWS = 200


def draw(ctx: Context) -> None:
    """Draw the newest deliveries; pressing one shows its tries."""
    store = ctx.runtime.store
    names = {each.destination_id: each.name for each in destinations.all_of(store)}
    with st.container(horizontal=True):
        chosen = st.selectbox(
            "Destination",
            [0, *names],
            format_func=lambda number: names.get(number, "All"),
            width=240,
        )
        kind = st.selectbox(
            "State", ["", *_STATES], format_func=lambda name: _STATES.get(name, "All"), width=200
        )
    rows = history.page(store, destination_id=chosen or None, state=kind, rows=_ROWS)
    if not rows:
        st.info("Nothing has been sent yet.", icon=":material/info:")
        return
    zone = url_state.timezone()
    key = f"deliveries-{chosen}-{kind}-{len(rows)}"
    st.dataframe(
        pd.DataFrame(
            {
                "Made": [text.timestamp(row["created_at"], zone) for row in rows],
                "To": [row["destination"] for row in rows],
                "What": [row["kind"] for row in rows],
                "State": [_STATES.get(row["state"], row["state"]) for row in rows],
                "Tries": [row["tries"] for row in rows],
                "Answer": [f"{row['status'] or ''} {row['answer'] or ''}".strip() for row in rows],
            }
        ),
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        **tables.height(len(rows), 14),
        alt="Deliveries",
    )
    st.caption(f"Times in {zone.key}. The newest {len(rows):,}.")
    dead = [row["delivery_id"] for row in rows if row["state"] == "dead"]
    if dead:
        st.button(
            f"Send {text.count(len(dead), 'dead letter')} again",
            on_click=_resend,
            args=(store, dead),
        )
    picked = st.session_state[key]["selection"]["rows"] if key in st.session_state else []
    if picked:
        _tries(ctx, rows[picked[0]]["delivery_id"])


def _resend(store: Store, delivery_ids: list[int]) -> None:
    store.write(lambda cursor: deliveries.resend(cursor, delivery_ids, utc_now()))


def _tries(ctx: Context, delivery_id: int) -> None:
    zone = url_state.timezone()
    st.subheader("Tries", anchor=False)
    for each in history.tries_of(ctx.runtime.store, delivery_id):
        st.text(
            f"{each['number']} · {text.timestamp(each['ended_at'], zone)} · {each['verdict']} "
            f"{each['status'] or ''} {each['answer'] or ''}"
        )
