"""Maintenance windows: when they are open, what they hold back, and what is said afterwards."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Load
from tests.segment_records import forwarded, ndjson
from tests.trail.notifications.conftest import Clock
from tests.trail.notifications.test_evaluate import (
    SaveRule,
    alerts,
    clock,
    delivered,
    save_rule,
    start,
)
from trail.core.errors import InputError
from trail.notifications import maintenance, rule_store
from trail.notifications.evaluate import Alerts
from trail.notifications.maintenance import MaintenanceWindow
from trail.notifications.rule import Rule
from trail.storage.duckdb import Store

__all__ = ["alerts", "clock", "save_rule"]
HOUR = dt.timedelta(hours=1)
_TIMES = st.sampled_from([f"{hour:02d}:{minute}" for hour in range(24) for minute in ("00", "30")])


def test_matches_of_a_window_are_counted_and_reported_after_it(
    store: Store, load: Load, alerts: Alerts, save_rule: SaveRule, clock: Clock
) -> None:
    rule, other = (
        save_rule("Deletions", query="kind=delete"),
        save_rule("Also", query="kind=delete"),
    )
    start(load, alerts)
    window = MaintenanceWindow(
        "Deploy", starts_at=clock.now, ends_at=clock.now + HOUR, rule_ids=(rule.rule_id,)
    )
    store.write(lambda cursor: maintenance.add(cursor, window, "maya"))
    load(ndjson([forwarded(n, "Source Deleted") for n in (20, 21, 22)]))
    alerts.run_once()
    assert {message["rule"] for message in delivered(store)} == {other.name}
    (stored,) = maintenance.list_all(store)
    assert (stored.held, stored.held_at, stored.made_by) == (3, clock.now, "maya")
    clock.move(3599)
    alerts.run_once()
    assert {message["rule"] for message in delivered(store)} == {other.name}
    clock.move(1)
    load(ndjson([forwarded(40, "Source Deleted")]))
    alerts.run_once()
    (message,) = (one for one in delivered(store) if one["rule"] == rule.name)
    assert (message["form"], message["count"], message["held"]) == ("rollup", 4, 3)
    assert message["text"].endswith("3 of 4 held back by the maintenance window “Deploy”.")
    assert rule_store.rate_limit_states(store)[rule.rule_id].held == 0
    store.write(lambda cursor: maintenance.remove(cursor, stored.window_id))
    assert maintenance.list_all(store) == []


@settings(max_examples=60)
@given(
    st.sampled_from(["UTC", "Europe/Oslo", "America/New_York", "Australia/Lord_Howe"]),
    st.integers(0, 6),
    _TIMES,
    _TIMES,
    st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 12, 31)),
)
def test_a_weekly_window_is_open_at_its_local_times(
    zone: str, weekday: int, first: str, last: str, now: dt.datetime
) -> None:
    window = MaintenanceWindow(
        "w", weekly=True, weekday=weekday, start_time=first, end_time=last, zone=zone
    )
    window.check()
    local = now.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone))
    time, end = f"{local:%H:%M}", window.end_at(now)
    overnight = last <= first
    inside = (local.weekday() == weekday and first <= time and (overnight or time < last)) or (
        overnight and local.weekday() == (weekday + 1) % 7 and time < last
    )
    assert not inside or end is not None
    if end:
        start_at, planned_end = window.span(_first_day(local.date(), weekday, window, now))
        assert start_at <= now < end == planned_end


def _first_day(
    today: dt.date, weekday: int, window: MaintenanceWindow, now: dt.datetime
) -> dt.date:
    days = [today + dt.timedelta(days=n) for n in (-1, 0, 1)]
    return next(day for day in days if day.weekday() == weekday and window.span(day)[0] <= now)


@pytest.mark.parametrize(
    ("day", "hours"),
    # Clocks are set forward on 29 March and back on 25 October 2026, both at 01:00 UTC.
    [(dt.date(2026, 3, 22), 2), (dt.date(2026, 3, 29), 1), (dt.date(2026, 10, 25), 3)],
)
def test_a_window_across_a_change_of_the_clocks_keeps_its_local_times(
    day: dt.date, hours: int
) -> None:
    window = MaintenanceWindow(
        "w", weekly=True, weekday=6, start_time="01:30", end_time="03:30", zone="Europe/Oslo"
    )
    first, last = window.span(day)
    assert last - first == hours * HOUR


@pytest.mark.parametrize(
    "window",
    [
        MaintenanceWindow(""),
        MaintenanceWindow("w"),
        MaintenanceWindow("w", weekly=True, weekday=7),
        MaintenanceWindow("w", weekly=True, start_time="1:00"),
        MaintenanceWindow("w", weekly=True, zone="Oslo"),
        MaintenanceWindow("w", starts_at=dt.datetime(2026, 1, 1), ends_at=dt.datetime(2026, 6, 1)),
    ],
)
def test_invalid_windows_are_rejected(window: MaintenanceWindow) -> None:
    with pytest.raises(InputError):
        window.check()


def test_the_window_that_ends_last_counts() -> None:
    noon = dt.datetime(2026, 11, 1, 12)
    short = MaintenanceWindow("short", starts_at=noon - HOUR, ends_at=noon + HOUR)
    long = MaintenanceWindow("long", starts_at=noon - HOUR, ends_at=noon + 2 * HOUR)
    rule = Rule("r", rule_id=7)
    assert maintenance.quieted([short, long], rule, noon).snoozed_until == noon + 2 * HOUR
    other = MaintenanceWindow("o", starts_at=noon - HOUR, ends_at=noon + HOUR, rule_ids=(8,))
    assert maintenance.quieted([other], rule, noon) == rule
    assert maintenance.held_by([short], rule, noon + HOUR) is None
