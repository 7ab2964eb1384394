"""SQL for spans of time."""

import datetime as dt

from trail.storage.filters import Window


def span(window: Window, column: str) -> str:
    """Return the condition that *column* lies in *window*, with literal bounds.

    Literals, since only those let the scan skip row groups of other days.
    """
    parts = []
    if window.start:
        parts.append(f"{column} >= {literal(window.start)}")
    if window.end:
        parts.append(f"{column} < {literal(window.end)}")
    return " and ".join(parts) or "true"


def literal(moment: dt.datetime) -> str:
    """Return *moment* (UTC, without zone) as an SQL literal."""
    return f"timestamp '{moment.isoformat(sep=' ')}'"
