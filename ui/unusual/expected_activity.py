"""The activity that reviewers marked as expected."""

import datetime as dt

import streamlit as st

from trail.core.clock import utc_now
from trail.events import actor_names
from trail.findings import expected_activity
from ui import text, url_state
from ui.audit import record_action
from ui.page import Context, acts


def draw(ctx: Context) -> None:
    """Draw the expected activity with reason, author and expiry."""
    store = ctx.runtime.store
    today = utc_now().date()
    rows = expected_activity.active(store, today)
    if not rows:
        st.info("No activity is marked as expected.", icon=":material/info:")
        return
    names = actor_names.display_names(store, [row["actor_id"] for row in rows])
    zone = url_state.timezone()
    for number, row in enumerate(rows):
        left, right = st.columns([5, 1], vertical_alignment="center")
        left.text(
            f"{row['action']} by {names[row['actor_id']]}, until {text.day(row['until'], zone)}\n"
            f"{row['reason']} ({row['made_by']}, {text.short_timestamp(row['made_at'], zone)})"
        )
        if ctx.user.may("decide"):
            right.button(
                "End now",
                key=f"expected-{number}",
                on_click=_end,
                args=(ctx, row["actor_id"], row["action"], today),
            )


@acts("decide")
def _end(ctx: Context, actor_id: str, action: str, today: dt.date) -> None:
    expected_activity.end_expected(ctx.runtime.store, actor_id, action, today)
    record_action("decided", ctx.user, f"{action} by {actor_id}", "no longer expected")
