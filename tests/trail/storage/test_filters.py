"""The filter as text and object: it comes back from its own address, and days are local days."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trail.core.errors import FilterError
from trail.storage.filters import (
    ALLOWED,
    FACETS,
    MAX_QUERY_CHARS,
    MAX_VALUE_CHARS,
    MAX_VALUES,
    Choice,
    Filter,
    Window,
)
from trail.storage.search_syntax import quoted

NOW = dt.datetime(2026, 11, 2, 15, 34, 56, tzinfo=dt.UTC)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
HARD = st.sampled_from(("-", "--", "\\", "\\-", "-\\", "", " ", "a&b=c", "ä+ö", "%2D", "users/-x"))
TIMES = st.sampled_from(
    ("", "7d", "0d", "99999d", "24h", "90m", "2026-11-02", "2026-11-02T14:30", "2026-10-25T01:30Z",
     "2026-10-25T01:30:59.123456+05:45")
)  # fmt: skip


@st.composite
def choices(draw: st.DrawFn) -> dict[str, Choice]:
    result = {}
    for name in draw(st.lists(st.sampled_from(FACETS), unique=True, max_size=3)):
        texts = st.sampled_from(ALLOWED[name]) if name in ALLOWED else HARD | TEXT
        values = st.lists(texts, unique=True, max_size=3).map(tuple)
        choice = Choice(draw(values), draw(values))
        if choice:
            result[name] = choice
    return result


@given(
    start=TIMES,
    chosen=choices(),
    q=st.lists((HARD | TEXT).filter(bool).map(quoted), unique=True, max_size=2).map(tuple),
    tz=st.sampled_from(("UTC", "Europe/London", "Etc/GMT+5", "America/Argentina/Ushuaia")),
    sort=st.sampled_from(("newest", "oldest")),
    mark=st.sampled_from(("", "?")),
)
def test_an_address_is_read_as_the_filter_that_wrote_it(
    start: str,
    chosen: dict[str, Choice],
    q: tuple[str, ...],
    tz: str,
    sort: str,
    mark: str,
) -> None:
    filter_ = Filter(start, "", chosen, q, tz, sort)
    assert Filter.parse(mark + filter_.query()) == filter_
    assert Filter.parse(filter_.pairs()) == filter_


def test_an_end_is_read_back_as_well() -> None:
    filter_ = Filter("2026-10-01", "2026-10-02T10:00+02:00")
    assert filter_.query() == "from=2026-10-01&to=2026-10-02T10%3A00%2B02%3A00"
    assert Filter.parse(filter_.query()) == filter_


def test_what_is_usual_is_left_out_of_the_query_but_not_of_the_pairs() -> None:
    assert Filter().query() == ""
    assert Filter().pairs() == [("tz", "UTC"), ("sort", "newest")]


@pytest.mark.parametrize(
    ("query", "include", "exclude"),
    [
        ("actor=users/abc", ("users/abc",), ()),
        ("actor=-users/abc", (), ("users/abc",)),
        ("actor=\\-dash", ("-dash",), ()),
        ("actor=--dash", (), ("-dash",)),
        ("actor=\\\\x", ("\\x",), ()),
        ("actor=-\\x", (), ("\\x",)),
        ("actor=a&actor=-b&actor=a", ("a",), ("b",)),
        ("actor=", ("",), ()),
        ("actor=-", (), ("",)),
        ("actor=a%26b%2Bc", ("a&b+c",), ()),
    ],
)
def test_a_leading_dash_excludes(
    query: str, include: tuple[str, ...], exclude: tuple[str, ...]
) -> None:
    assert Filter.parse(query).choice("actor") == Choice(include, exclude)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("colour=red", "colour"),
        ("From=7d", "From"),
        ("limit=5", "limit"),
        ("tz=Mars/Olympus", "Mars/Olympus"),
        ("tz=../../etc/passwd", "../../etc/passwd"),
        ("sort=up", "up"),
        ("from=100000d", "100000d"),
        ("from=-7d", "-7d"),
        ("from=7", "7"),
        ("from=7q", "7q"),
        ("from=Today", "Today"),
        ("from=next_week", "next_week"),
        ("to=2026-13-01", "2026-13-01"),
        ("from=2026-02-30", "2026-02-30"),
        ("risk=11", "11"),
        ("risk=-severe", "severe"),
        ("changes=only", "only"),
    ],
)
def test_what_cannot_be_read_is_named(query: str, named: str) -> None:
    with pytest.raises(FilterError) as caught:
        Filter.parse(query)
    assert repr(named) in caught.value.message
    assert caught.value.hint


def test_a_range_of_dates_the_wrong_way_round_is_refused() -> None:
    with pytest.raises(FilterError, match="before it starts"):
        Filter.parse("from=2026-11-02&to=2026-11-01")
    Filter.parse("from=2026-11-02&to=2026-11-02")
    # Where one end moves with the clock, it is empty today and may not be tomorrow.
    Filter.parse("from=1d&to=2020-01-01")


def test_the_last_of_a_name_that_stands_once_counts() -> None:
    filter_ = Filter.parse("tz=UTC&tz=Asia/Kolkata&from=1d&from=%202d%20&sort=newest&sort=oldest")
    assert (filter_.tz, filter_.start, filter_.sort) == ("Asia/Kolkata", "2d", "oldest")
    assert Filter.parse("tz=&sort=&from=&q=&q=%20") == Filter()


@pytest.mark.parametrize(
    ("tz", "day", "text", "hours"),
    [
        # The day the clock goes forward has 23 hours, the day it goes back has 25.
        ("Europe/London", "2026-03-29", "1d", 23),
        ("Europe/London", "2026-10-25", "1d", 25),
        ("Europe/London", "2026-10-24", "1d", 24),
        ("Europe/London", "2026-10-26", "7d", 7 * 24 + 1),
        ("Europe/London", "2026-03-30", "7d", 7 * 24 - 1),
        ("Europe/London", "2026-11-01", "7d", 7 * 24),
        ("America/New_York", "2026-03-08", "1d", 23),
        ("America/New_York", "2026-11-01", "1d", 25),
        ("America/New_York", "2026-11-07", "7d", 7 * 24 + 1),
        ("America/New_York", "2026-11-08", "7d", 7 * 24),
        ("America/New_York", "2026-03-14", "7d", 7 * 24 - 1),
        ("Asia/Kolkata", "2026-10-25", "7d", 7 * 24),
    ],
)
def test_days_are_those_of_the_readers_calendar(tz: str, day: str, text: str, hours: int) -> None:
    zone = Filter(tz=tz).zone
    today = dt.date.fromisoformat(day)
    # The last second of the local day, which is that much after the range's start.
    midnight = dt.datetime.combine(today + dt.timedelta(days=1), dt.time(), zone)
    now = midnight.astimezone(dt.UTC) - dt.timedelta(seconds=1)
    start = Filter(text, tz=tz).window(now).start
    assert start is not None
    assert now.replace(tzinfo=None) - start == dt.timedelta(hours=hours, seconds=-1)
    local = start.replace(tzinfo=dt.UTC).astimezone(zone)
    assert (local.hour, local.minute) == (0, 0)
    assert (today - local.date()).days == int(text[:-1]) - 1


def test_today_is_the_readers_today() -> None:
    late = dt.datetime(2026, 6, 30, 23, 30, tzinfo=dt.UTC)
    assert Filter("1d").window(late).start == dt.datetime(2026, 6, 30)
    assert Filter("1d", tz="Asia/Kolkata").window(late).start == dt.datetime(2026, 6, 30, 18, 30)
    assert Filter("1d", tz="America/New_York").window(late).start == dt.datetime(2026, 6, 30, 4)


def test_hours_and_minutes_are_counted_back_across_a_change_of_clocks() -> None:
    now = dt.datetime(2026, 10, 25, 12, tzinfo=dt.UTC)
    window = Filter("24h", "90m", tz="Europe/London").window(now)
    assert window == Window(dt.datetime(2026, 10, 24, 12), dt.datetime(2026, 10, 25, 10, 30))


def test_no_days_begin_tomorrow() -> None:
    assert Filter("0d").window(NOW).start == dt.datetime(2026, 11, 3)


@pytest.mark.parametrize(
    ("text", "tz", "utc"),
    [
        ("2026-07-01", "Europe/London", "2026-06-30T23:00"),
        ("2026-12-01", "Europe/London", "2026-12-01T00:00"),
        ("2026-07-01T12:00", "Asia/Kathmandu", "2026-07-01T06:15"),
        ("2026-07-01T12:00Z", "Asia/Kathmandu", "2026-07-01T12:00"),
        ("2026-07-01T12:00-03:30", "Asia/Kathmandu", "2026-07-01T15:30"),
        # Comes twice, the first is meant; does not come at all, an hour later is meant.
        ("2026-10-25T01:30", "Europe/London", "2026-10-25T00:30"),
        ("2026-03-29T01:30", "Europe/London", "2026-03-29T01:30"),
    ],
)
def test_a_time_without_offset_is_of_the_filters_zone(text: str, tz: str, utc: str) -> None:
    filter_ = Filter(text, text, tz=tz)
    moment = dt.datetime.fromisoformat(utc)
    assert filter_.window(NOW) == Window(moment, moment)


@given(
    number=st.integers(0, 99_999),
    unit=st.sampled_from("dhm"),
    tz=st.sampled_from(("UTC", "Asia/Kolkata", "America/New_York", "Pacific/Kiritimati")),
    now=st.sampled_from((NOW, dt.datetime(1, 1, 2, tzinfo=dt.UTC))),
)
def test_any_number_of_days_is_a_time(number: int, unit: str, tz: str, now: dt.datetime) -> None:
    if unit != "d" and now.year == 1:
        now = NOW
    start = Filter(f"{number}{unit}", tz=tz).window(now).start
    assert start is not None
    days = {"d": number, "h": number / 24, "m": number / 1440}[unit]
    earliest = now.replace(tzinfo=None)
    if days < (earliest - dt.datetime.min).days:
        assert abs((earliest - start) / dt.timedelta(days=1) - days) <= 2
    else:
        assert start.year == 1


@pytest.mark.parametrize("tz", ["UTC", "Asia/Kolkata", "America/New_York"])
@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31", "9999-12-31T23:59:59"])
def test_the_ends_of_the_calendar_are_times(text: str, tz: str) -> None:
    start = Filter.parse(f"from={text}&tz={tz}").window(NOW).start
    assert start is not None
    assert abs(start - dt.datetime.fromisoformat(text)) <= dt.timedelta(days=2)


def test_a_value_is_put_in_one_state_at_a_time() -> None:
    filter_ = Filter().put("actor", "a", "include").put("actor", "b", "exclude")
    assert filter_.choice("actor") == Choice(("a",), ("b",))
    assert [filter_.state("actor", value) for value in "abc"] == ["include", "exclude", ""]
    turned = filter_.put("actor", "a", "exclude")
    assert turned.choice("actor") == Choice((), ("b", "a"))
    assert turned.put("actor", "a", "exclude") == turned
    assert turned.put("actor", "a", "").put("actor", "b", "") == Filter()
    assert filter_.choice("actor") == Choice(("a",), ("b",)), "the first one has not changed"


@given(chosen=choices(), name=st.sampled_from(FACETS), value=HARD | TEXT)
def test_putting_and_freeing_a_value_leaves_nothing_of_it(
    chosen: dict[str, Choice], name: str, value: str
) -> None:
    filter_ = Filter(choices=chosen)
    for state in ("include", "exclude"):
        made = filter_.put(name, value, state)
        assert made.state(name, value) == state
        freed = made.put(name, value, "")
        assert freed.state(name, value) == ""
        if not filter_.state(name, value):
            assert freed == filter_
        assert made.without(name) == filter_.without(name)


def test_without_and_cleared_let_go_of_facets() -> None:
    filter_ = Filter.parse("from=7d&actor=a&kind=b&q=c&tz=Asia/Kolkata&sort=oldest")
    assert set(filter_.without("actor", "target").choices) == {"kind"}
    assert filter_.without("actor").q == ("c",)
    assert filter_.cleared() == Filter("7d", tz="Asia/Kolkata", sort="oldest")


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("q=R&D", ("R&D",)),
        ("q=R&D&from=7d", ("R&D",)),
        ("from=7d&q=AT&T & Co", ("AT&T & Co",)),
        ("q=R%26D&&from=7d", ("R&D",)),
    ],
)
def test_an_ampersand_without_a_name_belongs_to_the_value(
    query: str, texts: tuple[str, ...]
) -> None:
    assert Filter.parse(query).q == texts


@settings(max_examples=30)
@given(
    counts=st.dictionaries(st.sampled_from(("actor", "target", "kind")), st.integers(0, 400)),
    excluded=st.booleans(),
)
def test_the_values_of_all_facets_are_limited_together(
    counts: dict[str, int], excluded: bool
) -> None:
    dash = "-" if excluded else ""
    pairs = [(name, f"{dash}{number}") for name, count in counts.items() for number in range(count)]
    if len(pairs) <= MAX_VALUES:
        assert len(Filter.parse(pairs).pairs()) == len(pairs) + 2
        return
    with pytest.raises(FilterError, match=rf"too many values: {len(pairs):,}\. Use at most"):
        Filter.parse(pairs)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (f"actor={'x' * MAX_VALUE_CHARS}", ""),
        (
            f"actor=-{'x' * (MAX_VALUE_CHARS + 1)}",
            r"too long: 4,097 characters\. Use at most 4,096",
        ),
        (f"from={'0' * MAX_QUERY_CHARS}", r"too long: 32,772 characters\. Use at most 32,768"),
        (f"q={'+'.join(['w'] * 250)}", r"too many words: 250\. Use at most 32"),
        ("&".join(f"q=word{number}" for number in range(33)), r"too many words: 33\."),
        ("&".join(f"target=tgt_{number:030}" for number in range(60)), ""),
    ],
)
def test_what_is_over_a_limit_is_refused_with_the_limit(query: str, message: str) -> None:
    if not message:
        assert Filter.parse(query)
        return
    with pytest.raises(FilterError, match=message):
        Filter.parse(query)


def test_a_signed_filter_over_a_limit_is_still_read() -> None:
    query = "&".join(f"q=word{number}" for number in range(60))
    assert len(Filter.parse_signed(query).q) == 60
    with pytest.raises(FilterError, match="Unknown zone"):
        Filter.parse_signed("tz=Nowhere")
