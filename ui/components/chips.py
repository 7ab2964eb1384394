"""The active filters as chips: the label switches include and exclude, ✕ removes the filter.

A component because the value of a chip is data, and Streamlit reads labels as Markdown.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from ui.components import messages


class Chip(TypedDict):
    """One active value: `name` and `label` are shown, `field` and `value` are reported."""

    field: str
    value: str
    name: str
    label: str
    excluded: bool


class ChipMessage(TypedDict, total=False):
    """A click: `do` is `flip` or `remove` for one chip, or `clear` is true for all."""

    field: str
    value: str
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
    field, value, do = message.get("field"), message.get("value"), message.get("do")
    if isinstance(field, str) and isinstance(value, str) and do in ("flip", "remove"):
        return {"field": field, "value": value, "do": do}
    return None
