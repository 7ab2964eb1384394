"""What is usual against what was seen: a row with a bar for the range and a mark for the number.

A component because no Streamlit element draws both on one line. It is a table, so that the numbers
are read aloud by row.
"""

from collections.abc import Sequence
from typing import TypedDict

from ui.components import messages


class RangeRow(TypedDict):
    """One name: the usual range `low` to `high` (both None if nothing is known), and what was seen.

    `expected` is the range as text, `hint` says more about it; `address` is where the name leads.
    """

    name: str
    address: str
    low: float | None
    high: float | None
    seen: float
    expected: str
    hint: str


_ranges = messages.component("trail_ranges", "ranges")


def ranges(title: str, rows: Sequence[RangeRow], note: str, key: str) -> None:
    """Draw *rows* below *title*, and what the bars mean, the *note*, below them.

    Each row has its own scale, from 0 on.
    """
    messages.draw_links(_ranges, key, {"title": title, "rows": list(rows), "note": note})
