"""One line of CSV that a spreadsheet cannot run. For small tables; see `export`."""

import csv
import io
from collections.abc import Sequence

# With one of these in front, text in a cell is a formula to some spreadsheet; the full-width ones
# are where people write Chinese, Japanese or Korean. `export` and the loader of tables go by them.
RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


def line(cells: Sequence[object]) -> bytes:
    """Return *cells* as one line; text that a spreadsheet would run gets a quote before it."""
    out = io.StringIO()
    # The writer puts only the marks of its own line end in quotes: a bare return in a cell would
    # end the row for those who read the file.
    csv.writer(out, lineterminator="\r\n").writerow([harmless(cell) for cell in cells])
    return out.getvalue().removesuffix("\r\n").encode() + b"\n"


def harmless(cell: object) -> str:
    """Return *cell* as text that no spreadsheet runs."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(RUN_BY_SPREADSHEETS) else text
