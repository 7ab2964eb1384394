"""The batches: one row per load, with the number of records read, kept and quarantined."""

from typing import Any

import streamlit as st

from trail.events import store_status
from ui import tables, text, url_state
from ui.page import Context

_PAGE_ROWS = 100
_BEFORE = "batches-before"


def draw(ctx: Context) -> None:
    """Draw a page of batches, newest first."""
    zone = url_state.timezone()
    before = st.session_state.get(_BEFORE)
    rows = store_status.batches(ctx.runtime.store, _PAGE_ROWS + 1, before)
    if not rows:
        st.info("No batches yet", icon=":material/info:")
        return
    shown = rows[:_PAGE_ROWS]
    tables.draw(
        {
            "Batch": [row["batch_id"] for row in shown],
            "Started": [text.timestamp(row["started_at"], zone) for row in shown],
            "Source": [row["loader"] for row in shown],
            "Input": [row["source"] for row in shown],
            "Read": [row["read"] for row in shown],
            "Kept": [row["kept"] for row in shown],
            "Duplicates": [row["duplicates"] for row in shown],
            "Linked duplicates": [row["linked"] for row in shown],
            "Quarantined": [row["quarantined"] for row in shown],
            "State": [_state(row) for row in shown],
        },
        "Batches",
        visible=17,
    )
    with st.container(horizontal=True):
        st.caption(f"Times in {text.escape(zone.key)}. Read = kept + duplicates + quarantined.")
        if before is not None:
            st.button("Newest", on_click=lambda: st.session_state.pop(_BEFORE, None))
        if len(rows) > _PAGE_ROWS:
            last = shown[-1]["batch_id"]
            st.button("Older", on_click=lambda: st.session_state.update({_BEFORE: last}))


def _state(row: dict[str, Any]) -> str:
    if row["error"]:
        return f"▲ {row['error']}"
    return "✓ Done" if row["ended_at"] else "… Running"
