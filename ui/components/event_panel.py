"""The detail panel: one event in a sentence, its fields, its raw JSON and what lies around it.

A component because fields and raw text are data: nothing here may pass through Markdown or HTML.
Words, times and counts are made in Python; the panel only draws them and reports what was pressed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict, cast

import streamlit as st

from trail.core.event_text import Part
from ui.components import bridge


class Risk(TypedDict):
    """The level decides glyph and colour; the label is what is read."""

    level: Literal["high", "medium", "low"]
    label: str


class Category(TypedDict):
    """`square` is a CSS colour, or the number of a category colour of the theme."""

    name: str
    square: str


class Outcome(TypedDict):
    """The state decides the glyph."""

    state: Literal["success", "failure", "unknown"]
    label: str


class PanelField(TypedDict):
    """One line; with `field` it carries the buttons that filter by `filter_value`."""

    label: str
    value: str
    hint: NotRequired[str]
    mono: NotRequired[bool]
    field: NotRequired[str]
    filter_value: NotRequired[str]


class RelatedRow(TypedDict):
    """One event near this one; `offset` is said in words."""

    offset: str
    label: str
    target: str
    event_id: str
    current: NotRequired[bool]


class Related(TypedDict):
    """The first rows of a group of related events, and how many there are in all."""

    total: int
    rows: Sequence[RelatedRow]


class PanelUndo(TypedDict):
    """How the event is undone; `lines` are labels with one or more sentences, `call` is copied."""

    title: str
    lines: Sequence["UndoLine"]
    call: str
    note: str


class UndoLine(TypedDict):
    """One label, and what stands beside it; `points` are drawn as a list."""

    label: str
    text: NotRequired[str]
    points: NotRequired[Sequence[str]]


class PanelEvent(TypedDict):
    """All that the panel draws; `link` may be relative to the page, `raw` is copied as it is.

    `other_raw` is a second report of the same change, `undo` how it is reversed, where there is
    one.
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


class EventAct(TypedDict, total=False):
    """What a person did; one of close, step, open, related, or field with value and mode."""

    close: bool
    step: Literal[-1, 1]
    open: str
    related: Literal["actor", "target"]
    field: str
    value: str
    mode: Literal["include", "exclude"]


_panel = st.components.v2.component(
    "trail_event",
    css=bridge.style("event_panel.css"),
    js="\n".join(
        (bridge.script("json_text.js"), bridge.asset("undo.js"), bridge.asset("event_panel.js"))
    ),
)


def event_panel(
    event: PanelEvent, key: str, on_act: Callable[[], None] | None = None
) -> list[EventAct]:
    """Draw the panel and return what was done since the last run.

    `on_act` runs before the script, as Streamlit callbacks do; `acted(key)` gives it the acts.
    """
    fields = frozenset(line["field"] for line in event["fields"] if "field" in line)
    _panel(
        key=key,
        data={"event": dict(event), "seen": bridge.seen(key)},
        on_act_change=bridge.receiver(key, lambda act: _check(act, fields), on_act),
    )
    return cast("list[EventAct]", bridge.settle(key))


def acted(key: str) -> list[EventAct]:
    """Return the acts of this run, oldest first; for use inside `on_act`."""
    return cast("list[EventAct]", bridge.waiting(key))


def _check(act: Mapping[str, Any], fields: frozenset[str]) -> dict[str, Any] | None:
    """Keep an act only if it has one of the known shapes."""
    if act.get("close") is True:
        return {"close": True}
    if act.get("step") in (-1, 1):
        return {"step": int(act["step"])}
    if isinstance(act.get("open"), str) and act["open"]:
        return {"open": act["open"]}
    if act.get("related") in ("actor", "target"):
        return {"related": act["related"]}
    field, value, mode = act.get("field"), act.get("value"), act.get("mode")
    known = isinstance(field, str) and field in fields
    if known and isinstance(value, str) and mode in ("include", "exclude"):
        return {"field": field, "value": value, "mode": mode}
    return None
