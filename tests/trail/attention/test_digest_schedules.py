"""Occasions of digests by the local clock, and schedules that are stored, changed and deleted."""

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trail.notifications.conftest import hook
from tests.trail.random_trail import ZONES
from trail.attention import digest_schedules
from trail.attention.digest_schedules import DigestSchedule
from trail.core.errors import InputError
from trail.storage.duckdb import Store

NOW = dt.datetime(2026, 11, 24, 12, 0)  # a Tuesday
DAY = dt.timedelta(days=1)


def local(at: dt.datetime, zone: str) -> dt.datetime:
    return at.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone))


@given(
    zone=st.sampled_from(ZONES),
    cadence=st.sampled_from(("weekly", "daily")),
    weekday=st.integers(0, 6),
    hour=st.integers(0, 23),
    now=st.datetimes(dt.datetime(2026, 3, 1), dt.datetime(2026, 12, 31)),
)
def test_occasions_follow_the_local_clock(
    zone: str, cadence: digest_schedules.Cadence, weekday: int, hour: int, now: dt.datetime
) -> None:
    schedule = DigestSchedule("a", 1, cadence, weekday, hour, zone)
    following = schedule.occasion_after(now)
    assert now < following <= now + (DAY if cadence == "daily" else 7 * DAY) + DAY / 20
    shown = local(following, zone)
    # An hour that does not exist on the day of the change is the next one.
    assert (shown.hour - hour) % 24 in (0, 1)
    assert shown.hour == hour or local(following - DAY / 12, zone).utcoffset() != shown.utcoffset()
    assert cadence == "daily" or shown.weekday() == weekday
    # From one occasion on, there is none until the next.
    later = schedule.occasion_after(following)
    waiting = replace(schedule, next_at=following)
    assert waiting.due(following - DAY / 86_400) is None
    assert waiting.due(following) == waiting.due(later - DAY / 86_400) == following
    assert waiting.due(later) == later
    assert replace(waiting, active=False).due(later) is None
    period = schedule.period(following)
    assert period.last < shown.date() <= period.last + 7 * DAY
    assert cadence == "weekly" or period.first == shown.date() - DAY


def test_schedules_are_stored_changed_paused_and_deleted(store: Store) -> None:
    hook(store, "https://hooks.example.com/a")
    made = DigestSchedule("Team", 1, "weekly", 0, 8, "Europe/Oslo")
    number = store.write(lambda cursor: digest_schedules.save(cursor, made, "maya", NOW))
    [kept] = digest_schedules.list_all(store)
    assert (kept.schedule_id, kept.made_by, kept.when) == (
        number,
        "maya",
        "Mondays at 08:00, Europe/Oslo",
    )
    assert kept.next_at == dt.datetime(2026, 11, 30, 7)
    changed = replace(kept, cadence="daily", hour=6)
    store.write(lambda cursor: digest_schedules.save(cursor, changed, "jon", NOW))
    [kept] = digest_schedules.list_all(store)
    assert (kept.when, kept.made_by) == ("Daily at 06:00, Europe/Oslo", "maya")
    store.write(lambda cursor: digest_schedules.set_active(cursor, kept, "maya", NOW, active=False))
    [paused] = digest_schedules.list_all(store)
    assert paused.due(NOW + 9 * DAY) is None
    later = NOW + 9 * DAY
    store.write(
        lambda cursor: digest_schedules.set_active(cursor, paused, "maya", later, active=True)
    )
    [resumed] = digest_schedules.list_all(store)
    assert resumed.due(later) is None, "what was missed while paused is not sent"
    assert resumed.next_at == dt.datetime(2026, 12, 4, 5)
    store.write(lambda cursor: digest_schedules.remove(cursor, number))
    assert digest_schedules.list_all(store) == []


def test_invalid_schedules_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    hook(store, "https://hooks.example.com/a")
    good = DigestSchedule("Team", 1)
    store.write(lambda cursor: digest_schedules.save(cursor, good, "maya", NOW))
    for bad in (
        replace(good, name="TEAM"),
        replace(good, name=" "),
        replace(good, name="a\nb"),
        replace(good, name="b", hour=24),
        replace(good, name="b", weekday=7),
        replace(good, name="b", zone="Mars"),
        replace(good, name="b", cadence="hourly"),  # type: ignore[arg-type]
        replace(good, name="b", destination_id=9),
    ):
        with pytest.raises(InputError):
            store.write(lambda cursor, one=bad: digest_schedules.save(cursor, one, "maya", NOW))
    monkeypatch.setattr(digest_schedules, "MAX_SCHEDULES", 1)
    other = replace(good, name="b")
    with pytest.raises(InputError, match="There are 1"):
        store.write(lambda cursor: digest_schedules.save(cursor, other, "maya", NOW))
