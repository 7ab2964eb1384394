"""The active filters as chips: press the verb to flip include and exclude, press ✕ to remove.

A component because a chip's value is data, and Streamlit's labels read Markdown.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict, cast

import streamlit as st

from ui.components import bridge


class Chip(TypedDict):
    """One active value: `name` and `label` are read, `field` and `value` come back."""

    field: str
    value: str
    name: str
    label: str
    excluded: bool


class ChipAct(TypedDict, total=False):
    """What was pressed: `flip` or `remove` of a chip, or `clear` for all."""

    field: str
    value: str
    do: str
    clear: bool


_chips = st.components.v2.component(
    "trail_chips", css=bridge.style("chips.css"), js=bridge.script("chips.js")
)


def chips(
    rows: Sequence[Chip], key: str, on_act: Callable[[], None] | None = None
) -> list[ChipAct]:
    """Draw the chips and return what was pressed; `acted(key)` gives it to `on_act`."""
    _chips(
        key=key,
        data={"chips": list(rows), "seen": bridge.seen(key)},
        on_act_change=bridge.receiver(key, _check, on_act),
    )
    return cast("list[ChipAct]", bridge.settle(key))


def acted(key: str) -> list[ChipAct]:
    """Return the acts of this run, oldest first; for use inside `on_act`."""
    return cast("list[ChipAct]", bridge.waiting(key))


def _check(act: Mapping[str, Any]) -> dict[str, Any] | None:
    if act.get("clear") is True:
        return {"clear": True}
    field, value, do = act.get("field"), act.get("value"), act.get("do")
    if isinstance(field, str) and isinstance(value, str) and do in ("flip", "remove"):
        return {"field": field, "value": value, "do": do}
    return None
