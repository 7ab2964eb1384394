"""The whole archive is verified day by day, however often that is interrupted."""

import datetime as dt
import json
from pathlib import Path

import pytest

from tests import fixed_clock
from tests.trail import random_trail
from tests.trail.integrity.conftest import NOW, Trail, day, event
from tests.trail.integrity.test_archive_check import LATER, other_raw, parts, rewritten
from trail.core.settings import Settings
from trail.integrity import (
    archive_check,
    archive_manifest,
    chain,
    chain_history,
    cold_verification,
    key_file,
    row_digest,
    sealing,
)
from trail.integrity.cold_verification import ColdReport
from trail.retention import legal_holds
from trail.storage import cold_views
from trail.storage.duckdb import Store

DAYS = 4


@pytest.fixture
def archived(settings: Settings, tmp_path: Path) -> Trail:
    """Return a trail of four archived days."""
    store = settings.store.model_copy(update={"archive": True, "archive_path": tmp_path / "kept"})
    trail = Trail(settings.model_copy(update={"store": store}), tmp_path)
    trail.load([event(number, of) for of in range(1, DAYS + 1) for number in range(3)])
    trail.seal()
    retain(trail, DAYS)
    return trail


def retain(trail: Trail, of: int) -> None:
    """Archive the days up to that of November."""
    moment = LATER + dt.timedelta(days=of)
    trail.run(lambda store: fixed_clock.retain(store, trail.settings, moment))


def verified(trail: Trail, **given: float | bool) -> ColdReport:
    def run(store: Store) -> ColdReport:
        return cold_verification.verify(store, trail.settings, **given)  # type: ignore[arg-type]

    return trail.run(run)


def test_every_file_is_read(archived: Trail) -> None:
    report = verified(archived)
    assert (report.ok, report.complete, report.checked_days, report.files) == (True, True, 4, 4)
    damaged = parts(archived)[2]
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    (problem,) = verified(archived).problems
    assert (problem.day, problem.problem) == (day(3), "archive changed")


def test_a_run_continues_where_the_last_one_stopped(archived: Trail) -> None:
    seen = []
    for _ in range(DAYS):
        report = verified(archived, seconds=0)
        seen.append((report.checked_days, report.since, report.last, report.complete))
    assert seen == [
        (1, None, day(1), False),
        (1, day(1), day(2), False),
        (1, day(2), day(3), False),
        (1, day(3), day(4), True),
    ]
    assert verified(archived).checked_days == DAYS, "after the end it begins again"


def test_an_interrupted_run_keeps_its_position(archived: Trail) -> None:
    def interrupted(share: float) -> None:
        if share == 0.5:
            raise KeyboardInterrupt

    def run(store: Store) -> None:
        cold_verification.verify(store, archived.settings, progress=interrupted)

    with pytest.raises(KeyboardInterrupt):
        archived.run(run)
    shares: list[float] = []
    report = archived.run(
        lambda store: cold_verification.verify(store, archived.settings, progress=shares.append)
    )
    assert (report.since, report.checked_days, shares) == (day(2), 2, [0.75, 1.0])
    with pytest.raises(KeyboardInterrupt):
        archived.run(run)
    assert verified(archived, restart=True).checked_days == DAYS


def test_events_that_were_changed_before_they_were_archived(archived: Trail) -> None:
    """A day that loses all of its events cannot be compared once they are gone, but here."""
    archived.load([event(number, 10) for number in range(3)])
    archived.seal(NOW.replace(day=14))
    edited = "update events set raw = replace(raw, 'Web shop', 'Web stop') where event_id = "
    archived.sql(f"{edited}(select min(event_id) from events)")
    retain(archived, 10)
    assert verified(archived).events == 5 * 3
    (problem,) = verified(archived).problems
    assert (problem.day, problem.problem, problem.count) == (day(10), "archive changed", 1)
    assert "changed before they were archived" in problem.text
    archived.run(lambda store: fixed_clock.accept(store, archived.settings, "an edit", "dana"))
    assert verified(archived).problems == ()


def test_a_day_that_was_written_again_with_its_manifest(archived: Trail) -> None:
    """Whoever has the key can sign another manifest; the seals state the files."""
    path = parts(archived)[1]
    rewritten(path, other_raw)
    manifest = path.with_name(archive_manifest.NAME)
    body = json.loads(manifest.read_text())

    def digest(store: Store) -> row_digest.Tally:
        with sealing.snapshot(store) as ask:
            return row_digest.of_records(ask, cold_views.records([path]))

    rows = archived.run(digest)
    assert rows.digest != body["digest"]
    (part,) = body["parts"]
    part |= {"bytes": path.stat().st_size, "sha256": archive_check.sha256_of(path)}
    forged = chain.signed(
        {**body, "digest": rows.digest}, key_file.load(archived.files.key), archive_manifest.CONTEXT
    )
    manifest.write_text(chain.canonical(forged))
    found = verified(archived).problems
    assert {(one.day, one.problem) for one in found} == {
        (day(2), "archive changed"),
        (day(2), "manifest"),
    }


def test_late_and_held_events_are_no_difference(archived: Trail) -> None:
    archived.load([event(number, 10) for number in range(4)])
    archived.seal(NOW.replace(day=14))
    archived.load([event(40, 10)])  # not sealed when it is archived

    def hold(store: Store) -> int:
        ids = store.table("select event_id from events order by occurred_at")["event_id"]
        return legal_holds.add(store, "event", ids[1].as_py(), None, None, "a question", "mara")

    number = archived.run(hold)
    retain(archived, 10)
    assert (verified(archived).problems, verified(archived).events) == ((), 4 * 3 + 4)
    archived.load([event(41, 10)])
    archived.run(lambda store: legal_holds.end(store, number))
    retain(archived, 11)
    report = verified(archived)
    assert (report.problems, report.files, report.events) == ((), 6, 4 * 3 + 6)


def test_random_events_have_the_digests_of_their_seals(settings: Settings, tmp_path: Path) -> None:
    """Those of hostile records, and of unverified ones."""
    store = settings.store.model_copy(update={"archive": True, "archive_path": tmp_path / "kept"})
    given = settings.model_copy(update={"store": store})
    random_trail.store_of_rows(tmp_path, random_trail.random_rows(5, 200, flagged=True), 90).close()
    given = given.model_copy(
        update={
            "store": store.model_copy(update={"path": random_trail.settings(tmp_path).store.path})
        }
    )
    trail = Trail(given, tmp_path)
    trail.seal(NOW)
    moment = LATER + dt.timedelta(days=8)
    trail.run(lambda store: fixed_clock.retain(store, given, moment))
    report = verified(trail)
    assert (report.problems, report.complete) == ((), True)
    # The sealed digests are those of the files, not of what could not be compared.
    lines = trail.run(lambda store: chain_history.own(lambda sql: store.table(sql).to_pylist()))
    sealed = cold_verification._sealed(lines)
    manifests = {
        dt.date.fromisoformat(body["day"]): (body["events"], body["digest"])
        for path in given.store.archive_path.glob("*/_manifest.json")
        if (body := json.loads(path.read_text()))
    }
    stated = {of: (line.body["events"], line.body["digest"]) for of, line in sealed.items()}
    assert len(stated.items() & manifests.items()) > 20


def test_nothing_is_archived(settings: Settings, tmp_path: Path) -> None:
    report = verified(Trail(settings, tmp_path))
    assert (report.ok, report.complete, report.checked_days) == (True, True, 0)
