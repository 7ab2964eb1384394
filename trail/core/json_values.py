"""Times and dates of stored rows as JSON: ISO 8601, UTC times with a `Z`."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from trail.core.clock import naive_utc


def json_value(value: Any) -> Any:
    """Return *value*, a time or date as text; a time without a zone is UTC."""
    if isinstance(value, dt.datetime):
        return f"{naive_utc(value).isoformat()}Z"
    return value.isoformat() if isinstance(value, dt.date) else value


def json_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return *row* with its times and dates as text."""
    return {name: json_value(value) for name, value in row.items()}
