"""The strip of failed attempts: a row for each target, a square for each day.

A component because names are data, and because a row is one press.
"""

from collections.abc import Callable, Sequence
from typing import NotRequired, TypedDict

import streamlit as st

from ui.components import bridge


class StripRow(TypedDict):
    """One target; `go` comes back when it is pressed, `label` says the row in words."""

    go: str
    name: str
    label: str
    values: Sequence[int]
    current: NotRequired[bool]


class StripDay(TypedDict):
    """One day: its name, and what stands under it, if anything."""

    name: str
    tick: str


_strip = st.components.v2.component(
    "trail_day_strip", css=bridge.style("day_strip.css"), js=bridge.script("day_strip.js")
)


def day_strip(
    rows: Sequence[StripRow],
    days: Sequence[StripDay],
    key: str,
    on_act: Callable[[], None] | None = None,
) -> None:
    """Draw the rows over the days; `bridge.ways(key)` tells *on_act* which was pressed."""
    _strip(
        key=key,
        data={"rows": list(rows), "days": list(days), "seen": bridge.seen(key)},
        on_act_change=bridge.receiver(key, bridge.check_way, on_act),
    )
    bridge.settle(key)
