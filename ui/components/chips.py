"""Filters as chips: the label switches include and exclude, or lists the values.

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
    """The values of one facet that are included or excluded; a disabled one filters nothing."""

    field: str
    name: str
    values: list[ChipValue]
    excluded: bool
    disabled: bool


class ChipMessage(TypedDict, total=False):
    """A click: `do` is one of `ACTIONS` for some values, or `clear` is true for all.

    `disabled` tells whether the chip was.
    """

    field: str
    values: list[str]
    do: str
    disabled: bool
    clear: bool


ACTIONS = ("flip", "remove", "disable", "enable")
_chips = messages.component("trail_chips", "chips")


def chips(
    rows: Sequence[Chip],
    key: str,
    on_messages: Callable[[list[ChipMessage]], None] | None = None,
    *,
    can_disable: bool = False,
) -> None:
    """Draw the chips; *on_messages* gets the clicks, oldest first.

    With *can_disable*, each chip has a button that switches it off and on.
    """
    data = {"chips": list(rows), "canDisable": can_disable}
    messages.draw(_chips, key, data, _parse, on_messages)


def _parse(message: Mapping[str, Any]) -> dict[str, Any] | None:
    if message.get("clear") is True:
        return {"clear": True}
    field, values, do = message.get("field"), message.get("values"), message.get("do")
    if not isinstance(field, str) or not isinstance(values, list) or do not in ACTIONS:
        return None
    if len(values) <= MAX_VALUES and all(isinstance(value, str) for value in values):
        disabled = message.get("disabled") is True
        return {"field": field, "values": values, "do": do, "disabled": disabled}
    return None
