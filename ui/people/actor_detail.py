"""One person or token: activity over time, actions compared with peers, and targets."""

import datetime as dt

import streamlit as st

from trail.core.clock import naive_utc
from trail.events import coverage, hours_of_week, people, timeline
from trail.events.people import ActorActivity
from trail.storage.filters import Filter
from ui import charts, known_time, tables, text, timeline_charts, url_state
from ui.page import Context

_MAX_ROWS = 10


def draw(ctx: Context, filter_: Filter, actor_id: str, actor: ActorActivity | None) -> None:
    """Draw the actor *actor_id*; *actor* is None for an unknown id."""
    store, now = ctx.store, ctx.now
    only = filter_.put("actor", actor_id, "include")
    if actor is None:
        st.info("Unknown actor ID", icon=":material/info:")
        return
    st.text(_about(actor, filter_, now))
    if creator := people.token_creators(store).get(actor_id):
        created = text.timestamp(creator["created_at"], filter_.zone)
        st.caption(text.escape(f"Created by {creator['creator_name']}, {created}"))
    with st.container(border=True, gap="xsmall"):
        bars = timeline.histogram(store, only, now)
        st.header(f"Events per {charts.grain_label(bars.grain)}", anchor=False)

        def brush(start: dt.datetime, end: dt.datetime) -> None:
            url_state.set_url(url_state.with_range(filter_, start, end), who=actor_id)

        window = timeline.bounded(store, only.window(now), now)
        assert window.start and window.end
        end = min(window.end, naive_utc(now))
        spans = coverage.spans(store, window.start, end, only.choice("workspace"))
        known = known_time.known(store, now, only)
        charts.histogram(bars, filter_.zone, "actor-histogram", brush, spans, known)
        # A link, so that Back returns to this page.
        st.page_link(
            url_state.EXPLORE,
            label="View these events in Explore",
            icon=":material/manage_search:",
            query_params=url_state.query_params(only),
        )
    left, right = st.columns(2, gap="small")
    with left, st.container(border=True, gap="xsmall", height="stretch"):
        st.header("Activity compared with peers", anchor=False)
        shares = people.action_mix(store, filter_, now, actor_id, _MAX_ROWS)
        tables.draw(
            {
                "Action": [share.action for share in shares],
                "Events": [share.events for share in shares],
                "Share": [text.percent(share.actor_share) for share in shares],
                "All actors": [text.percent(share.workspace_share, 1) for share in shares],
            },
            "Share of each action in the events of this actor and of all actors",
        )
    with right, st.container(border=True, gap="xsmall", height="stretch"):
        st.header("Targets", anchor=False)
        _targets(ctx, filter_, actor_id)
    with st.container(border=True, gap="xsmall"):
        st.header("Hours of the week", anchor=False)
        st.caption(f"Average events of an hour. Times in {text.escape(filter_.zone.key)}")

        def show_latest(day: int, hour: int) -> None:
            if span := hours_of_week.latest_hour(store, only, now, day, hour):
                url_state.open_page(url_state.EXPLORE, url_state.with_range(only, *span))

        week = hours_of_week.week(store, only, now)
        timeline_charts.week(week, filter_.zone, "actor-week", show_latest)


def _about(actor: ActorActivity, filter_: Filter, now: dt.datetime) -> str:
    parts = [text.ACTOR_TYPES[actor.actor_type], actor.actor_id, actor.email]
    lines = [" · ".join(part for part in parts if part)]
    if actor.first_at and actor.last_at:
        lines.append(
            f"First retained event {text.timestamp(actor.first_at, filter_.zone)}, "
            f"last event {text.ago(actor.last_at, now)}. In this window: "
            f"{text.count(actor.events, 'event')}, {text.count(actor.changes, 'change')}, "
            f"{actor.destructive:,} destructive."
        )
    if actor.removed_at:
        lines.append(f"✕ Removed {text.timestamp(actor.removed_at, filter_.zone)}")
    return "\n".join(lines)


def _targets(ctx: Context, filter_: Filter, actor_id: str) -> None:
    rows = people.top_targets(ctx.store, filter_, ctx.now, actor_id, _MAX_ROWS)
    tables.draw(
        {
            "Target": [row["label"] for row in rows],
            "Type": [(row["target_type"] or "").replace("_", " ") for row in rows],
            "Events": [row["events"] for row in rows],
            "Last event": [text.short_timestamp(row["last_at"], filter_.zone) for row in rows],
        },
        "Targets; select a row for its history",
        key=f"targets-{actor_id}-{filter_.query()}",
        on_select=lambda index: url_state.set_url(filter_, what=rows[index]["value"]),
    )
