"""The small lists of the Overview: most active, destructive changes, and counts by category.

One component draws the three, since they share rows, hairlines and keys; a data frame would draw
upright lines, and one colour a cell does not make a sentence with strong names.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

import streamlit as st

from trail.core.event_text import Part
from ui.components import bridge
from ui.components.event_panel import Category


class BarRow(TypedDict):
    """One name with its count; `share` is said in words, such as 21 %."""

    value: str
    name: str
    count: int
    share: str
    hint: NotRequired[str]


class SentenceRow(TypedDict):
    """One event in a sentence."""

    event_id: str
    time: str
    sentence: Sequence[Part]
    category: Category


class CategoryRow(TypedDict):
    """One category with its change against the period before and its course in numbers."""

    value: str
    name: str
    square: str
    count: int
    delta: str
    trend: Sequence[float]


class ListAct(TypedDict, total=False):
    """What was pressed: a `value`, an event to `open`, or the link of the header (`all`)."""

    value: str
    open: str
    all: bool


_list = st.components.v2.component(
    "trail_list", css=bridge.style("ranked_list.css"), js=bridge.script("ranked_list.js")
)


def bars(
    rows: Sequence[BarRow],
    key: str,
    on_pick: Callable[[], None] | None = None,
    *,
    title: str = "",
    note: str = "",
    link: str = "",
) -> list[ListAct]:
    """Draw names with a bar, a count and a share, and return what was pressed."""
    return _draw("bars", rows, key, on_pick, title, note, link)


def sentences(
    rows: Sequence[SentenceRow],
    key: str,
    on_pick: Callable[[], None] | None = None,
    *,
    title: str = "",
    note: str = "",
    link: str = "",
) -> list[ListAct]:
    """Draw events as sentences with time and category, and return what was pressed."""
    return _draw("sentences", rows, key, on_pick, title, note, link)


def category_table(
    rows: Sequence[CategoryRow],
    key: str = "categories",
    on_pick: Callable[[], None] | None = None,
    *,
    title: str = "",
    note: str = "",
    link: str = "",
) -> list[ListAct]:
    """Draw categories with count, change and a small line, and return what was pressed."""
    return _draw("categories", rows, key, on_pick, title, note, link)


def picked(key: str) -> list[ListAct]:
    """Return the acts of this run, oldest first; for use inside `on_pick`."""
    return cast("list[ListAct]", bridge.waiting(key))


def _draw(
    kind: str,
    rows: Sequence[Mapping[str, Any]],
    key: str,
    on_pick: Callable[[], None] | None,
    title: str,
    note: str,
    link: str,
) -> list[ListAct]:
    head = {"title": title, "note": note, "link": link}
    _list(
        key=key,
        data={"kind": kind, "rows": list(rows), **head, "seen": bridge.seen(key)},
        on_act_change=bridge.receiver(key, _check, on_pick),
    )
    return cast("list[ListAct]", bridge.settle(key))


def _check(act: Mapping[str, Any]) -> dict[str, Any] | None:
    """Keep an act only if it has one of the known shapes."""
    if act.get("all") is True:
        return {"all": True}
    for name in ("open", "value"):
        if isinstance(act.get(name), str):
            return {name: act[name]}
    return None
