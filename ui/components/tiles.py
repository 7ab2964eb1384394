"""Tiles: a figure, its change, a sparkline, and a link to its events.

A component because a tile is one link, which Streamlit's metric is not.
"""

from collections.abc import Callable, Sequence
from typing import Literal, TypedDict

from ui.components import messages


class Tile(TypedDict):
    """One tile; `id` is reported when it is clicked, with an empty one it is disabled."""

    id: str
    name: str
    value: str
    delta: str
    tone: Literal["", "bad"]
    note: str
    trend: Sequence[float]


_tiles = messages.component("trail_tiles", "tiles")


def tiles(rows: Sequence[Tile], key: str, on_click: Callable[[str], None] | None = None) -> None:
    """Draw the tiles in a row that wraps; *on_click* gets the id of a clicked tile."""
    messages.draw_clickable(_tiles, key, {"tiles": list(rows)}, on_click)
