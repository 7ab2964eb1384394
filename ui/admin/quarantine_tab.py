"""The quarantine: records by batch and reason, and the retry of a batch."""

import datetime as dt
from typing import Any

import streamlit as st

from trail.ingest import quarantine
from ui import tables, text
from ui.audit import record_action
from ui.page import Context, acts

_MAX_REASONS, _MAX_RECORDS, _MAX_CHARACTERS = 50, 50, 4_000


def draw(ctx: Context) -> None:
    """Draw the quarantined records by batch and reason, each with a retry button."""
    now = dt.datetime.now(dt.UTC)
    rows = quarantine.reasons(ctx.runtime.store)
    if not rows:
        st.info("The quarantine is empty", icon=":material/check:")
        return
    st.caption(f"{text.count(sum(row['records'] for row in rows), 'record')} could not be read")
    for number, row in enumerate(rows[:_MAX_REASONS]):
        with st.container(border=True, gap="xsmall"):
            left, right = st.columns([3, 1], vertical_alignment="center")
            with left:
                st.text(f"{row['reason']}: {text.count(row['records'], 'record')}")
                batch = f"Batch {row['batch_id']}, {row['source'] or 'unknown'}"
                st.caption(text.escape(f"{batch}, {text.ago(row['seen_at'], now)}"))
            with right, st.container(horizontal=True, horizontal_alignment="right"):
                st.button(
                    "Retry batch",
                    key=f"retry-{number}",
                    disabled=not row["whole"],
                    help=None
                    if row["whole"]
                    else "Retry is not possible: a record was truncated because it is too long.",
                    on_click=_retry,
                    args=(ctx, row["batch_id"]),
                )
            key = f"records-{number}"
            with st.expander("Records", key=key, on_change="rerun") as records:
                if records.open:
                    _records(ctx, row)
    if len(rows) > _MAX_REASONS:
        st.caption(f"{len(rows) - _MAX_REASONS:,} more reasons are not shown.")


def _records(ctx: Context, row: dict[str, Any]) -> None:
    records = quarantine.records(ctx.runtime.store, row["batch_id"], row["reason"], _MAX_RECORDS)
    tables.draw(
        {
            "Line": [record["line"] for record in records],
            "Record": [
                record["raw"][:_MAX_CHARACTERS].decode("utf-8", "backslashreplace")
                for record in records
            ],
            "Bytes": [record["raw_bytes"] for record in records],
        },
        "Quarantined records",
    )
    if row["records"] > _MAX_RECORDS:
        st.caption(f"First {_MAX_RECORDS} of {row['records']:,} records")


@acts("configure")
def _retry(ctx: Context, batch_id: int) -> None:
    batch = quarantine.retry(ctx.runtime.store, ctx.runtime.settings.limits, batch_id)
    result = (
        f"{batch.kept:,} kept, {text.count(batch.duplicates, 'duplicate')}, "
        f"{batch.quarantined:,} quarantined again"
    )
    record_action("retried", ctx.user, f"batch {batch_id}", result)
    st.toast(f"Retry of batch {batch_id}: {result}")
