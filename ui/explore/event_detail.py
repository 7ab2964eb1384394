"""The event panel beside the table: the event that the URL names, and the actions of its buttons.

Opening, stepping and closing run only the panel, so that the page stays as it is. What takes longer
to find is computed in a second run, which the panel requests once it rests on an event.
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

import streamlit as st

from trail.core import event_text
from trail.core.errors import UnavailableError
from trail.events import events, target_events
from trail.ingest import dedup
from trail.storage import query_timeout, workspaces
from trail.storage.filters import Filter
from ui import text, url_state
from ui.components.event_panel import EventMessage, PanelEvent, PanelMore, event_panel
from ui.explore import (
    columns,
    event_fields,
    event_related,
    event_sections,
    events_table,
    undo_guide,
)
from ui.explore.event_links import Places
from ui.page import Context, current_user, explaining, turn

_KEY = "event-panel"
FRAGMENT = "event"
_STATE = "event-panel-more"
_NO_FAILURE = "No later failure of this target, or in these results."


@dataclass
class _More:
    """The sections of the event that the panel showed last, kept for this session.

    `wanted` is the id of the event whose sections the panel requested. `key` names the event, the
    filter and the data that `sections` were computed for.
    """

    wanted: str = ""
    key: tuple[object, ...] = ()
    sections: PanelMore | None = None
    places: Places = field(default_factory=dict)
    notice: str = ""


def go_to(filter_: Filter, event: dict[str, Any]) -> None:
    """Set the URL to *event* on the current page of events."""
    _go_to(filter_, event["event_id"], event["occurred_at"])


def _go_to(filter_: Filter, event_id: str, at: dt.datetime) -> None:
    url_state.set_url(
        filter_,
        event=event_id,
        at=at.isoformat(),
        after=url_state.param("after"),
        before=url_state.param("before"),
        row=url_state.param("row"),
    )


def select(filter_: Filter, event: dict[str, Any] | None) -> None:
    """Open *event* beside the table, or close the panel; for use in callbacks of the table.

    The table has marked the row already.
    """
    if event:
        go_to(filter_, event)
    else:
        _close(filter_)
    st.rerun([FRAGMENT])


def _rerun_both() -> NoReturn:
    """Run the panel, then the table, so that the marked row is the opened one."""
    st.rerun([FRAGMENT, events_table.FRAGMENT])


def _close(filter_: Filter) -> None:
    url_state.set_url(
        filter_, **{name: url_state.param(name) for name in ("after", "before", "row")}
    )


@st.fragment(key=FRAGMENT)
def panel(ctx: Context, filter_: Filter, rows: list[dict[str, Any]]) -> None:
    """Draw the panel if the URL names an event; *rows* are those of the table."""
    with st.container(key=FRAGMENT):
        # A run of only the panel does not run the page, which checks the same.
        event_id, user = url_state.param("event"), current_user()
        if not (event_id and user and user.may("explore")):
            event_panel(None, _KEY)
            return
        with explaining(FRAGMENT), turn(user):
            event = events.get(ctx.store, event_id, _near())
            if event is None:
                event_panel(None, _KEY)
                st.warning("Event not found. It may be past retention.")
            else:
                _draw(ctx, filter_, event, rows)


def _near() -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(url_state.param("at")).replace(tzinfo=None)
    except ValueError:
        return None


def _draw(ctx: Context, filter_: Filter, event: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    others = dedup.of(ctx.store, event["event_id"])
    ids = [row["event_id"] for row in rows]
    index = ids.index(event["event_id"]) if event["event_id"] in ids else None
    level = text.risk_level(event["risk"])
    names = {
        "event": event["event_id"],
        "at": event["occurred_at"].isoformat(),
    }
    shown: PanelEvent = {
        "event_id": event["event_id"],
        "risk": {
            "level": _level(level),
            "label": f"{text.RISKS[level][1]} · risk {event['risk']}",
        },
        "category": {"name": event["category"], "square": text.category_color(event["category"])},
        "outcome": {"state": event["outcome"], "label": text.OUTCOMES[event["outcome"]][1]},
        "link": url_state.address(url_state.EXPLORE, filter_, **names),
        "sentence": event_text.sentence_parts(event),
        "time": _time(event, filter_),
        "fields": event_fields.fields(
            event,
            filter_,
            others,
            workspaces.labels(ctx.store),
            workspaces.of_sources(ctx.store),
        ),
        "raw": event["raw"],
        "other_raw": str(others[0]["raw"]) if others else "",
        "around": event_sections.around_title(event),
        "has_target": bool(event_text.target(event)),
        "has_previous": index is not None and index > 0,
        "has_next": index is not None and index < len(ids) - 1,
    }
    if instructions := undo_guide.undo_panel(event):
        shown["undo"] = instructions
    more = _sections(ctx, filter_, event)
    places = {row["event_id"]: row["occurred_at"] for row in rows} | more.places

    def on_messages(messages: list[EventMessage]) -> None:
        _on_messages(messages, ctx, filter_, event, ids, places)

    event_panel(
        shown,
        _KEY,
        on_messages,
        more=more.sections,
        notice=more.notice,
        columns=columns.shown(),
    )


def _state() -> _More:
    state = st.session_state.setdefault(_STATE, _More())
    assert isinstance(state, _More)
    return state


def _sections(ctx: Context, filter_: Filter, event: dict[str, Any]) -> _More:
    """Return the sections of *event*, computed in the run that the panel requested them in.

    Opening and stepping never wait for them: without a request, only known ones are returned.
    """
    state, store = _state(), ctx.store
    key = (event["event_id"], filter_.query(), ctx.user.username, store.number)
    if state.wanted == event["event_id"]:
        state.sections, state.places = event_sections.sections(ctx, filter_, event)
        # Afterwards: a run that ends before is repeated.
        state.wanted, state.key = "", key
    elif state.key != key:
        state.sections, state.places, state.key, state.notice = None, {}, (), ""
    return state


def _level(level: str) -> Literal["high", "medium", "low"]:
    return "high" if level == "high" else "medium" if level == "medium" else "low"


def _time(event: dict[str, Any], filter_: Filter) -> str:
    now = dt.datetime.now(dt.UTC)
    at = event["occurred_at"]
    return f"{text.timestamp(at, filter_.zone)} {filter_.tz} · {text.ago(at, now)}"


def _on_messages(
    messages: list[EventMessage],
    ctx: Context,
    filter_: Filter,
    event: dict[str, Any],
    ids: list[str],
    places: Places,
) -> None:
    """Carry out *messages*, and run what they change: the page, or the panel and the table."""
    page_changes = panel_changes = False
    state = _state()
    state.notice = ""
    here = event["event_id"]
    for message in messages:
        if "more" in message:
            state.wanted = message["more"]
            continue
        panel_changes = True
        if message.get("close"):
            _close(filter_)
        elif "step" in message and here in ids:
            index = ids.index(here) + message["step"]
            if 0 <= index < len(ids):
                here = ids[index]
                _go_to(filter_, here, places[here])
        elif message.get("open") in places:
            here = message["open"]
            _go_to(filter_, here, places[here])
        elif "failure" in message:
            _open_next_failure(ctx, filter_, event)
        elif "related" in message:
            url_state.set_url(event_related.related_filter(filter_, event, message["related"]))
            page_changes = True
        elif "column" in message:
            page_changes |= columns.LAYOUT.put(message["column"], shown=message["show"])
        elif "field" in message:
            filter_ = filter_.put(message["field"], message["value"], message["mode"])
            url_state.set_url(filter_)
            page_changes = True
    if page_changes:
        st.rerun()
    if panel_changes:
        _rerun_both()


def _open_next_failure(ctx: Context, filter_: Filter, event: dict[str, Any]) -> None:
    """Open the next failure of the target or of the filter, or say that there is none."""
    user = current_user()
    if user is None or not user.may("explore"):
        return
    try:
        with turn(user), query_timeout.part(event_sections.PART_S):
            failure = target_events.next_failure(ctx.store, event, filter_, ctx.now)
    except UnavailableError:
        _state().notice = f"Stopped: the search took longer than {event_sections.PART_S:g} seconds."
        return
    if failure:
        go_to(filter_, failure)
    else:
        _state().notice = _NO_FAILURE
