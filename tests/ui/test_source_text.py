"""The health of a source in words."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from trail.ingest.source_health import SourceHealth
from ui import source_text

OSLO = ZoneInfo("Europe/Oslo")
AT = dt.datetime(2026, 11, 24, 10)
NOW = dt.datetime(2026, 11, 24, 10, 5, tzinfo=dt.UTC)
DAY = "Tue 24 Nov" if dt.datetime.now(dt.UTC).year == 2026 else "Tue 24 Nov 2026"


def source(state: str, seconds: float | None = None, **more: object) -> SourceHealth:
    interval = None if seconds is None else dt.timedelta(seconds=seconds)
    return SourceHealth("s", "Segment", state, interval=interval, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "every"),
    [
        (5, "5 s"),
        (60, "minute"),
        (660, "11 minutes"),
        (3600, "hour"),
        (86_400, "day"),
    ],
)
def test_a_source_that_is_ok_says_its_last_event_and_interval(seconds: float, every: str) -> None:
    health = source("ok", seconds, last_event=AT, last_success=AT)
    assert source_text.short(health, OSLO) == f"last event {DAY} 11:00, every {every}"
    assert source_text.sentence(health, NOW, OSLO) == (
        f"✓ OK. Last event {DAY} 11:00. Last success 5 minutes ago, every {every}."
    )


def test_a_source_that_fails_says_since_when_and_why() -> None:
    health = source("failing", 300, since=AT, message="The token was not accepted.")
    assert source_text.short(health, OSLO) == f"Failing since {DAY} 11:00"
    said = source_text.sentence(health, NOW, OSLO)
    assert said == f"▲ Failing since {DAY} 11:00. The token was not accepted."


def test_a_receiver_without_events_has_no_interval() -> None:
    assert source_text.short(source("ok"), OSLO) == "OK"
    assert source_text.sentence(source("never"), NOW, OSLO) == "○ No event yet."
