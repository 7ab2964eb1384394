"""The Overview's tiles: a number, its change, a small course, and the way to its events.

A component because a tile is one link, and Streamlit's metric is none.
"""

from collections.abc import Callable, Sequence
from typing import Literal, TypedDict

import streamlit as st

from ui.components import bridge


class Tile(TypedDict):
    """One tile; `go` comes back when it is pressed, an empty one cannot be pressed."""

    go: str
    name: str
    value: str
    delta: str
    tone: Literal["", "bad"]
    note: str
    trend: Sequence[float]


_tiles = st.components.v2.component(
    "trail_tiles", css=bridge.style("tiles.css"), js=bridge.script("tiles.js")
)


def tiles(rows: Sequence[Tile], key: str, on_act: Callable[[], None] | None = None) -> None:
    """Draw the tiles in a row that wraps; `bridge.ways(key)` tells `on_act` what was pressed."""
    _tiles(
        key=key,
        data={"tiles": list(rows), "seen": bridge.seen(key)},
        on_act_change=bridge.receiver(key, bridge.check_way, on_act),
    )
    bridge.settle(key)
