"""Daily counts as bars without axes, for a row of a list.

A component because a separate chart for each row would be slow to draw.
"""

from collections.abc import Sequence
from typing import TypedDict

from ui.components import messages


class DayBar(TypedDict):
    """One day and its count; `label` contains both."""

    label: str
    count: int


_bars = messages.component("trail_day_bars", "day_bars")


def day_bars(bars: Sequence[DayBar], key: str, label: str) -> None:
    """Draw the bars on one scale; *label* describes them to screen readers."""
    messages.draw_links(_bars, key, {"bars": list(bars), "label": label})
