"""The detail panel: one event as a sentence, its fields, its record, and what is connected to it.

A component because fields and raw text are data, which must not be read as Markdown or HTML. Texts,
times and counts are formatted in Python; the panel draws them and reports clicks. What takes longer
to find follows in `PanelMore`, which the panel requests once it rests on an event.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

from trail.core.event_text import Part
from ui.components import messages

Side = Literal["target", "actor"]


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
    """One line; `href` makes its value a link, and `field` adds buttons that filter by it.

    These filter by `filter_value`, else by `value`. `column` names the column of the table that
    shows the field, and adds a button that shows or removes it. A `pending` line is replaced, or
    removed, by the fields of `PanelMore`.
    """

    label: str
    value: str
    hint: NotRequired[str]
    mono: NotRequired[bool]
    href: NotRequired[str]
    field: NotRequired[str]
    filter_value: NotRequired[str]
    column: NotRequired[str]
    pending: NotRequired[bool]


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
    """Everything that the panel draws at once; `link` may be relative to the page.

    `other_raw` is the record of the same change from a second source, if any. `around` is the title
    of the section about what happened before or after, if there will be one.
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
    around: NotRequired[str]
    has_target: NotRequired[bool]
    has_previous: NotRequired[bool]
    has_next: NotRequired[bool]


class AroundRow(TypedDict):
    """Something that happened before or after the event: a link, with its evidence in words.

    With `event_id`, a click opens that event in the panel.
    """

    failed: bool
    offset: str
    title: str
    strength: str
    note: str
    href: str
    event_id: NotRequired[str]


class Around(TypedDict):
    """What happened before or after the event, and where the rest of it is."""

    caption: str
    rows: Sequence[AroundRow]
    note: str
    more: str
    href: str


class ComparedField(TypedDict):
    """The values of a field in the previous event and in this one; None if not recorded."""

    name: str
    before: str | None
    after: str | None


class ComparedEvents(TypedDict):
    """This event beside an earlier one; `summary` counts fields, of which not all may be listed."""

    label: str
    before: str
    after: str
    href: str
    event_id: str
    summary: str
    changed: Sequence[ComparedField]
    unchanged: Sequence[ComparedField]
    unchanged_label: str
    note: str


class RelatedRow(TypedDict):
    """One related event; `detail` is its actor or its target."""

    when: str
    title: str
    detail: str
    event_id: str
    href: str
    current: NotRequired[bool]


class Related(TypedDict):
    """The rows of a group of related events nearest in time, the total count, and a link to all."""

    total: int
    rows: Sequence[RelatedRow]
    href: str


class PanelMore(TypedDict):
    """What is connected to the event, which takes longer to find.

    `notes` says by section (around, compare, related) why it could not be computed.
    """

    event_id: str
    fields: Sequence[PanelField]
    around: NotRequired[Around]
    compare: NotRequired[Sequence[ComparedEvents]]
    related: NotRequired[Mapping[Side, Related]]
    notes: Mapping[str, str]


class EventMessage(TypedDict, total=False):
    """One of close, step, open, related, failure, more, a field to filter by, or a column."""

    close: bool
    step: Literal[-1, 1]
    open: str
    related: Side
    failure: bool
    more: str
    field: str
    value: str
    mode: Literal["include", "exclude"]
    column: str
    show: bool


_STYLES = ("fields", "sections", "compare", "raw")
_panel = messages.component(
    "trail_event", "event_panel", "undo_section", *(f"event_{name}" for name in _STYLES)
)


def event_panel(
    event: PanelEvent | None,
    key: str,
    on_messages: Callable[[list[EventMessage]], None] | None = None,
    *,
    more: PanelMore | None = None,
    notice: str = "",
    columns: Sequence[str] = (),
) -> None:
    """Draw the panel; *on_messages* gets the messages, oldest first.

    Without an event it is hidden, and ready, so that the first one opens as fast as the next.
    *notice* is a sentence that answers the last message, *columns* are those that the table shows.
    """
    lines = event["fields"] if event else ()
    fields = frozenset(line["field"] for line in lines if "field" in line)
    known = frozenset(line["column"] for line in lines if "column" in line)
    data = {
        "event": dict(event) if event else None,
        "more": dict(more) if more else None,
        "notice": notice,
        "columns": list(columns),
    }
    messages.draw(_panel, key, data, lambda message: _parse(message, fields, known), on_messages)


def _parse(
    message: Mapping[str, Any], fields: frozenset[str], columns: frozenset[str]
) -> dict[str, Any] | None:
    """Return a message of a known form about *fields* and *columns*, else None."""
    for flag in ("close", "failure"):
        if message.get(flag) is True:
            return {flag: True}
    if message.get("step") in (-1, 1):
        return {"step": int(message["step"])}
    for name in ("open", "more"):
        if isinstance(message.get(name), str) and message[name]:
            return {name: message[name]}
    if message.get("related") in ("actor", "target"):
        return {"related": message["related"]}
    column, show = message.get("column"), message.get("show")
    if isinstance(column, str) and column in columns and isinstance(show, bool):
        return {"column": column, "show": show}
    return _parse_filter(message, fields)


def _parse_filter(message: Mapping[str, Any], fields: frozenset[str]) -> dict[str, Any] | None:
    field, value, mode = message.get("field"), message.get("value"), message.get("mode")
    known = isinstance(field, str) and field in fields
    if known and isinstance(value, str) and mode in ("include", "exclude"):
        return {"field": field, "value": value, "mode": mode}
    return None
