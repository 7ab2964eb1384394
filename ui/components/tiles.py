"""Tiles: a figure, its change, a sparkline, and a link to its events.

A component because a tile is one link, which Streamlit's metric is not.
"""

from collections.abc import Sequence
from typing import Literal, NotRequired, TypedDict

from ui.components import messages


class Tile(TypedDict):
    """One tile, which is a link to `address`, if that is not empty.

    `change` comes before the note, `badge` after the value in the color of its `level`, and `hint`
    is the tooltip. With `unknown` the tile is hatched: its value is not known.
    """

    address: str
    name: str
    value: str
    delta: str
    tone: Literal["", "bad"]
    note: str
    trend: Sequence[float]
    change: NotRequired[str]
    badge: NotRequired[str]
    level: NotRequired[Literal["", "high", "medium"]]
    hint: NotRequired[str]
    unknown: NotRequired[bool]


_tiles = messages.component("trail_tiles", "tiles")


def tiles(rows: Sequence[Tile], key: str) -> None:
    """Draw the tiles in a row that wraps."""
    messages.draw_links(_tiles, key, {"tiles": list(rows)})
