"""One line of CSV that a spreadsheet cannot run. For small tables; see `export`."""

import csv
import io
from collections.abc import Sequence

_RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "\n")


def line(cells: Sequence[object]) -> bytes:
    """Return *cells* as one line; text that a spreadsheet would run gets a quote before it."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([harmless(cell) for cell in cells])
    return out.getvalue().encode()


def harmless(cell: object) -> str:
    """Return *cell* as text that no spreadsheet runs."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_RUN_BY_SPREADSHEETS) else text
