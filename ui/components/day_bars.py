"""The counts of some days as bars without an axis, for a row of a list.

A component because a chart of its own for each row would be slow to draw.
"""

from collections.abc import Sequence
from typing import TypedDict

from ui.components import messages


class DayBar(TypedDict):
    """One day and its count; `label` says both."""

    label: str
    count: int


_bars = messages.component("trail_day_bars", "day_bars")


def day_bars(bars: Sequence[DayBar], key: str, label: str) -> None:
    """Draw the bars, of the same scale; *label* describes them to screen readers."""
    messages.draw_links(_bars, key, {"bars": list(bars), "label": label})
