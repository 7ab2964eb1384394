"""A bad file in the archive folder costs its own events only, and for as long as it is bad."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
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
from trail.core.errors import UnavailableError
from trail.core.settings import Settings
from trail.retention import adoption, archive
from trail.storage import archive_place, cold_changes, cold_files, cold_tier, tiers
from trail.storage.duckdb import Store

DAYS = 4

DAMAGES: dict[str, Callable[[Path, bytes], object]] = {
    "missing": lambda path, data: None,
    "empty": lambda path, data: path.write_bytes(b""),
    "cut": lambda path, data: path.write_bytes(data[:-30]),
    # Of the same size, so that only reading it shows it.
    "overwritten": lambda path, data: path.write_bytes(b"x" * len(data)),
    "a folder": lambda path, data: path.mkdir(),
    "a pipe": lambda path, data: os.mkfifo(path),
    "other columns": lambda path, data: pq.write_table(pa.table({"a": [1]}), path),
    "other types": lambda path, data: pq.write_table(
        pa.table({name: [True] for name in cold_files.KEYED_SCHEMA.names}), path
    ),
}


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return with_archive(tmp_path)


@pytest.fixture
def archived(store: Store, settings: Settings, load: Load) -> Store:
    """Return the store with one event on each of some archived days, and a recent one."""
    rows = [
        event(f"e{n}", CUTOFF - n * DAY, target=("source", f"s{n}", "")) for n in range(1, DAYS + 1)
    ]
    load(text(*rows, event("new", CUTOFF + DAY)))
    fixed_clock.retain(store, settings, NOW)
    return store


def ids(store: Store) -> list[str]:
    return sorted(row["event_id"] for row in shown(tiers.both(store)))


@pytest.fixture(autouse=True)
def looked_at_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_place, "AGAIN_S", 0.0)


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("which", [0, DAYS - 1])
def test_a_damaged_part_costs_only_its_own_events(
    archived: Store, settings: Settings, load: Load, which: int, earlier: bool
) -> None:
    if earlier:
        as_earlier_release(settings)
        days = [day for day, *_ in cold_tier.archived_days(archived)]
        archived.write(lambda cursor: cold_tier.remove(cursor, days))
        adoption.adopt(archived, settings)
    path = settings.store.archive_path / files(settings)[which]
    data, whole = path.read_bytes(), ids(archived)
    gone = f"e{DAYS - which}"
    for number, (damage, apply) in enumerate(DAMAGES.items()):
        path.unlink()
        apply(path, data)
        archived.write(cold_changes.changed)  # as for a server that starts with the file so
        both = tiers.both(archived)
        recent = f"select event_id from events where occurred_at >= timestamp '{CUTOFF}'"
        assert both.table(recent)["event_id"].to_pylist() == ["new"], damage
        if damage == "overwritten" and which and not earlier:
            with pytest.raises(UnavailableError, match=path.name):  # seen by who reads it
                ids(archived)
        else:
            assert ids(archived) == [name for name in whole if name != gone], damage
            # An event of these days that arrives meanwhile is kept.
            if damage != "overwritten":
                assert cold_tier.missing(archived) == [f"{path.parent.name}/{path.name}"], damage
                late = f"late{number}"
                assert load(text(event(late, CUTOFF - DAYS * DAY))).kept == 1, damage
                whole = sorted([*whole, late])
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        path.write_bytes(data)
        assert ids(archived) == whole, "although nothing was written to the database"
    assert cold_tier.missing(archived) == []


def test_the_names_of_a_missing_part_are_there_when_it_is_back(
    archived: Store, settings: Settings, load: Load, tmp_path: Path
) -> None:
    """The archive is on another disk that is not mounted while archived days expire."""
    expected = [row for row in shown(tiers.both(archived)) if row["event_id"] in ("e1", "e2")]
    folder, away = settings.store.archive_path, tmp_path / "away"
    folder.rename(away)
    limited = settings.store.model_copy(update={"archive_days": 92})
    expiring = settings.model_copy(update={"store": limited})
    assert fixed_clock.retain(archived, expiring, NOW).expired.days == 2
    fixed_clock.retain(archived, expiring, NOW)  # removes names that nothing points to
    load(text(event("other", CUTOFF + DAY, target=("source", "other", ""))))
    away.rename(folder)
    found = {row["event_id"]: row for row in shown(tiers.both(archived))}
    assert [found[row["event_id"]] for row in expected] == expected


def test_files_that_are_no_parts_of_their_day_are_named_and_cost_no_other(
    archived: Store, settings: Settings, tmp_path: Path
) -> None:
    folder = settings.store.archive_path
    first, second = (folder / file for file in files(settings)[:2])
    (first.parent / "part-of-another-day.parquet").write_bytes(second.read_bytes())
    (first.parent / "part-line\nbreak.parquet").write_bytes(first.read_bytes())
    os.mkfifo(first.parent / "part-pipe.parquet")
    (first.parent / "part-folder.parquet").mkdir()
    twice = pa.concat_tables([pq.read_table(first)] * 2)
    pq.write_table(twice, second.parent / "part-twice.parquet")
    for name, apply in DAMAGES.items():
        apply(first.parent / f"part-'{name}'.parquet", first.read_bytes())
    other = Store.open(tmp_path / "other.duckdb", settings)
    with pytest.raises(UnavailableError, match="cannot be read"):
        adoption.adopt(other, settings)
    both = tiers.both(other)
    assert_consistent(both)
    assert sorted(row["event_id"] for row in shown(both)) == [f"e{n}" for n in range(1, DAYS + 1)]
    other.close()


def test_adoption_waits_for_a_purge_that_is_writing_parts(
    archived: Store, settings: Settings, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would list a part whose events are in the database until the purge is done."""
    load(text(event("late", CUTOFF - DAY)))
    write, threads = archive.write, list[threading.Thread]()

    def written(*args: object, **options: object) -> archive.Archived:
        done = write(*args, **options)  # type: ignore[arg-type]
        threads.append(threading.Thread(target=adoption.adopt, args=(archived, settings)))
        threads[0].start()
        threads[0].join(0.3)
        return done

    monkeypatch.setattr(archive, "write", written)
    fixed_clock.retain(archived, settings, NOW)
    threads[0].join()
    assert ids(archived) == ["e1", "e2", "e3", "e4", "late", "new"]
    assert_consistent(tiers.both(archived))


def test_many_first_readers_share_one_store(archived: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: tiers.both(archived), range(64)))
    assert len({id(store) for store in stores}) == 1
