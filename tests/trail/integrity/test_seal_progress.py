"""Monitoring sees when the last seal was made and how long the oldest unsealed day is due."""

import datetime as dt

from tests.trail.integrity.conftest import NOW, Trail, day, event
from trail.core.clock import utc_now
from trail.integrity.seal_progress import Progress, progress


def at(trail: Trail, now: dt.datetime) -> Progress:
    made: Progress = trail.run(lambda store: progress(store, trail.settings, now))
    return made


def test_sealed_days_are_not_overdue_until_the_next_is_due(trail: Trail) -> None:
    sealed = at(trail, NOW)
    assert (sealed.sealed_to, sealed.problems) == (day(6), 0)
    assert sealed.sealed_at
    assert sealed.sealed_at <= utc_now()  # when the line was signed
    assert sealed.overdue(NOW) == dt.timedelta()
    due = dt.datetime(2026, 11, 9)  # the end of 7 November, and a day for late events
    assert at(trail, due - dt.timedelta(minutes=1)).overdue_since is None
    late = due + dt.timedelta(hours=5)
    assert at(trail, late).overdue(late) == dt.timedelta(hours=5)


def test_without_seals_the_oldest_event_counts(trail: Trail) -> None:
    trail.sql("delete from seals")
    unsealed = at(trail, NOW)
    assert (unsealed.sealed_to, unsealed.sealed_at) == (None, None)
    assert unsealed.overdue_since == dt.datetime(2026, 11, 3)
    trail.sql("delete from events")
    assert at(trail, NOW).overdue_since is None


def test_the_newest_seal_counts_also_if_it_is_of_an_earlier_day(trail: Trail) -> None:
    first = at(trail, NOW).sealed_at
    trail.load([event(60, 2)])  # late: seals 2 November again
    trail.seal(NOW + dt.timedelta(hours=1))
    again = at(trail, NOW)
    assert again.sealed_to == day(6)
    assert first and again.sealed_at and again.sealed_at > first
