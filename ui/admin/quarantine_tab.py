"""What came in and what did not: batches, the quarantine, and types without a category."""

import datetime as dt
from typing import Any

import pandas as pd
import streamlit as st

from trail import catalogue, dimensions, quarantine
from trail.queries import status
from trail.store import Cursor
from ui import tables, text, url_state
from ui.audit import record_action
from ui.page import Context

_BATCHES, _RECORDS, _TYPES = 100, 50, 50
_RAW, _NAME = 4_000, 120


def draw_batches(ctx: Context) -> None:
    """Draw the newest batches, each with what became of its records."""
    zone = url_state.timezone()
    before = st.session_state.get("batches-before")
    rows = status.batches(ctx.runtime.store, _BATCHES + 1, before)
    if not rows:
        st.info("Nothing has been loaded yet.", icon=":material/info:")
        return
    shown = rows[:_BATCHES]
    st.dataframe(
        pd.DataFrame(
            {
                "Batch": [row["batch_id"] for row in shown],
                "Started": [text.timestamp(row["started_at"], zone) for row in shown],
                "Source": [row["loader"] for row in shown],
                "What": [row["source"] for row in shown],
                "Read": [row["read"] for row in shown],
                "Kept": [row["kept"] for row in shown],
                "Duplicates": [row["duplicates"] for row in shown],
                "Of those linked": [row["linked"] for row in shown],
                "Quarantined": [row["quarantined"] for row in shown],
                "State": [_condition(row) for row in shown],
            }
        ),
        hide_index=True,
        **tables.height(len(shown), 17),
        alt="Batches",
    )
    with st.container(horizontal=True):
        st.caption(f"Times in {zone.key}. Read = kept + duplicates + quarantined.")
        if before is not None:
            st.button("Newest", on_click=lambda: st.session_state.pop("batches-before", None))
        if len(rows) > _BATCHES:
            st.button(
                "Older",
                on_click=lambda: st.session_state.update({"batches-before": shown[-1]["batch_id"]}),
            )


def _condition(row: dict[str, Any]) -> str:
    if row["error"]:
        return f"▲ {row['error']}"
    return "✓ Done" if row["ended_at"] else "… Open"


def draw_quarantine(ctx: Context) -> None:
    """Draw refused records by batch and reason, with their bytes, and the way to try them again."""
    store, now = ctx.runtime.store, dt.datetime.now(dt.UTC)
    rows = quarantine.reasons(store)
    if not rows:
        st.info("Nothing is in quarantine: every record could be read.", icon=":material/check:")
        return
    st.caption(f"{text.count(sum(row['records'] for row in rows), 'record')} could not be read")
    for number, row in enumerate(rows[:_TYPES]):
        with st.container(border=True, gap="xsmall"):
            left, right = st.columns([3, 1], vertical_alignment="center")
            with left:
                st.text(f"{row['reason']}: {text.count(row['records'], 'record')}")
                st.caption(
                    text.escape(
                        f"Batch {row['batch_id']}, {row['source'] or 'unknown'}, "
                        f"{text.ago(row['seen_at'], now)}"
                    )
                )
            with right, st.container(horizontal=True, horizontal_alignment="right"):
                st.button(
                    "Try the batch again",
                    key=f"retry-{number}",
                    disabled=not row["whole"],
                    help=None if row["whole"] else "Too long to be kept whole",
                    on_click=_retry,
                    args=(ctx, row["batch_id"]),
                )
            with st.expander("Records"):
                _records(ctx, row)
    if len(rows) > _TYPES:
        st.caption(f"{len(rows) - _TYPES:,} further reasons are not shown.")


def _records(ctx: Context, row: dict[str, Any]) -> None:
    found = quarantine.records(ctx.runtime.store, row["batch_id"], row["reason"], _RECORDS)
    st.dataframe(
        pd.DataFrame(
            {
                "Line": [each["line"] for each in found],
                "Record": [
                    each["raw"][:_RAW].decode("utf-8", "backslashreplace") for each in found
                ],
                "Bytes": [each["raw_bytes"] for each in found],
            }
        ),
        hide_index=True,
        alt="Refused records",
    )
    if row["records"] > _RECORDS:
        st.caption(f"The first {_RECORDS} of {row['records']:,}")


def _retry(ctx: Context, batch_id: int) -> None:
    again = quarantine.retry(ctx.runtime.store, ctx.runtime.settings.limits, batch_id)
    told = f"{again.kept:,} passed, {again.quarantined:,} refused again"
    record_action("retried", ctx.user, f"batch {batch_id}", told)
    st.toast(
        f"{text.count(again.kept, 'record')} passed, {again.duplicates:,} were known, "
        f"{again.quarantined:,} were refused again"
    )


def draw_unknown(ctx: Context) -> None:
    """Draw types that the catalogue does not know, each with a choice of category."""
    rows = status.unknown_actions(ctx.runtime.store)
    if not rows:
        st.info("Every type is known to the catalogue.", icon=":material/check:")
        return
    zone = url_state.timezone()
    st.caption(
        "Segment publishes no list of its types. Those below are kept and counted under Other "
        "until you put them in a category."
    )
    for number, row in enumerate(rows[:_TYPES]):
        left, middle, right = st.columns([3, 2, 2], vertical_alignment="center")
        left.text(row["action_raw"])
        last = f", last {text.weekday_time(row['last_at'], zone)}" if row["last_at"] else ""
        middle.caption(f"{text.count(row['events'], 'event')}{last}")
        key = f"category-{number}-{hash(row['action_raw'])}"
        right.selectbox(
            f"Category of {text.escape(row['action_raw'][:_NAME])}",
            catalogue.CATEGORIES,
            index=catalogue.CATEGORIES.index(row["category"]),
            key=key,
            label_visibility="collapsed",
            on_change=_map,
            args=(ctx, row["action_raw"], key),
        )
    if len(rows) > _TYPES:
        st.caption(f"{len(rows) - _TYPES:,} further types are not shown.")


def _map(ctx: Context, action_raw: str, key: str) -> None:
    chosen = st.session_state[key]
    category = "" if chosen == "Other" else chosen

    def write(cursor: Cursor) -> None:
        dimensions.map_action(cursor, action_raw, category, ctx.user.username)

    ctx.runtime.store.write(write)
    record_action("mapped", ctx.user, action_raw, category or "Other")
