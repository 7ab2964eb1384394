"""The lists of the Overview: names with bars, events as sentences, and counts by category.

Each row is a link.

A component because a data frame cannot draw a sentence with strong names.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, Unpack

from trail.core.event_text import Part
from ui.components import messages
from ui.components.event_panel import Category


class BarRow(TypedDict):
    """One name with its count; `share` is formatted, such as `21 %`."""

    value: str
    address: str
    name: str
    count: int
    share: str
    hint: NotRequired[str]


class SentenceRow(TypedDict):
    """One event as a sentence."""

    event_id: str
    address: str
    time: str
    sentence: Sequence[Part]
    category: Category
    side: NotRequired[str]


class CategoryRow(TypedDict):
    """One category with its change from the earlier period and the values of its sparkline."""

    value: str
    address: str
    name: str
    square: str
    count: int
    delta: str
    hint: NotRequired[str]
    trend: Sequence[float]


class Header(TypedDict, total=False):
    """What is above the rows: a title with a number, a note, and a link with its address.

    `empty` is what stands in place of the rows, if there are none.
    """

    title: str
    number: int | None
    note: str
    link: str
    address: str
    empty: str


_list = messages.component("trail_list", "ranked_list")


def bars(
    rows: Sequence[BarRow],
    key: str,
    **header: Unpack[Header],
) -> None:
    """Draw names with a bar, a count and a share."""
    _draw("bars", rows, key, header)


def sentences(
    rows: Sequence[SentenceRow],
    key: str,
    **header: Unpack[Header],
) -> None:
    """Draw events as sentences with time and category."""
    _draw("sentences", rows, key, header)


def category_table(
    rows: Sequence[CategoryRow],
    key: str = "categories",
    **header: Unpack[Header],
) -> None:
    """Draw categories with count, change and a sparkline."""
    _draw("categories", rows, key, header)


def _draw(kind: str, rows: Sequence[Mapping[str, Any]], key: str, header: Header) -> None:
    messages.draw_links(_list, key, {"kind": kind, "rows": list(rows), **header})
