"""All of one person or token: when they act, what they do more than others, what they touch."""

import datetime as dt

import pandas as pd
import streamlit as st

from trail.filters import Filter
from trail.queries import lanes, people, timeline
from trail.queries.people import Somebody
from trail.queries.timeline import Bar
from ui import charts, text, timeline_charts, url_state
from ui.page import Context

_TOP = 10


def draw(ctx: Context, filter_: Filter, who: str, one: Somebody | None) -> None:
    """Draw the actor *who*."""
    store, now = ctx.runtime.store, dt.datetime.now(dt.UTC)
    only = filter_.put("actor", who, "include")
    if one is None:
        st.info("Nobody of this id is known.", icon=":material/info:")
        return
    st.text(_about(one, filter_, now))
    _maker(ctx, who, filter_)
    with st.container(border=True, gap="xsmall"):
        bars = timeline.histogram(store, only, now)
        st.header(f"Events per {charts.grain_label(bars.grain)}", anchor=False)

        def brush(first: Bar, last: Bar) -> None:
            url_state.set_url(url_state.with_range(filter_, first.start, last.end), who=who)

        charts.histogram(bars, filter_.zone, f"actor-{only.query()}", brush)
        # A link, so that Back leads here again.
        st.page_link(
            url_state.EXPLORE,
            label="See these events in Explore",
            icon=":material/manage_search:",
            query_params=url_state.query_params(only),
        )
    left, right = st.columns(2, gap="small")
    with left, st.container(border=True, gap="xsmall", height="stretch"):
        st.header("What they do, beside everybody", anchor=False)
        shares = people.mix(store, filter_, now, who, _TOP)
        st.dataframe(
            pd.DataFrame(
                {
                    "Action": [share.action for share in shares],
                    "Events": [share.events for share in shares],
                    "Of theirs": [f"{share.theirs:.0%}" for share in shares],
                    "Of everybody's": [f"{share.everybodys:.1%}" for share in shares],
                }
            ),
            hide_index=True,
            alt="Actions beside everybody's",
        )
    with right, st.container(border=True, gap="xsmall", height="stretch"):
        _targets(ctx, filter_, who)
    with st.container(border=True, gap="xsmall"):
        st.header("Hours of the week", anchor=False)
        st.caption(f"Clock of {text.escape(filter_.zone.key)}")

        def hour(day: int, number: int) -> None:
            found = lanes.latest_hour(store, only, now, day, number)
            if found:
                url_state.open_page(url_state.EXPLORE, url_state.with_range(only, *found))

        timeline_charts.week(lanes.week(store, only, now), filter_.zone, "actor-week", hour)


def _about(one: Somebody, filter_: Filter, now: dt.datetime) -> str:
    kind = "Token" if one.actor_type == "token" else "Person"
    parts = [kind, one.actor_id, *([one.email] if one.email else [])]
    lines = [" · ".join(parts)]
    if one.first_at and one.last_at:
        lines.append(
            f"First kept event {text.timestamp(one.first_at, filter_.zone)}, "
            f"last {text.ago(one.last_at, now)}. In this window "
            f"{text.count(one.events, 'event')}, {text.count(one.changes, 'change')}, "
            f"{one.destructive:,} destructive."
        )
    if one.removed_at:
        lines.append(f"✕ Removed {text.timestamp(one.removed_at, filter_.zone)}.")
    return "\n".join(lines)


def _maker(ctx: Context, who: str, filter_: Filter) -> None:
    made = people.makers(ctx.runtime.store).get(who)
    if made:
        when = text.timestamp(made["made_at"], filter_.zone)
        st.caption(text.escape(f"Made by {made['maker_name']}, {when}"))


def _targets(ctx: Context, filter_: Filter, who: str) -> None:
    st.header("What they touch", anchor=False)
    found = people.touched(ctx.runtime.store, filter_, dt.datetime.now(dt.UTC), who, _TOP)
    key = f"touched-{who}-{filter_.query()}"

    def chosen() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            url_state.set_url(filter_, what=found[rows[0]]["value"])

    st.dataframe(
        pd.DataFrame(
            {
                "Target": [row["label"] for row in found],
                "Type": [(row["target_type"] or "").replace("_", " ") for row in found],
                "Events": [row["events"] for row in found],
                "Last": [text.weekday_time(row["last_at"], filter_.zone) for row in found],
            }
        ),
        key=key,
        on_select=chosen,
        selection_mode="single-row",
        hide_index=True,
        alt="Targets, press a row for its history",
    )
