"""Events by weekday and hour: 7 rows of 24 cells, each linked to its events.

A component because Streamlit does not report clicks in Plotly heat maps.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from ui.components import messages

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_grid = messages.component("trail_week", "week_grid")


def week_grid(
    counts: Sequence[Sequence[int]],
    first: int,
    label: str,
    key: str,
    on_click: Callable[[str], None],
) -> None:
    """Draw *counts* by weekday (Monday is 0) and hour, from the day *first*.

    *on_click* gets `weekday hour`, as `0 13`.
    """
    most = max((number for row in counts for number in row), default=0) or 1
    cells = [_head(-1, "")] + [_head(hour, f"{hour:02d}") for hour in range(24)]
    for day in (*range(first, 7), *range(first)):
        cells.append({"key": DAYS[day], "id": "", "text": DAYS[day]})
        cells += [_cell(day, hour, number, most) for hour, number in enumerate(counts[day])]
    messages.draw_clickable(_grid, key, {"cells": cells, "label": label}, on_click)


def _head(hour: int, text: str) -> dict[str, Any]:
    return {"key": f"head {hour}", "id": "", "text": text}


def _cell(day: int, hour: int, number: int, most: int) -> dict[str, Any]:
    return {
        "key": f"{day} {hour}",
        "id": f"{day} {hour}",
        "text": f"{DAYS[day]} {hour:02d}:00 to {(hour + 1) % 24:02d}:00: {number:,} events",
        "share": round(100 * math.sqrt(number / most)),
        "empty": number == 0,
    }
