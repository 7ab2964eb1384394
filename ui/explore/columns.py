"""The columns of the event table: what a cell of each shows, and what it filters for.

Columns have the names that records have in exports.
"""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from trail.core import event_text
from trail.events.column_titles import TITLES
from trail.storage.filters import NO, SORT_COLUMNS, YES, Filter
from ui import text
from ui.components.table import Cell, Column, Tone
from ui.explore.view_columns import ViewLayout

Event = Mapping[str, Any]

_TONES: Mapping[str, Tone] = {"▲": "red", "◆": "amber", "✕": "red"}
_FLAGS = (("unverified", "unverified"), ("future_dated", "future date"))


def _column(name: str, width: int, **more: Any) -> Column:
    made: Column = {"name": name, "title": TITLES[name], "width": width, **more}  # type: ignore[typeddict-item]
    if name in _FILTERS:
        made["filter"] = True
    if name in SORT_COLUMNS:
        made |= {"asc": name, "desc": f"-{name}"}
    return made


def _risk(event: Event) -> Cell:
    glyph, name = text.RISKS[text.risk_level(event["risk"])]
    return {"text": f"{event['risk']} {name}", "glyph": glyph, "tone": _TONES.get(glyph, "second")}


def _outcome(event: Event) -> Cell:
    glyph, name = text.OUTCOMES[event["outcome"]]
    return {"text": name, "glyph": glyph, "tone": _TONES.get(glyph, "second")}


def _action(event: Event) -> str | Cell:
    notes = [name for flag, name in _FLAGS if event[flag]]
    return {"text": event["action"], "note": f"({', '.join(notes)})"} if notes else event["action"]


def _actor(event: Event) -> str | Cell:
    name = event_text.actor(event)
    kind = "token" if event["actor_type"] == "token" else ""
    notes = [note for note in (kind, event_text.actor_note(event)) if note]
    return {"text": name, "note": f"({', '.join(notes)})"} if notes else name


def _verified(event: Event) -> str:
    return "" if event["verified"] is None else _verified_value(event).capitalize()


def _verified_value(event: Event) -> str:
    return YES if event["verified"] else NO


# How a cell shows the value of an event; other columns show the text.
_CELLS: Mapping[str, Callable[[Event], str | Cell]] = {
    "risk": _risk,
    "outcome": _outcome,
    "action": _action,
    "actor": _actor,
    "target": event_text.target,
    "category": lambda event: {
        "text": event["category"],
        "square": text.category_color(event["category"]),
    },
    "actor_type": lambda event: text.ACTOR_TYPES[event["actor_type"]],
    "target_type": lambda event: (event["target_type"] or "").replace("_", " "),
    "verified": _verified,
}
# The facet that a column filters by, and its value.
_FILTERS: Mapping[str, tuple[str, Callable[[Event], str | None]]] = {
    "risk": ("risk", lambda event: str(event["risk"])),
    "actor": ("actor", lambda event: event["actor_id"]),
    "actor_id": ("actor", lambda event: event["actor_id"]),
    "target": ("target", lambda event: event["target_id"] or event["target_name"]),
    "target_id": ("target", lambda event: event["target_id"]),
    "workspace_id": ("workspace", itemgetter("workspace_id")),
    "verified": ("verified", _verified_value),
    **{
        name: (name, itemgetter(name))
        for name in ("action", "category", "outcome", "kind", "actor_type", "target_type")
    },
}

LAYOUT = ViewLayout(
    "explore",
    (
        _column("occurred_at", 158, unmarked=True, asc="oldest", desc="newest", first="desc"),
        _column("risk", 92, first="desc"),
        _column("action", 220),
        _column("target", 200),
        _column("actor", 170),
        _column("category", 150),
        _column("outcome", 98),
        _column("kind", 90),
        _column("actor_type", 96),
        _column("recorded_actor", 190),
        _column("actor_email", 190),
        _column("actor_id", 190, mono=True),
        _column("target_type", 130),
        _column("target_id", 190, mono=True),
        _column("action_raw", 200),
        _column("ingested_at", 158, unmarked=True, first="desc"),
        _column("workspace_id", 150, mono=True),
        _column("verified", 84),
        _column("event_id", 250, mono=True),
    ),
    ("occurred_at", "risk", "action", "target", "actor", "category", "outcome"),
)


def shown() -> tuple[str, ...]:
    """Return the columns of the table on screen, in their order, as exports name them."""
    return LAYOUT.shown()


def cell(name: str, event: Event, filter_: Filter) -> str | Cell:
    """Return what the column *name* shows of *event*, with times in the zone of *filter_*."""
    if name in ("occurred_at", "ingested_at"):
        return text.short_timestamp(event[name], filter_.zone, seconds=True)
    show = _CELLS.get(name)
    return show(event) if show else str(event[name] or "")


def narrowed(filter_: Filter, name: str, event: Event, mode: str) -> Filter:
    """Return *filter_* that includes or excludes (*mode*) the value of the column in *event*."""
    facet, value_of = _FILTERS[name]
    value = value_of(event)
    return (
        filter_.put(facet, value, "exclude" if mode == "exclude" else "include")
        if value
        else filter_
    )
