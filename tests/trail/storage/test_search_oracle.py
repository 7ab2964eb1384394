"""Random searches find what an independent reading of the events' fields finds."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trail import random_trail
from tests.trail.random_trail import NOW, TEXTS, ZONES, Row, folded
from trail.events import counts
from trail.events.search_results import search_matches
from trail.evidence import period as periods
from trail.storage import search_time
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.storage.search_syntax import TEXT_FIELDS, parse, written
from trail.storage.where import select

ROWS = random_trail.random_rows(23)
_LEVELS = {"low": range(4), "medium": range(4, 7), "high": range(7, 11)}
_PATTERNS = ("*", "src*", "*1", "users/*", "*@X.example", "k*LLA*", "Gizmo*", "*created", "s*e",
             "ws-*", "zzz*", "*0%*ff", "**o*", "?", "src?", "?*", "k??LLA*", r"*\ prod*", r"*\**",
             r"?\?*", r"users\/?*", "?i?mo*")  # fmt: skip
_SIGNS: dict[str, Callable[[int, int], bool]] = {
    ">=": int.__ge__,
    ">": int.__gt__,
    "<=": int.__le__,
    "<": int.__lt__,
    "=": int.__eq__,
}


@dataclass(frozen=True)
class Search:
    """A search text, the texts around which it needs parentheses, and its meaning."""

    text: str
    holds: Callable[[Row, ZoneInfo], bool]
    joins: str = ""

    def within(self, joins: str) -> str:
        """Return the text as a part of a text that is joined by *joins*."""
        loose = self.joins == "OR" or (self.joins == "AND" and joins == "NOT")
        return f"({self.text})" if loose and joins != "OR" else self.text


def _contains(field: str, text: str, quoted: bool, gap: str = "") -> Search:
    quoted = quoted or any(mark in text for mark in ' "()*?')
    word = '"' + text.replace('"', '\\"') + '"' if quoted or text.startswith("-") else text

    def holds(row: Row, _: ZoneInfo) -> bool:
        return any(folded(text) in folded(value) for value in row.searched(field))

    return Search(f"{field}{gap}:{gap}{word}" if field else word, holds)


def _matches(field: str, pattern: str) -> Search:
    signs = re.findall(r"\\(\W)|(\*+)|(\?)|(.)", pattern)
    parts = [
        ".*" if many else "." if one else re.escape(folded(escaped or character))
        for escaped, many, one, character in signs
    ]
    expression = re.compile(".+" if parts == [".*"] else "".join(parts), re.DOTALL)
    matches = expression.search if field in ("", "raw") else expression.fullmatch

    def holds(row: Row, _: ZoneInfo) -> bool:
        return any(bool(matches(folded(value))) for value in row.searched(field))

    return Search(f"{field}{':' * bool(field)}{pattern}", holds)


def _risk(sign: str, number: int, last: int, gap: str) -> Search:
    if sign == "..":
        return Search(f"risk:{number}..{last}", lambda row, _: number <= row.risk <= last)
    return Search(f"risk{gap}{sign}{gap}{number}", lambda row, _: _SIGNS[sign](row.risk, number))


def _level(name: str) -> Search:
    return Search(f"risk:{name}", lambda row, _: row.risk in _LEVELS[name])


def _days(sign: str, first: dt.date, more: int) -> Search:
    last = first + dt.timedelta(days=more)

    def day(row: Row, zone: ZoneInfo) -> dt.date:
        return row.occurred_at.replace(tzinfo=dt.UTC).astimezone(zone).date()

    if sign == "..":
        return Search(f"time:{first}..{last}", lambda row, zone: first <= day(row, zone) <= last)
    compare = _SIGNS[sign]
    return Search(
        f"time{sign}{first}",
        lambda row, zone: compare(day(row, zone).toordinal(), first.toordinal()),
    )


def _minutes(sign: str, at: dt.datetime) -> Search:
    compare = _SIGNS[sign]

    def number(moment: dt.datetime) -> int:
        return (moment - dt.datetime(2000, 1, 1)) // dt.timedelta(minutes=1)

    return Search(
        f"time{sign}{at:%Y-%m-%dT%H:%M}Z",
        lambda row, _: compare(number(row.occurred_at), number(at)),
    )


def _ago(sign: str, count: int, unit: str) -> Search:
    def holds(row: Row, zone: ZoneInfo) -> bool:
        start, _ = random_trail.window(Filter(start=f"{count}{unit}", tz=zone.key))
        assert start
        if sign == ":":
            return start <= row.occurred_at < NOW.replace(tzinfo=None)
        return row.occurred_at >= start if sign == ">=" else row.occurred_at < start

    return Search(f"time{sign}{count}{unit}", holds)


def _not(part: Search, sign: str) -> Search:
    odd = sign.count("NOT") + sign.count("-") == 1
    text = f"({part.text})" if part.text.startswith(("-", "NOT")) else part.within("NOT")
    return Search(f"{sign}{text}", lambda row, zone: part.holds(row, zone) != odd)


def _all(parts: list[Search], sign: str) -> Search:
    text = sign.join(part.within("AND") for part in parts)
    return Search(text, lambda row, zone: all(part.holds(row, zone) for part in parts), "AND")


def _any(parts: list[Search]) -> Search:
    text = " OR ".join(part.within("OR") for part in parts)
    return Search(text, lambda row, zone: any(part.holds(row, zone) for part in parts), "OR")


def _in_field(field: str, texts: list[str]) -> Search:
    either = _any([_contains(field, text, quoted=True) for text in texts])
    return Search(
        f"{field}:({' OR '.join(_contains('', t, True).text for t in texts)})", either.holds
    )


_FIELDS = st.sampled_from(("", "", *TEXT_FIELDS))
_COMPARED = st.sampled_from(sorted(_SIGNS))
_DATES = st.dates(dt.date(2026, 10, 20), dt.date(2026, 11, 4))
_GAPS = st.sampled_from(("", "", " "))
_SOME_TEXTS = st.lists(st.sampled_from(TEXTS), min_size=2, max_size=3)
_LEAVES = st.one_of(
    st.builds(_contains, _FIELDS, st.sampled_from(TEXTS), st.booleans(), _GAPS),
    st.builds(_matches, _FIELDS, st.sampled_from(_PATTERNS)),
    st.builds(
        _contains,
        st.sampled_from(("changes", "verified", "future_dated", "source")),
        st.sampled_from(("yes", "no", "webhook", "file")),
        st.booleans(),
    ),
    st.builds(_in_field, st.sampled_from(TEXT_FIELDS), _SOME_TEXTS),
    st.builds(
        _risk, st.one_of(_COMPARED, st.just("..")), st.integers(0, 10), st.integers(0, 10), _GAPS
    ),
    st.builds(_level, st.sampled_from(sorted(_LEVELS))),
    st.builds(_days, st.one_of(_COMPARED, st.just("..")), _DATES, st.integers(-1, 5)),
    st.builds(_minutes, _COMPARED, st.sampled_from([row.occurred_at for row in ROWS])),
    st.builds(_ago, st.sampled_from((">=", "<", ":")), st.integers(0, 40), st.sampled_from("dhm")),
)  # fmt: skip
_SEARCHES = st.recursive(
    _LEAVES,
    lambda part: st.one_of(
        st.builds(_not, part, st.sampled_from(("-", "NOT ", "NOT -"))),
        st.builds(_all, st.lists(part, min_size=2, max_size=3), st.sampled_from((" ", " AND "))),
        st.builds(_any, st.lists(part, min_size=2, max_size=3)),
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `ROWS`."""
    store = random_trail.store_of(tmp_path_factory.mktemp("trail"), [row.raw for row in ROWS])
    yield store
    store.close()


@settings(max_examples=200)
@given(search=_SEARCHES, tz=st.sampled_from(ZONES))
def test_a_search_finds_what_its_oracle_finds(store: Store, search: Search, tz: str) -> None:
    node = parse(search.text)
    assert parse(written(node)) == node
    chosen = select(store, Filter(q=(search.text,), tz=tz), NOW)
    sql = f"select event_id from events e where {chosen.timed()}"
    found = store.table(sql, chosen.params)["event_id"].to_pylist()
    assert set(found) == {row.event_id for row in ROWS if search.holds(row, ZoneInfo(tz))}


@settings(max_examples=30)
@given(search=_SEARCHES, tz=st.sampled_from(ZONES))
def test_hourly_counts_decide_what_they_can(store: Store, search: Search, tz: str) -> None:
    filter_ = Filter(q=(search.text,), tz=tz)
    with search_matches(store, filter_, NOW) as (engine, rest):
        expected = sum(search.holds(row, filter_.zone) for row in ROWS)
        assert counts.count(engine, rest, NOW) == expected


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("a time>=2026-11-01 risk:high", "a time>=2026-11-01 risk:high"),
        ("time:2d a", "time>=2026-10-31T18:30:00Z time<2026-11-02T15:34:56.789000Z a"),
        ("a OR -time<1h", "a OR -time<2026-11-02T14:34:56.789000Z"),
        ("time:2026-10-01..yesterday",
         "time>=2026-09-30T18:30:00Z time<2026-11-01T18:30:00Z"),
        ("time<=yesterday", "time<2026-11-01T18:30:00Z"),
    ],
)  # fmt: skip
def test_times_are_fixed_for_what_must_not_move(text: str, fixed: str) -> None:
    filter_ = Filter(q=(text,), tz="Asia/Kolkata")
    assert search_time.absolute(filter_.q, filter_, NOW) == (fixed,)
    assert periods.resolve(filter_, NOW).filter.q == (fixed,)
