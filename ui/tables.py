"""How tall a table is: rows of one height, as many as its place has room for, none without text."""

from typing import TypedDict

ROW = 32


class Heights(TypedDict):
    """Heights in px, as keyword arguments of `st.dataframe`."""

    row_height: int
    height: int


def height(rows: int, most: int) -> Heights:
    """Return the heights, in px, of a table of *rows* that shows *most* of them at once."""
    return {"row_height": ROW, "height": (min(rows, most) + 1) * ROW + 3}
