"""The hours of the week: seven rows of twenty-four cells, each of which leads to its events.

A component because a cell is one press, and Plotly's heat maps cannot be pressed in Streamlit.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from ui.components import bridge

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_grid = st.components.v2.component(
    "trail_week", css=bridge.style("week_grid.css"), js=bridge.script("week_grid.js")
)


def week_grid(
    counts: Sequence[Sequence[int]], label: str, key: str, on_act: Callable[[], None]
) -> None:
    """Draw *counts* by weekday and hour; `bridge.ways(key)` gives *on_act* `weekday hour`."""
    most = max((number for row in counts for number in row), default=0) or 1
    cells = [_head(-1, "")] + [_head(hour, f"{hour:02d}") for hour in range(24)]
    for day, row in enumerate(counts):
        cells.append({"key": DAYS[day], "go": "", "text": DAYS[day]})
        cells += [_cell(day, hour, number, most) for hour, number in enumerate(row)]
    _grid(
        key=key,
        data={"cells": cells, "label": label, "seen": bridge.seen(key)},
        on_act_change=bridge.receiver(key, bridge.check_way, on_act),
    )
    bridge.settle(key)


def _head(hour: int, text: str) -> dict[str, Any]:
    return {"key": f"head {hour}", "go": "", "text": text}


def _cell(day: int, hour: int, number: int, most: int) -> dict[str, Any]:
    return {
        "key": f"{day} {hour}",
        "go": f"{day} {hour}",
        "text": f"{DAYS[day]} {hour:02d}:00 to {(hour + 1) % 24:02d}:00: {number:,} events",
        "share": round(100 * math.sqrt(number / most)),
        "empty": number == 0,
    }
