"""Which periods are known, against a count of their minutes."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from trail.events.coverage import Span
from trail.events.covered import Covered

ORIGIN = dt.datetime(2026, 11, 2)
MINUTE = dt.timedelta(minutes=1)
LENGTH = 120


def _at(minute: int) -> dt.datetime:
    return ORIGIN + minute * MINUTE


@given(
    st.integers(0, LENGTH),
    st.integers(0, LENGTH),
    st.lists(st.integers(0, LENGTH), max_size=6, unique=True),
    st.integers(0, LENGTH - 1),
    st.integers(1, LENGTH),
)
def test_a_period_is_unknown_if_most_of_its_minutes_are(
    begins: int, until: int, edges: list[int], start: int, length: int
) -> None:
    edges = sorted(edges)
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    gaps = tuple(Span(_at(first), _at(last), "gap") for first, last in pairs)
    known = Covered(_at(begins), _at(begins), _at(until), gaps)
    minutes = range(start, start + length)
    lost = sum(
        minute < begins or minute >= until or any(first <= minute < last for first, last in pairs)
        for minute in minutes
    )
    assert known.is_unknown(_at(start), _at(start + length)) == (lost * 2 > length)


def test_without_events_everything_is_unknown() -> None:
    assert Covered(None, None, None, ()).is_unknown(_at(0), _at(1))
