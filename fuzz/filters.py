"""Query strings: a parsed filter must survive a round trip."""

import datetime as dt

from fuzz import Target
from trail.core.errors import FilterError
from trail.storage.filters import Filter

_NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


def query(data: bytes) -> None:
    """Parse a query string, serialize the filter and parse it again."""
    try:
        made = Filter.parse(data.decode(errors="replace"))
    except FilterError:
        return
    assert Filter.parse(made.query()) == made
    assert Filter.parse(made.pairs()) == made
    made.window(_NOW)


TARGETS = (
    Target(
        "filter",
        query,
        (
            b"?from=7d&to=24h&category=Sources&action=-Source+Created&q=who%20did&tz=Europe/Oslo",
            b"from=2026-11-23T14:30Z&to=2026-11-23T15:30%2B01:00&actor=%5C-x&sort=oldest",
            b"from=0001-01-01&to=9999-12-31T23:59:59-12:00&outcome=failure&kind=",
        ),
    ),
)
