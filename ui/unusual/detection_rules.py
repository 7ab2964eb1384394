"""Rules beside the statistics: what each would have found, on or off; and what is expected."""

import datetime as dt

import pandas as pd
import streamlit as st

from trail.core import event_text
from trail.errors import TrailError
from trail.findings import lessons, rules, switches
from trail.store import utc_now
from ui import actor_names, tables, text, url_state
from ui.audit import record_action
from ui.page import Context


def draw(ctx: Context) -> None:
    """Draw each rule with its sentence, its hits in 90 days, and its switch."""
    store = ctx.runtime.store
    st.caption(
        "A rule adds its points to a day whenever it matches, usual or not. Switch it on once you "
        "have seen what it would have found."
    )
    with st.container(border=True, gap="small"):
        for each in switches.states(store):
            rule = each["rule"]
            left, right = st.columns([3, 1], vertical_alignment="center")
            with left.container(gap=None):
                st.toggle(
                    text.escape(f"{rule.title} · {rule.points} points"),
                    value=each["is_on"],
                    key=f"rule-{rule.name}-{each['is_on']}",
                    on_change=_switch,
                    args=(ctx, rule.name, not each["is_on"]),
                    disabled=not ctx.user.may("configure"),
                )
                st.caption(text.escape(rule.description))
            with right:
                _would_have(ctx, rules.fired(store, rule, dt.datetime.now(dt.UTC)))


def _would_have(ctx: Context, found: rules.Fired) -> None:
    if not found.rows:
        st.caption(found.sentence.capitalize())
        return
    zone = url_state.timezone()
    called = actor_names.display_names(ctx.runtime.store, [row["actor_id"] for row in found.rows])
    with st.popover(found.sentence.capitalize(), width="stretch"):
        st.dataframe(
            pd.DataFrame(
                {
                    "Time": [text.timestamp(row["occurred_at"], zone) for row in found.rows],
                    "Action": [row["action"] for row in found.rows],
                    "Target": [event_text.target(row) for row in found.rows],
                    "Actor": [called[row["actor_id"]] for row in found.rows],
                }
            ),
            hide_index=True,
            width=760,
            **tables.height(len(found.rows), 8),
            alt="What the rule would have found",
        )
        shown = f" The newest {len(found.rows):,}." if found.count > len(found.rows) else ""
        st.caption(f"Times in {text.escape(zone.key)}.{shown}")


def _switch(ctx: Context, name: str, on: bool) -> None:
    try:
        switches.switch(ctx.runtime.store, name, ctx.user.username, on=on)
        record_action("settings", ctx.user, f"detection rule {name}", "on" if on else "off")
    except TrailError as problem:
        st.toast(text.escape(str(problem)), duration="long")


def draw_expected(ctx: Context) -> None:
    """Draw what people said is expected, with who, why and until when."""
    store = ctx.runtime.store
    today = utc_now().date()
    found = lessons.lessons(store, today)
    if not found:
        st.info("Nothing has been called expected.", icon=":material/info:")
        return
    called = actor_names.display_names(store, [row["actor_id"] for row in found])
    for number, row in enumerate(found):
        left, right = st.columns([5, 1], vertical_alignment="center")
        left.text(
            f"{row['action']} by {called[row['actor_id']]}, until {row['until']}\n"
            f"{row['reason']} ({row['made_by']}, {row['made_at']:%Y-%m-%d})"
        )
        right.button(
            "End it",
            key=f"lesson-{number}",
            on_click=_end,
            args=(ctx, row["actor_id"], row["action"], today),
        )


def _end(ctx: Context, actor_id: str, action: str, today: dt.date) -> None:
    lessons.unteach(ctx.runtime.store, actor_id, action, today)
    record_action("decided", ctx.user, f"{action} by {actor_id}", "no longer expected")
