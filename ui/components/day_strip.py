"""Failed attempts per day: a row for each target, a cell for each day.

A component because names are data, and because a row is one button.
"""

from collections.abc import Callable, Sequence
from typing import NotRequired, TypedDict

from ui.components import messages


class StripRow(TypedDict):
    """One target; `id` is reported when it is clicked, `label` describes it to screen readers."""

    id: str
    name: str
    label: str
    values: Sequence[int]
    current: NotRequired[bool]


class StripDay(TypedDict):
    """One day: its name, and the label below it, if any."""

    name: str
    tick: str


_strip = messages.component("trail_day_strip", "day_strip")


def day_strip(
    rows: Sequence[StripRow],
    days: Sequence[StripDay],
    key: str,
    on_click: Callable[[str], None] | None = None,
) -> None:
    """Draw the rows above the days; *on_click* gets the id of a clicked row."""
    messages.draw_clickable(_strip, key, {"rows": list(rows), "days": list(days)}, on_click)
