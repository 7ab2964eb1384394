"""Average events by weekday and hour: 7 rows of 24 cells, each linked to its events.

A component because Streamlit does not report clicks in Plotly heat maps.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypedDict

from ui.components import messages

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_grid = messages.component("trail_week", "week_grid")


class Cell(TypedDict):
    """An hour of a weekday; `average` is None where there is none, `empty` has nothing to open."""

    average: float | None
    text: str
    empty: bool


def week_grid(
    cells: Sequence[Sequence[Cell]],
    first: int,
    label: str,
    key: str,
    on_click: Callable[[str], None],
) -> None:
    """Draw *cells* by weekday (Monday is 0) and hour, from the day *first*.

    *on_click* gets `weekday hour`, as `0 13`.
    """
    most = max((cell["average"] or 0 for row in cells for cell in row), default=0) or 1
    drawn = [_head(-1, "")] + [_head(hour, f"{hour:02d}") for hour in range(24)]
    for day in (*range(first, 7), *range(first)):
        name = WEEKDAYS[day][:3]
        drawn.append({"key": name, "id": "", "text": name})
        drawn += [_cell(day, hour, cell, most) for hour, cell in enumerate(cells[day])]
    messages.draw_clickable(_grid, key, {"cells": drawn, "label": label}, on_click)


def _head(hour: int, text: str) -> dict[str, Any]:
    return {"key": f"head {hour}", "id": "", "text": text}


def _cell(day: int, hour: int, cell: Cell, most: float) -> dict[str, Any]:
    return {
        "key": f"{day} {hour}",
        "id": f"{day} {hour}",
        "text": cell["text"],
        "share": round(100 * math.sqrt((cell["average"] or 0) / most)),
        "unknown": cell["average"] is None,
        "empty": cell["empty"],
    }
