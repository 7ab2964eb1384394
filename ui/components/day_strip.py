"""Failed attempts per day: a row for each target, a cell for each day.

A component because names are data, and because a row is one button.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NotRequired, TypedDict

from ui.components import messages


class StripRow(TypedDict):
    """One target; `id` is reported when it is clicked, `label` describes it to screen readers.

    With `levels` the cells show those in place of the numbers: nothing, some attempts failed, a
    run failed on every attempt, or no data. `glyph` and `tone` are before the name, `state` and
    `assignee` after the cells.
    """

    id: str
    name: str
    label: str
    values: Sequence[int]
    current: NotRequired[bool]
    levels: NotRequired[Sequence[Literal["none", "some", "every", "nodata"]]]
    glyph: NotRequired[str]
    tone: NotRequired[str]
    state: NotRequired[str]
    assignee: NotRequired[str]


class StripDay(TypedDict):
    """One day: its name, the label below it, if any, and whether most of it is not known."""

    name: str
    tick: str
    unknown: NotRequired[bool]


_strip = messages.component("trail_day_strip", "day_strip")


def day_strip(
    rows: Sequence[StripRow],
    days: Sequence[StripDay],
    key: str,
    on_click: Callable[[str], None] | None = None,
) -> None:
    """Draw the rows above the days; *on_click* gets the id of a clicked row."""
    messages.draw_clickable(_strip, key, {"rows": list(rows), "days": list(days)}, on_click)
