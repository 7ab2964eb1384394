"""The active filters as chips: the label switches include and exclude, or lists the values.

A component because the value of a chip is data, and Streamlit reads labels as Markdown.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from trail.storage.filters import MAX_VALUES
from ui.components import messages


class ChipValue(TypedDict):
    """A value of a filter, and its label, which is shown."""

    value: str
    label: str


class Chip(TypedDict):
    """The values of one facet that are included, or those that are excluded."""

    field: str
    name: str
    values: list[ChipValue]
    excluded: bool


class ChipMessage(TypedDict, total=False):
    """A click: `do` is `flip` or `remove` for some values, or `clear` is true for all."""

    field: str
    values: list[str]
    do: str
    clear: bool


_chips = messages.component("trail_chips", "chips")


def chips(
    rows: Sequence[Chip],
    key: str,
    on_messages: Callable[[list[ChipMessage]], None] | None = None,
) -> None:
    """Draw the chips; *on_messages* gets the clicks, oldest first."""
    messages.draw(_chips, key, {"chips": list(rows)}, _parse, on_messages)


def _parse(message: Mapping[str, Any]) -> dict[str, Any] | None:
    if message.get("clear") is True:
        return {"clear": True}
    field, values, do = message.get("field"), message.get("values"), message.get("do")
    if not isinstance(field, str) or not isinstance(values, list) or do not in ("flip", "remove"):
        return None
    if len(values) <= MAX_VALUES and all(isinstance(value, str) for value in values):
        return {"field": field, "values": values, "do": do}
    return None
