"""Charts mark the bar that is not over and the time without data, each only where it is so."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from trail.events.coverage import Span
from trail.events.timeline import Bar
from trail.storage.filters import Window
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


def test_a_gap_is_noted_on_each_of_its_bars_and_written_where_it_has_room() -> None:
    now = START + 4 * HOUR
    wide = Span(START + HOUR, START + 2.5 * HOUR, "gap")
    short = Span(START + 3.5 * HOUR, START + 3.5 * HOUR + 3 * MINUTE, "gap")
    drawn = charts.bars_over_time(
        "Events", bars(HOUR), OSLO, (wide, short), height=9, known=Known(now, now)
    )
    year = "" if dt.datetime.now(dt.UTC).year == 2026 else " 2026"
    assert drawn["spans"] == [
        {
            "start": 1,
            "end": 2.5,
            "kind": "gap",
            "text": f"Not collected Tue 24 Nov{year} 10:00–11:30",
        },
        {"start": 3.5, "end": 3.65, "kind": "gap"},
    ]
    notes = drawn["notes"]
    assert list(notes) == [1, 2, 3]
    assert notes[1] == notes[2] == f"not collected Tue 24 Nov{year} 10:00–11:30"


def test_a_window_after_the_last_data_is_blank() -> None:
    known = Known(START, START + DAY)
    assert known.is_blank(Window(START, START + DAY))
    assert not known.is_blank(Window(START - MINUTE, START + DAY))
    assert not known.is_blank(Window(None, START + DAY))
    assert not Known(None, START + DAY).is_blank(Window(START, START + DAY))


def test_the_workspaces_without_data_are_named_where_others_have_some() -> None:
    known = Known(START, START + DAY, ("EU production",))
    assert known.no_data_since(START, OSLO).startswith("No data from EU production since ")
    assert Known(START, START + DAY).no_data_since(START, OSLO).startswith("No data since ")
