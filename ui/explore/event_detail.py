"""The event panel beside the table: the event that the URL names, and the actions of its buttons.

Opening, stepping and closing run only the panel, so that the page stays as it is.
"""

import datetime as dt
from typing import Any, Literal, NoReturn
from urllib.parse import urlencode

import streamlit as st

from trail.core import event_text
from trail.events import events
from trail.ingest import dedup
from trail.storage.filters import Filter
from ui import text, url_state
from ui.components.event_panel import EventMessage, PanelEvent, PanelField, RelatedRow, event_panel
from ui.explore import events_table, undo_guide
from ui.page import Context, current_user, explaining, turn

_KEY = "event-panel"
FRAGMENT = "event"
_UNVERIFIED = (
    f"▲ {text.UNVERIFIED}: the signature does not cover this event. It is left out of findings, "
    "incidents and alerts."
)
_PROVEN = "✓ Verified: the same change also arrived from a trusted source"
_FUTURE_DATED = (
    f"▲ {text.FUTURE_DATED}: later than its arrival. It is left out of relative time ranges, "
    "comparisons, findings and alerts."
)
_AROUND = dt.timedelta(minutes=15)


def go_to(filter_: Filter, event: dict[str, Any]) -> None:
    """Set the URL to *event* on the current page of events."""
    url_state.set_url(
        filter_,
        event=event["event_id"],
        at=event["occurred_at"].isoformat(),
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
        if not (event_id and user):
            event_panel(None, _KEY)
            return
        with explaining(FRAGMENT), turn(user):
            event = events.get(ctx.store, event_id, _near())
            if event is None:
                st.warning("Event not found. It may be past retention.")
            else:
                _draw(ctx, filter_, event, rows)


def _near() -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(url_state.param("at")).replace(tzinfo=None)
    except ValueError:
        return None


def _draw(ctx: Context, filter_: Filter, event: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    related = events.related(ctx.store, event)
    others = dedup.of(ctx.store, event["event_id"])
    ids = [row["event_id"] for row in rows]
    index = ids.index(event["event_id"]) if event["event_id"] in ids else None
    level = text.risk_level(event["risk"])
    names = {
        "event": event["event_id"],
        "at": event["occurred_at"].isoformat(),
        "archive": url_state.param("archive"),
    }
    shown: PanelEvent = {
        "event_id": event["event_id"],
        "risk": {
            "level": _level(level),
            "label": f"{text.RISKS[level][1]} · risk {event['risk']}",
        },
        "category": {"name": event["category"], "square": text.category_color(event["category"])},
        "outcome": {"state": event["outcome"], "label": text.OUTCOMES[event["outcome"]][1]},
        "link": f"/explore?{urlencode(url_state.query_params(filter_, **names), doseq=True)}",
        "sentence": event_text.sentence_parts(event),
        "time": _time(event, filter_),
        "fields": _fields(event, filter_, others),
        "raw": event["raw"],
        "other_raw": str(others[0]["raw"]) if others else "",
        "related": {
            side: {
                "total": related[side][0],
                "rows": [_related_row(row, event) for row in related[side][1]],
            }
            for side in ("actor", "target")
        },
        "has_previous": index is not None and index > 0,
        "has_next": index is not None and index < len(ids) - 1,
    }
    if instructions := undo_guide.undo_panel(event):
        shown["undo"] = instructions
    event_panel(shown, _KEY, lambda messages: _on_messages(messages, filter_, event, rows, related))


def _level(level: str) -> Literal["high", "medium", "low"]:
    return "high" if level == "high" else "medium" if level == "medium" else "low"


def _time(event: dict[str, Any], filter_: Filter) -> str:
    now = dt.datetime.now(dt.UTC)
    at = event["occurred_at"]
    return f"{text.timestamp(at, filter_.zone)} {filter_.tz} · {text.ago(at, now)}"


def _fields(
    event: dict[str, Any], filter_: Filter, others: list[dict[str, Any]]
) -> list[PanelField]:
    lines: list[PanelField] = [
        {"label": "Action", "value": event["action"], "field": "action"},
    ]
    if event["action_raw"] != event["action"]:
        lines[0]["hint"] = f"received as {event['action_raw']}"
    lines.append(
        {
            "label": "Actor",
            "value": event_text.actor(event),
            "hint": text.ACTOR_TYPES[event["actor_type"]].lower(),
            "field": "actor",
            "filter_value": event["actor_id"],
        }
    )
    email = event["actor_email"]
    if email and email != event_text.actor(event):
        lines.append({"label": "Email", "value": email})
    if event["current_name"] and event["current_name"] != event_text.actor(event):
        lines.append(
            {"label": "Current name", "value": event["current_name"], "hint": "from the directory"}
        )
    lines.append({"label": "Actor ID", "value": event["actor_id"], "mono": True})
    if event_text.target(event):
        lines.append(
            {
                "label": "Target",
                "value": event_text.target(event),
                "hint": (event["target_type"] or "").replace("_", " "),
                "field": "target",
                "filter_value": event["target_id"] or event["target_name"],
            }
        )
    if event["target_id"]:
        lines.append({"label": "Target ID", "value": event["target_id"], "mono": True})
    lines.append({"label": "Kind", "value": event["kind"], "field": "kind"})
    lines.append({"label": "Received", "value": _received(event, filter_)})
    for other in others:
        at = text.timestamp(other["ingested_at"], filter_.zone)
        source = f" · {other['source']}" if other["source"] else ""
        lines.append({"label": "Also received", "value": f"{at}{source}"})
    if event["verified"] is not None:
        proven = "✓ Verified" if event["verified"] else _PROVEN
        lines.append({"label": "Origin", "value": _UNVERIFIED if event["unverified"] else proven})
    if event["future_dated"]:
        lines.append({"label": "Time", "value": _FUTURE_DATED})
    if event["workspace_id"]:
        lines.append({"label": "Workspace", "value": event["workspace_id"], "mono": True})
    lines.append({"label": "Event ID", "value": event["event_id"], "mono": True})
    return lines


def _received(event: dict[str, Any], filter_: Filter) -> str:
    lag_s = (event["ingested_at"] - event["occurred_at"]).total_seconds()
    lag = f", {text.duration(lag_s)} later" if lag_s >= 1 else ""
    source = f" · {event['source']}" if event.get("source") else ""
    return f"{text.timestamp(event['ingested_at'], filter_.zone)}{lag}{source}"


def _related_row(row: dict[str, Any], event: dict[str, Any]) -> RelatedRow:
    current = row["event_id"] == event["event_id"]
    return {
        "offset": "This event"
        if current
        else text.time_offset(row["occurred_at"] - event["occurred_at"]),
        "label": row["action"],
        "target": event_text.target(row),
        "event_id": row["event_id"],
        "current": current,
    }


def _on_messages(
    messages: list[EventMessage],
    filter_: Filter,
    event: dict[str, Any],
    rows: list[dict[str, Any]],
    related: dict[str, tuple[int, list[dict[str, Any]]]],
) -> None:
    """Carry out *messages*, and run what they change: the page, or the panel and the table."""
    page_changes = False
    for message in messages:
        if message.get("close"):
            _close(filter_)
        elif "step" in message:
            ids = [row["event_id"] for row in rows]
            index = ids.index(event["event_id"]) + message["step"]
            if 0 <= index < len(rows):
                event = rows[index]
                go_to(filter_, event)
        elif "open" in message:
            near = [row for _, group in related.values() for row in group]
            go_to(filter_, next(row for row in near if row["event_id"] == message["open"]))
        elif "related" in message:
            url_state.set_url(_related_filter(filter_, event, message["related"]))
            page_changes = True
        elif "field" in message:
            filter_ = filter_.put(message["field"], message["value"], message["mode"])
            url_state.set_url(filter_)
            page_changes = True
    if page_changes:
        st.rerun()
    _rerun_both()


def _related_filter(filter_: Filter, event: dict[str, Any], side: str) -> Filter:
    cleared = filter_.cleared()
    if side == "target":
        target = cleared.put("target", event["target_id"], "include")
        return Filter(start="", end="9999-12-31", choices=target.choices, tz=filter_.tz)
    at = event["occurred_at"]
    return url_state.with_range(
        cleared.put("actor", event["actor_id"], "include"),
        at - _AROUND,
        at + _AROUND + dt.timedelta(microseconds=1),
    )
