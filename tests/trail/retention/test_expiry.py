"""The retention of the archive: whole days go, held events stay, and seals say what was removed."""

import datetime as dt
from pathlib import Path

import pytest

from tests import fixed_clock
from tests.conftest import Load
from tests.trail.random_trail import event
from tests.trail.retention.test_adoption import as_earlier_release
from tests.trail.retention.test_archive import files, shown
from tests.trail.retention.test_policy import (
    CUTOFF,
    DAY,
    NOW,
    assert_consistent,
    text,
    with_archive,
)
from trail.core.settings import Settings
from trail.integrity import archive_check, seal_status, verification
from trail.retention import adoption, archive, expiry, legal_holds
from trail.storage import cold_tier, tiers
from trail.storage.duckdb import Store

EDGE = NOW.date() - dt.timedelta(days=95)


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return with_archive(tmp_path)


@pytest.fixture
def expiring(settings: Settings) -> Settings:
    """Return settings that keep archived events for 95 days."""
    store = settings.store.model_copy(update={"archive_days": 95})
    return settings.model_copy(update={"store": store})


@pytest.fixture
def archived(store: Store, settings: Settings, load: Load) -> Store:
    """Return the store with the days 91 to 100 days ago in the archive, two events each."""
    rows = [
        event(f"e{n}-{m}", CUTOFF - n * DAY, target=("source", f"s{n}-{m}", ""))
        for n in range(1, 11)
        for m in range(2)
    ]
    load(text(*rows, event("new", CUTOFF)))
    assert fixed_clock.retain(store, settings, NOW).archived == 20
    return store


def read(store: Store) -> list[str]:
    both = tiers.both(store)
    assert_consistent(both)
    return sorted(row["event_id"] for row in shown(both))


def left(*gone: int) -> list[str]:
    return sorted(["new", *(f"e{n}-{m}" for n in range(1, 11) for m in range(2) if n not in gone)])


def test_nothing_expires_by_default(archived: Store, settings: Settings) -> None:
    assert expiry.due(archived, settings, NOW) == []
    assert fixed_clock.retain(archived, settings, NOW).expired.days == 0
    assert read(archived) == left()


def test_days_are_removed_with_their_counts_names_and_files(
    archived: Store, expiring: Settings
) -> None:
    days = expiry.due(archived, expiring, NOW)
    assert [(day, events) for day, events, _ in days] == [
        (EDGE - n * DAY, 2) for n in (5, 4, 3, 2, 1)
    ]
    done = fixed_clock.retain(archived, expiring, NOW).expired
    assert (done.days, done.events, done.held) == (5, 10, 0)
    assert read(archived) == left(6, 7, 8, 9, 10)
    assert len(files(expiring)) == 5
    assert not (expiring.store.archive_path / f"day={EDGE - DAY}").exists()
    assert len(list(expiring.store.archive_path.glob("*/_manifest.json"))) == 5
    fixed_clock.retain(archived, expiring, NOW)
    names = archived.table("select target_id from targets order by all")["target_id"].to_pylist()
    assert [name for name in names if name.startswith("s")] == sorted(
        f"s{n}-{m}" for n in range(1, 6) for m in range(2)
    )
    report = verification.verify(archived, expiring, full=True)
    assert report.problems == ()
    reasons = {day.day: day.reason for day in report.days}
    assert reasons[EDGE - DAY] == f"retention policy: archived events before {EDGE}"


def test_held_events_stay(archived: Store, expiring: Settings) -> None:
    number = legal_holds.add(archived, "event", "e7-1", None, None, "a question", "mara")
    legal_holds.add(archived, "target", "s9-0", None, None, "a question", "mara")
    start = dt.datetime.combine(EDGE - 5 * DAY, dt.time())
    legal_holds.add(archived, "period", "", start, start + DAY, "a question", "mara")
    done = fixed_clock.retain(archived, expiring, NOW).expired
    assert (done.days, done.events, done.held) == (4, 6, 4)
    expected = sorted([*left(6, 7, 8, 9), "e7-1", "e9-0"])
    assert read(archived) == expected
    assert verification.verify(archived, expiring, full=True).problems == ()
    before = files(expiring)
    assert fixed_clock.retain(archived, expiring, NOW).expired.days == 0
    assert (read(archived), files(expiring)) == (expected, before)
    legal_holds.end(archived, number)
    assert fixed_clock.retain(archived, expiring, NOW).expired.events == 1
    assert read(archived) == [name for name in expected if name != "e7-1"]


def test_a_file_that_goes_by_other_hands_is_reported(archived: Store, expiring: Settings) -> None:
    fixed_clock.retain(archived, expiring, NOW)
    (expiring.store.archive_path / files(expiring)[0]).unlink()
    (problem,) = verification.verify(archived, expiring, full=True).problems
    assert problem.problem == "archive missing"


def test_a_crash_before_the_removal_is_committed_keeps_all(
    archived: Store, expiring: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    legal_holds.add(archived, "event", "e7-1", None, None, "a question", "mara")
    with monkeypatch.context() as patched:
        patched.setattr(expiry.removal_seals, "seal_expiry", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            fixed_clock.retain(archived, expiring, NOW)
    assert read(archived) == left()
    fixed_clock.retain(archived, expiring, NOW)
    assert read(archived) == sorted([*left(6, 7, 8, 9, 10), "e7-1"])
    assert verification.verify(archived, expiring, full=True).problems == ()
    assert len(cold_tier.parts(archived)) == 6


def test_changed_counts_of_archived_days_are_reported_and_repaired(
    archived: Store, settings: Settings
) -> None:
    for table in ("cold_cube", "cold_actor_cube"):
        sql = f"update {table} set n = n + 3 where hour::date = date '{EDGE}'"
        archived.write(lambda cursor, sql=sql: cursor.execute(sql))  # type: ignore[misc]
    found = verification.verify(archived, settings).problems
    assert [(one.day, one.problem, one.count) for one in found] == [(EDGE, "count changed", 3)] * 2
    fixed_clock.accept(archived, settings, "a repair", "dana")
    assert verification.verify(archived, settings).problems == ()
    assert read(archived) == left()


def test_actors_merged_while_a_part_is_written_are_found_by_their_events(
    archived: Store, settings: Settings, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(text(event("by-id", CUTOFF - DAY, actor="usr1")))
    write = archive.write

    def merged_meanwhile(*args: object, **options: object) -> archive.Archived:
        done = write(*args, **options)  # type: ignore[arg-type]
        load(text(event("proof", CUTOFF, actor="users/usr1", email="a@example.com")))
        return done

    monkeypatch.setattr(archive, "write", merged_meanwhile)
    assert fixed_clock.retain(archived, settings, NOW).archived == 1
    assert read(archived) == sorted([*left(), "by-id", "proof"])
    both = tiers.both(archived)
    actors = {row["actor_id"] for row in shown(both) if row["event_id"] in ("by-id", "proof")}
    assert actors == {"users/usr1"}


def test_held_events_without_a_search_text_are_not_listed_as_searchable(
    archived: Store, settings: Settings, expiring: Settings
) -> None:
    as_earlier_release(settings)
    days = [day for day, *_ in cold_tier.archived_days(archived)]
    archived.write(lambda cursor: cold_tier.remove(cursor, days))
    adoption.adopt(archived, settings)
    legal_holds.add(archived, "event", "e7-1", None, None, "a question", "mara")
    fixed_clock.retain(archived, expiring, NOW)
    assert "e7-1" in read(archived)
    assert [part.keyed for part in cold_tier.parts(archived)] == [True, *[False] * 5]
    assert not any(part.searchable for part in cold_tier.parts(archived))


def test_what_is_archived_and_what_is_removed_are_counted_apart(
    archived: Store, expiring: Settings
) -> None:
    def totals() -> tuple[int, int]:
        rows = seal_status.removals(archived)
        return sum(row.archived for row in rows), sum(row.removed for row in rows)

    assert totals() == (20, 0)
    done = fixed_clock.retain(archived, expiring, NOW).expired
    assert totals() == (20, done.events) and done.events


def test_seals_of_earlier_versions_say_by_their_reason_what_is_archived(
    store: Store, settings: Settings, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_check, "as_section", lambda _: [])
    load(text(event("old", CUTOFF - DAY), event("new", CUTOFF)))
    fixed_clock.retain(store, settings, NOW)
    (row,) = seal_status.removals(store)
    assert (row.archived, row.removed) == (1, 0)
