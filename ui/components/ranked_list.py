"""The lists of the Overview: names with bars, events as sentences, and counts by category.

A component because a data frame cannot draw a sentence with strong names.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NotRequired, TypedDict, Unpack

from trail.core.event_text import Part
from ui.components import messages
from ui.components.event_panel import Category


class BarRow(TypedDict):
    """One name with its count; `share` is formatted, such as `21 %`."""

    value: str
    name: str
    count: int
    share: str
    hint: NotRequired[str]


class SentenceRow(TypedDict):
    """One event as a sentence."""

    event_id: str
    time: str
    sentence: Sequence[Part]
    category: Category


class CategoryRow(TypedDict):
    """One category with its change from the previous period and the values of its sparkline."""

    value: str
    name: str
    square: str
    count: int
    delta: str
    trend: Sequence[float]


class ListMessage(TypedDict, total=False):
    """A click: the `value` of a row, an event to `open`, or the link of the header (`all`)."""

    value: str
    open: str
    all: bool


class Header(TypedDict, total=False):
    """The texts above the rows: a title, a note, and a link."""

    title: str
    note: str
    link: str


OnMessages = Callable[[list[ListMessage]], None]

_list = messages.component("trail_list", "ranked_list")


def bars(
    rows: Sequence[BarRow],
    key: str,
    on_messages: OnMessages | None = None,
    **header: Unpack[Header],
) -> None:
    """Draw names with a bar, a count and a share; *on_messages* gets the clicks."""
    _draw("bars", rows, key, on_messages, header)


def sentences(
    rows: Sequence[SentenceRow],
    key: str,
    on_messages: OnMessages | None = None,
    **header: Unpack[Header],
) -> None:
    """Draw events as sentences with time and category; *on_messages* gets the clicks."""
    _draw("sentences", rows, key, on_messages, header)


def category_table(
    rows: Sequence[CategoryRow],
    key: str = "categories",
    on_messages: OnMessages | None = None,
    **header: Unpack[Header],
) -> None:
    """Draw categories with count, change and a sparkline; *on_messages* gets the clicks."""
    _draw("categories", rows, key, on_messages, header)


def _draw(
    kind: str,
    rows: Sequence[Mapping[str, Any]],
    key: str,
    on_messages: OnMessages | None,
    header: Header,
) -> None:
    data = {"kind": kind, "rows": list(rows), **header}
    messages.draw(_list, key, data, _parse, on_messages)


def _parse(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a message of a known form, else None."""
    if message.get("all") is True:
        return {"all": True}
    for name in ("open", "value"):
        if isinstance(message.get(name), str):
            return {name: message[name]}
    return None
