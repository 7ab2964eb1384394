"""All people and tokens in one table, with warnings about removed people and access changes."""

import datetime as dt
import operator

import streamlit as st

from trail.core import event_text
from trail.events import counts, events, overview, people
from trail.events.people import ActorActivity
from trail.storage.filters import Filter
from ui import event_feed, known_time, text, url_state
from ui.components.table import Cell
from ui.listed import Field, Listed
from ui.page import Context

_STATES = {
    "active": ("●", "Active"),
    "new": ("◆", "New"),
    "dormant": ("○", "Dormant"),
    "later": ("–", "Not yet active"),
    "never": ("–", "No events"),
    "removed": ("✕", "Removed"),
    "unknown": ("?", "Unknown"),
}
_MAX_CHANGES = 8
_MAX_NAMES = 5

# With the present moment, aware, and whether nothing is known of the window.
_Line = tuple[ActorActivity, dt.datetime, bool]


def _state(line: _Line) -> str:
    if line[0].removed_at:
        return "removed"
    # Without data, nobody is known to be dormant.
    return "unknown" if line[2] and line[0].state == "dormant" else line[0].state


def _state_cell(line: _Line) -> Cell:
    glyph, name = _STATES[_state(line)]
    return {"text": name, "glyph": glyph, "tone": "red" if line[0].removed_at else "second"}


def _last(line: _Line) -> str:
    return text.ago(line[0].last_at, line[1]) if line[0].last_at else ""


def _number(name: str, title: str, width: int = 100) -> Field[_Line]:
    count = operator.attrgetter(name)
    return Field(
        name,
        title,
        width,
        lambda line: f"{count(line[0]):,}",
        lambda line: count(line[0]),
        "desc",
        "right",
    )


def _text(name: str, title: str, width: int, *, mono: bool = False) -> Field[_Line]:
    value = operator.attrgetter(name)
    return Field(
        name, title, width, lambda line: value(line[0]), lambda line: value(line[0]), mono=mono
    )


def label(actor: ActorActivity) -> str:
    """Return the display name of *actor*."""
    return event_text.actor(
        {"actor_id": actor.actor_id, "actor_name": actor.name, "actor_email": actor.email}
    )


_LIST: Listed[_Line] = Listed(
    "people",
    "People and tokens",
    (
        Field("name", "Name", 210, lambda line: label(line[0]), lambda line: label(line[0])),
        Field(
            "type",
            "Type",
            90,
            lambda line: text.ACTOR_TYPES[line[0].actor_type],
            lambda line: text.ACTOR_TYPES[line[0].actor_type],
        ),
        Field("state", "State", 116, _state_cell, lambda line: list(_STATES).index(_state(line))),
        Field("last_at", "Last event", 130, _last, lambda line: line[0].last_at, "desc"),
        _number("events", "Events"),
        _number("changes", "Changes"),
        _number("destructive", "Destructive"),
        _text("email", "Email", 200),
        _text("actor_id", "ID", 190, mono=True),
    ),
    lambda line: line[0].actor_id,
    "name",
)


def draw(ctx: Context, filter_: Filter, actors: list[ActorActivity]) -> None:
    """Draw the warnings, the table of *actors*, and the access changes."""
    _acting_after_removal(actors, filter_)
    _token_creators(ctx, actors)
    with st.container(border=True, gap="xsmall"):
        _table(ctx, actors, filter_)
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
    creators = people.token_creators(ctx.store)
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


def _table(ctx: Context, actors: list[ActorActivity], filter_: Filter) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.header("All people and tokens", anchor=False, width="content")
        st.caption("Select a row for details", width="content")
    blank = known_time.known(ctx.store, ctx.now).is_blank(filter_.window(ctx.now))
    _LIST.draw(
        [(actor, ctx.now, blank) for actor in actors],
        key=filter_.query(),
        visible=15,
        on_open=lambda line: url_state.set_url(filter_, who=line[0].actor_id),
    )


def _access_changes(ctx: Context, filter_: Filter) -> None:
    store, now = ctx.store, ctx.now
    changes = overview.changes(filter_).put("category", "Access Management", "include")
    event_feed.draw(
        events.page(store, changes, now, rows=_MAX_CHANGES).rows,
        changes,
        "membership-list",
        title="Access changes",
        note=f"{counts.count(store, changes, now):,} in this window",
        time=lambda at: text.short_timestamp(at, filter_.zone),
    )
