"""All people and tokens in one table, with warnings about removed people and access changes."""

import datetime as dt

import streamlit as st

from trail.core import event_text
from trail.events import counts, events, overview, people
from trail.events.people import ActorActivity
from trail.storage.filters import Filter
from ui import event_feed, tables, text, url_state
from ui.page import Context

_STATES = {
    "active": "● Active",
    "new": "◆ New",
    "dormant": "○ Dormant",
    "never": "– No events",
}
_MAX_CHANGES = 8
_MAX_NAMES = 5


def draw(ctx: Context, filter_: Filter, actors: list[ActorActivity], now: dt.datetime) -> None:
    """Draw the warnings, the table of *actors*, and the access changes at *now* (UTC)."""
    _acting_after_removal(actors, filter_)
    _token_creators(ctx, actors)
    with st.container(border=True, gap="xsmall"):
        _table(actors, filter_, now)
    with st.container(border=True, key="membership"):
        _access_changes(ctx, filter_)


def _acting_after_removal(actors: list[ActorActivity], filter_: Filter) -> None:
    for actor in actors:
        if actor.after_removal and actor.removed_at:
            removed = text.timestamp(actor.removed_at, filter_.zone)
            later = text.count(actor.after_removal, "event")
            st.warning(
                text.escape(f"{label(actor)} was removed {removed} and has {later} after that."),
                icon=":material/person_off:",
            )


def _token_creators(ctx: Context, actors: list[ActorActivity]) -> None:
    """Warn about tokens whose creator was removed; name those whose creator is unknown."""
    creators = people.token_creators(ctx.runtime.store)
    removed = {actor.actor_id for actor in actors if actor.removed_at}
    unknown = []
    for token in actors:
        if token.actor_type != "token" or not token.events:
            continue
        creator = creators.get(token.actor_id)
        if creator is None:
            unknown.append(label(token))
        elif creator["creator_id"] in removed:
            st.warning(
                text.escape(
                    f"Token {label(token)} is in use, but {creator['creator_name']}, who created "
                    "it, was removed."
                ),
                icon=":material/key_off:",
            )
    if unknown:
        names = ", ".join(unknown[:_MAX_NAMES])
        more = f" and {len(unknown) - _MAX_NAMES:,} more" if len(unknown) > _MAX_NAMES else ""
        tokens = text.count(len(unknown), "token")
        st.caption(text.escape(f"Creator unknown for {tokens}: {names}{more}"))


def _table(actors: list[ActorActivity], filter_: Filter, now: dt.datetime) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.header("All people and tokens", anchor=False, width="content")
        st.caption("Select a row for details", width="content")
    aware = now.replace(tzinfo=dt.UTC)
    tables.draw(
        {
            "Name": [label(actor) for actor in actors],
            "Type": [text.ACTOR_TYPES[actor.actor_type] for actor in actors],
            "State": [
                "✕ Removed" if actor.removed_at else _STATES[actor.state] for actor in actors
            ],
            "Last event": [
                text.ago(actor.last_at, aware) if actor.last_at else "" for actor in actors
            ],
            "Events": [actor.events for actor in actors],
            "Changes": [actor.changes for actor in actors],
            "Destructive": [actor.destructive for actor in actors],
            "Email": [actor.email for actor in actors],
            "ID": [actor.actor_id for actor in actors],
        },
        "People and tokens",
        visible=15,
        key=f"actors-{filter_.query()}",
        on_select=lambda index: url_state.set_url(filter_, who=actors[index].actor_id),
        config={
            "Name": st.column_config.TextColumn(width=210),
            "Email": st.column_config.TextColumn(width=200),
            **{
                name: st.column_config.NumberColumn(format="localized", width=96)
                for name in ("Events", "Changes", "Destructive")
            },
        },
    )


def _access_changes(ctx: Context, filter_: Filter) -> None:
    store, now = ctx.runtime.store, ctx.now
    changes = overview.changes(filter_).put("category", "Access Management", "include")
    event_feed.draw(
        events.page(store, changes, now, rows=_MAX_CHANGES).rows,
        changes,
        "membership-list",
        title="Access changes",
        note=f"{counts.count(store, changes, now):,} in this window",
        time=lambda at: text.weekday_time(at, filter_.zone),
    )


def label(actor: ActorActivity) -> str:
    """Return the name of *actor*, else the email, else the ID."""
    return event_text.actor_label(actor.actor_id, actor.name or actor.email or actor.actor_id)
