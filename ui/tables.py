"""How tall a table is: rows of one height, as many as its place has room for, none without text."""

ROW = 32


def tall(rows: int, most: int) -> dict[str, int]:
    """Return the heights, in px, of a table of *rows* that shows *most* of them at once."""
    return {"row_height": ROW, "height": (min(rows, most) + 1) * ROW + 3}
