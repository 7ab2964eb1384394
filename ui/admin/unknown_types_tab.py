"""Event types that are not in the catalogue, and the choice of a category for each."""

import streamlit as st

from trail.core import catalogue
from trail.events import store_status
from trail.storage import dimensions
from trail.storage.connection import Cursor
from ui import text, url_state
from ui.audit import record_action
from ui.page import Context, acts

_MAX_TYPES, _MAX_NAME = 50, 120


def draw(ctx: Context) -> None:
    """Draw the unknown event types, each with its category."""
    rows = store_status.unknown_actions(ctx.store)
    if not rows:
        st.info("All event types are in the catalogue", icon=":material/check:")
        return
    zone = url_state.timezone()
    st.caption(
        "Segment publishes no list of event types. Types that are not in the catalogue are kept "
        "and counted as Other until you choose a category."
    )
    for number, row in enumerate(rows[:_MAX_TYPES]):
        left, middle, right = st.columns([3, 2, 2], vertical_alignment="center")
        left.text(row["action_raw"])
        last = f", last {text.short_timestamp(row['last_at'], zone)}" if row["last_at"] else ""
        middle.caption(f"{text.count(row['events'], 'event')}{last}")
        key = f"category-{number}-{hash(row['action_raw'])}"
        right.selectbox(
            f"Category of {text.escape(row['action_raw'][:_MAX_NAME])}",
            catalogue.CATEGORIES,
            index=catalogue.CATEGORIES.index(row["category"]),
            key=key,
            label_visibility="collapsed",
            on_change=_choose,
            args=(ctx, row["action_raw"], key),
        )
    if len(rows) > _MAX_TYPES:
        st.caption(f"{len(rows) - _MAX_TYPES:,} more types are not shown.")


@acts("configure")
def _choose(ctx: Context, action_raw: str, key: str) -> None:
    chosen = st.session_state[key]
    category = "" if chosen == "Other" else chosen

    def write(cursor: Cursor) -> None:
        dimensions.map_action(cursor, action_raw, category, ctx.user.username)

    ctx.runtime.store.write(write)
    record_action("mapped", ctx.user, action_raw, category or "Other")
