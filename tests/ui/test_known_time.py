"""Charts mark the bar that is not over and the time without data, each only where it is so."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from trail.events.coverage import Span
from trail.events.timeline import Bar
from ui import charts
from ui.known_time import Known

OSLO = ZoneInfo("Europe/Oslo")
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)
START = dt.datetime(2026, 11, 24, 8)


def bars(grain: dt.timedelta, number: int = 4) -> list[Bar]:
    return [Bar(START + grain * at, START + grain * (at + 1), 1) for at in range(number)]


def chart(
    known: Known, grain: dt.timedelta = HOUR, gaps: tuple[Span, ...] = ()
) -> dict[str, object]:
    return dict(charts.bars_over_time("Events", bars(grain), OSLO, gaps, height=9, known=known))


def test_bar_that_is_not_over_is_marked_so_far() -> None:
    now = START + 2.5 * HOUR
    drawn = chart(Known(now - 14 * MINUTE, now))
    assert drawn["label"] == "Events"
    assert drawn["spans"] == [{"start": 2, "end": 3, "kind": "running"}]
    assert drawn["notes"] == {2: "so far"}


@pytest.mark.parametrize(
    ("known", "grain"),
    [
        (Known(None, START + 2.5 * HOUR), HOUR * 0.5),
        (Known(START + 9 * DAY, START + 9 * DAY), HOUR),
        (Known(START - DAY, START - HOUR), HOUR),
        (Known(START + 4 * HOUR, START + 9 * HOUR), HOUR),
        (Known(START + 2 * HOUR, START + 2 * HOUR), HOUR),
    ],
    ids=["no data at all", "long over", "in the future", "data after the last bar", "bar is over"],
)
def test_bars_of_known_time_have_no_mark(known: Known, grain: dt.timedelta) -> None:
    drawn = chart(known, grain)
    assert (drawn["label"], drawn["spans"], drawn["notes"]) == ("Events", [], {})


def test_time_since_the_last_data_is_hatched_and_said() -> None:
    now = START + 3.5 * HOUR
    drawn = chart(Known(START + 1.5 * HOUR, now), gaps=(Span(START + HOUR, now, "gap"),))
    missing = "No data since Tue 24 Nov 10:30"
    if dt.datetime.now(dt.UTC).year != 2026:
        missing = missing.replace("Nov", "Nov 2026")
    assert drawn["label"] == f"Events. {missing}"
    assert drawn["spans"] == [
        {"start": 1.0, "end": 1.5, "kind": "gap"},
        {"start": 1.5, "end": 3.5, "kind": "gap", "text": missing},
    ]
    assert drawn["notes"] == dict.fromkeys((1, 2, 3), missing[0].lower() + missing[1:])


def test_bars_of_days_allow_an_hour_without_data() -> None:
    now = START + 2.5 * DAY
    assert chart(Known(now - 59 * MINUTE, now), DAY)["notes"] == {2: "so far"}
    assert "text" in str(chart(Known(now - HOUR, now), DAY)["spans"])
