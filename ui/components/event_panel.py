"""The detail panel: one event as a sentence, its fields, its raw JSON and related events.

A component because fields and raw text are data, which must not be read as Markdown or HTML. Texts,
times and counts are formatted in Python; the panel draws them and reports clicks.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

from trail.core.event_text import Part
from ui.components import messages


class Risk(TypedDict):
    """A level, which selects glyph and color, and its label."""

    level: Literal["high", "medium", "low"]
    label: str


class Category(TypedDict):
    """`square` is a CSS color, or the index of a categorical color of the theme."""

    name: str
    square: str


class Outcome(TypedDict):
    """A state, which selects the glyph, and its label."""

    state: Literal["success", "failure", "unknown"]
    label: str


class PanelField(TypedDict):
    """One line; with `field` it has buttons that filter by `filter_value`."""

    label: str
    value: str
    hint: NotRequired[str]
    mono: NotRequired[bool]
    field: NotRequired[str]
    filter_value: NotRequired[str]


class RelatedRow(TypedDict):
    """One related event; `offset` is the formatted time between the two."""

    offset: str
    label: str
    target: str
    event_id: str
    current: NotRequired[bool]


class Related(TypedDict):
    """The first rows of a group of related events, and the total count."""

    total: int
    rows: Sequence[RelatedRow]


class PanelUndo(TypedDict):
    """How to undo the event; `call` is the text that is copied."""

    title: str
    lines: Sequence["UndoLine"]
    call: str
    note: str


class UndoLine(TypedDict):
    """A label with a text, or with `points` drawn as a list."""

    label: str
    text: NotRequired[str]
    points: NotRequired[Sequence[str]]


class PanelEvent(TypedDict):
    """Everything that the panel draws; `link` may be relative to the page.

    `other_raw` is the record of the same change from a second source, if any.
    """

    event_id: str
    risk: Risk
    category: Category
    outcome: Outcome
    link: str
    sentence: Sequence[Part]
    time: str
    fields: Sequence[PanelField]
    raw: str
    other_raw: NotRequired[str]
    undo: NotRequired[PanelUndo]
    related: Mapping[Literal["actor", "target"], Related]
    has_previous: NotRequired[bool]
    has_next: NotRequired[bool]


class EventMessage(TypedDict, total=False):
    """One of close, step, open, related, or field with value and mode."""

    close: bool
    step: Literal[-1, 1]
    open: str
    related: Literal["actor", "target"]
    field: str
    value: str
    mode: Literal["include", "exclude"]


_panel = messages.component("trail_event", "event_panel")


def event_panel(
    event: PanelEvent | None,
    key: str,
    on_messages: Callable[[list[EventMessage]], None] | None = None,
) -> None:
    """Draw the panel; *on_messages* gets the messages, oldest first.

    Without an event it is hidden, and ready, so that the first one opens as fast as the next.
    """
    lines = event["fields"] if event else ()
    fields = frozenset(line["field"] for line in lines if "field" in line)
    data = {"event": dict(event) if event else None}
    messages.draw(_panel, key, data, lambda message: _parse(message, fields), on_messages)


def _parse(message: Mapping[str, Any], fields: frozenset[str]) -> dict[str, Any] | None:
    """Return a message of a known form, else None."""
    if message.get("close") is True:
        return {"close": True}
    if message.get("step") in (-1, 1):
        return {"step": int(message["step"])}
    if isinstance(message.get("open"), str) and message["open"]:
        return {"open": message["open"]}
    if message.get("related") in ("actor", "target"):
        return {"related": message["related"]}
    field, value, mode = message.get("field"), message.get("value"), message.get("mode")
    known = isinstance(field, str) and field in fields
    if known and isinstance(value, str) and mode in ("include", "exclude"):
        return {"field": field, "value": value, "mode": mode}
    return None
