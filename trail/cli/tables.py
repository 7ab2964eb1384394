"""Tables for the terminal, aligned by rich; hostile text cannot control the terminal."""

import io
from collections.abc import Iterable, Sequence

from trail.core.text import printable

_WIDTH = 10_000  # rows are never wrapped, so that they can be piped


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return *rows* under the headers *columns*; numbers are right-aligned with separators.

    Returns an empty string without rows.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    listed = [list(row) for row in rows]
    if not listed:
        return ""
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, name in enumerate(columns):
        numeric = all(isinstance(row[number], int) for row in listed)
        grid.add_column(name, justify="right" if numeric else "left", no_wrap=True)
    for row in listed:
        grid.add_row(*(Text(printable(_cell(value))) for value in row))
    file = io.StringIO()
    Console(file=file, width=_WIDTH, color_system=None, force_terminal=False).print(grid)
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def _cell(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None else str(value)
