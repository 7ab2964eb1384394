"""The archive: only archived events are removed, and archived events can be queried."""

import datetime as dt
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests import fixed_clock, segment_records
from tests.conftest import Load, rows
from tests.trail import random_trail
from tests.trail.random_trail import event
from tests.trail.retention.test_policy import (
    CUTOFF,
    DAY,
    NOW,
    assert_consistent,
    ids,
    purges,
    text,
    with_archive,
)
from trail.core import atomic_file
from trail.core.errors import UnavailableError
from trail.core.model import EVENT_COLUMNS
from trail.core.settings import Settings
from trail.events import counts, events, timeline
from trail.events.export import Export, stream
from trail.events.names import STAR, join_names
from trail.ingest.files import load_files
from trail.retention import adoption, archive, legal_holds
from trail.retention.purge import Purge
from trail.storage import archive_place, cold_files, cold_tier, tiers
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

ROOT = Path(__file__).parents[3]
LATER = NOW + 400 * DAY  # all events of random_trail are past retention


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return with_archive(tmp_path)


def view(store: Store) -> list[dict[str, Any]]:
    """Return the archived events, as they are read together with those in the database."""
    kept = {row["event_id"] for row in rows(store)}
    both = tiers.both(store)
    assert_consistent(both)
    return [row for row in shown(both) if row["event_id"] not in kept]


def shown(store: Store, where: str = "true") -> list[dict[str, Any]]:
    columns = ", ".join(EVENT_COLUMNS)
    star = f"select {STAR}, e.raw from events e where {where}"
    sql = f"select {columns} from ({join_names(star, ', raw')}) order by occurred_at, event_id"
    return store.table(sql).to_pylist()


def files(settings: Settings) -> list[str]:
    """Return the parts below the archive folder; the manifests of days are tested elsewhere."""
    folder = settings.store.archive_path
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.parquet"))


def test_removed_events_are_archived_by_day(store: Store, settings: Settings, load: Load) -> None:
    load(
        text(
            event("a", CUTOFF - 2 * DAY, actor="users/ana", email="ana@example.com"),
            event("b", CUTOFF - DAY, target=("source", "s1", "Käll\u2028a")),
            event("c", CUTOFF - dt.timedelta(microseconds=1), "Gizmo Calibrated"),
            event("new", CUTOFF),
        )
    )
    before = shown(store, f"occurred_at < timestamp '{CUTOFF}'")
    done = fixed_clock.retain(store, settings, NOW)
    assert (done.events, done.archived, purges(store)[0]["archived"]) == (3, 3, 3)
    name = "part-20261102T153400.000000Z.parquet"
    assert files(settings) == [f"day=2026-08-02/{name}", f"day=2026-08-03/{name}"]
    for file in files(settings):
        parquet = pq.ParquetFile(settings.store.archive_path / file)
        assert parquet.schema_arrow == cold_files.KEYED_SCHEMA
        assert parquet.metadata.row_group(0).column(0).compression == "ZSTD"
    assert view(store) == before
    sizes = [(settings.store.archive_path / file).stat().st_size for file in files(settings)]
    assert cold_tier.archived_days(store) == [
        (dt.date(2026, 8, 3), 2, sizes[1]),
        (dt.date(2026, 8, 2), 1, sizes[0]),
    ]
    assert ids(store) == ["new"]


def test_without_the_setting_nothing_is_archived(store: Store, load: Load, tmp_path: Path) -> None:
    without = with_archive(tmp_path, archive=False)
    load(text(event("a", CUTOFF - DAY)))
    assert fixed_clock.retain(store, without, NOW).archived == 0
    assert not without.store.archive_path.exists()
    assert tiers.both(store) is store


def test_late_events_are_written_as_another_part(
    store: Store, settings: Settings, load: Load
) -> None:
    for number, name in enumerate("ab"):
        load(text(event(name, CUTOFF - DAY)), f"{number}.ndjson")
        assert fixed_clock.retain(store, settings, NOW).archived == 1
    again = load(text(event("a", CUTOFF - DAY)), "again.ndjson")
    assert (again.kept, again.duplicates) == (0, 1), "archived events are known"
    assert fixed_clock.retain(store, settings, NOW).archived == 0
    names = [file.rpartition("/")[2] for file in files(settings)]
    stem = "part-20261102T153400.000000Z"
    assert names == [f"{stem}-1.parquet", f"{stem}.parquet"]
    assert [row["event_id"] for row in view(store)] == ["a", "b"]
    assert [day[:2] for day in cold_tier.archived_days(store)] == [((CUTOFF - DAY).date(), 2)]


def test_an_event_on_hold_is_archived_when_it_is_removed(
    store: Store, settings: Settings, load: Load
) -> None:
    load(text(event("held", CUTOFF - DAY), event("free", CUTOFF - DAY)))
    number = legal_holds.add(store, "event", "held", None, None, "a question", "mara")
    assert fixed_clock.retain(store, settings, NOW).archived == 1
    assert fixed_clock.retain(store, settings, NOW).archived == 0
    assert [row["event_id"] for row in view(store)] == ["free"]
    legal_holds.end(store, number)
    assert fixed_clock.retain(store, settings, NOW + DAY).archived == 1
    assert [row["event_id"] for row in view(store)] == ["free", "held"]
    assert len(files(settings)) == 2


def test_only_archived_events_are_removed(
    store: Store, settings: Settings, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events loaded, held or released between archive and purge wait for the next purge."""
    load(text(*(event(name, CUTOFF - DAY) for name in ("free", "let go", "held now"))))
    number = legal_holds.add(store, "event", "let go", None, None, "a question", "mara")
    write = archive.write

    def meanwhile(*args: Any) -> Any:
        parts = write(*args)
        load(text(event("late", CUTOFF - DAY)), "late.ndjson")
        legal_holds.end(store, number)
        legal_holds.add(store, "event", "held now", None, None, "a question", "mara")
        return parts

    monkeypatch.setattr(archive, "write", meanwhile)
    assert fixed_clock.retain(store, settings, NOW).events == 1
    assert ids(store) == ["held now", "late", "let go"]
    assert_consistent(store)
    monkeypatch.setattr(archive, "write", write)
    assert fixed_clock.retain(store, settings, NOW).events == 2
    assert ids(store) == ["held now"]
    assert [row["event_id"] for row in view(store)] == ["free", "late", "let go"]
    assert len(shown(tiers.both(store))) == 4, "what was archived and kept is read once"


def test_a_crash_between_archive_and_purge_loses_and_duplicates_nothing(
    store: Store, settings: Settings, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(text(*(event(f"e{n}", CUTOFF - (1 + n % 3) * DAY) for n in range(30))))
    before = shown(store)
    whole = Purge.run
    monkeypatch.setattr(Purge, "run", lambda self, cursor: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fixed_clock.retain(store, settings, NOW)
    assert shown(store) == before
    monkeypatch.setattr(Purge, "run", whole)
    assert fixed_clock.retain(store, settings, NOW).events == 30
    assert len(files(settings)) == 6
    assert view(store) == before
    assert adoption.adopt(store, settings) == 0, "the parts of the first try have nothing new"
    assert view(store) == before
    assert sum(day[1] for day in cold_tier.archived_days(store)) == 30


_KILLED = """
import os, sys
from pathlib import Path
from tests import fixed_clock
from tests.trail.retention.test_policy import NOW, with_archive
from trail.storage import cold_files, cold_tier, tiers
from trail.storage.duckdb import Store
import threading, time
settings = with_archive(Path(sys.argv[1]))
store = Store.open(settings.store.path, settings)
print("open", flush=True)
threading.Timer(float(sys.argv[2]), os._exit, [9]).start()
fixed_clock.retain(store, settings, NOW)
os._exit(0)
"""


@pytest.mark.parametrize("after_s", [0.002, 0.04, 0.12])
def test_a_kill_at_any_time_loses_and_duplicates_nothing(
    store: Store, settings: Settings, load: Load, tmp_path: Path, after_s: float
) -> None:
    load(text(*(event(f"e{n}", CUTOFF - (1 + n % 5) * DAY) for n in range(500))))
    before = shown(store)
    store.close()
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path), str(after_s)],
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert killed.returncode in (0, 9)
    again = Store.open(settings.store.path, settings)
    assert_consistent(again)
    left = shown(again)
    assert len(left) in (0, 500), "a purge is whole or not at all"
    fixed_clock.retain(again, settings, NOW)
    assert shown(again) == []
    assert view(again) == before
    again.close()
    assert not [file for file in files(settings) if "unfinished" in file]


def test_an_archive_that_cannot_be_written_keeps_everything(
    store: Store, settings: Settings, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(text(event("a", CUTOFF - 2 * DAY), event("b", CUTOFF - DAY)))
    sync = atomic_file.sync_folder

    def full(folder: Path) -> None:
        if folder.name == "day=2026-08-03":
            raise OSError(28, "No space left on device")
        sync(folder)

    monkeypatch.setattr(atomic_file, "sync_folder", full)
    with pytest.raises(UnavailableError, match=r"No space left on device\. No event was removed"):
        fixed_clock.retain(store, settings, NOW)
    assert ids(store) == ["a", "b"]
    assert purges(store) == []
    monkeypatch.setattr(atomic_file, "sync_folder", sync)
    assert fixed_clock.retain(store, settings, NOW).archived == 2
    assert len(view(store)) == 2


def test_a_part_that_cannot_be_read_back_keeps_everything(
    store: Store, settings: Settings, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(text(event("a", CUTOFF - 2 * DAY), event("b", CUTOFF - DAY)))
    sync, seen = os.fsync, []

    def failing(descriptor: int) -> None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            seen.append(descriptor)
            if len(seen) == 2:
                os.ftruncate(descriptor, os.fstat(descriptor).st_size - 20)
        sync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(archive_place.os, "fsync", failing)
        with pytest.raises(UnavailableError, match="a part is incomplete"):
            fixed_clock.retain(store, settings, NOW)
    assert ids(store) == ["a", "b"]
    assert files(settings) == []
    assert fixed_clock.retain(store, settings, NOW).archived == 2


def test_a_damaged_part_is_named(store: Store, settings: Settings, load: Load) -> None:
    load(text(event("a", CUTOFF - DAY)))
    fixed_clock.retain(store, settings, NOW)
    path = settings.store.archive_path / files(settings)[0]
    assert tiers.both(store).table("select event_id from events").num_rows == 1
    path.write_bytes(path.read_bytes()[:-20])
    words = re.escape(f"day=2026-08-03/{path.name} cannot be read")
    with pytest.raises(UnavailableError, match=words) as refused:
        tiers.both(store).table("select raw from events")
    assert str(path.parent.parent) not in str(refused.value)
    assert store.damage() is None, "the database is whole"
    assert shown(tiers.both(store)) == [], "pages go on without it"
    assert cold_tier.missing(store) == [f"day=2026-08-03/{path.name}"]


def test_a_file_in_place_of_the_archive_is_reported(
    store: Store, settings: Settings, load: Load
) -> None:
    load(text(event("a", CUTOFF - DAY)))
    settings.store.archive_path.write_text("in the way")
    with pytest.raises(UnavailableError, match="The archive cannot be written") as refused:
        fixed_clock.retain(store, settings, NOW)
    assert str(settings.store.archive_path) not in str(refused.value)
    assert ids(store) == ["a"]


def test_queries_on_the_archive_answer_as_before_the_purge(
    store: Store, settings: Settings, load: Load
) -> None:
    assert load(text(*(row.raw for row in random_trail.random_rows(7, 400)))).kept == 400
    queries = ("", "tz=Asia/Kathmandu&sort=oldest", "actor=users/ana", "actor=-shared@x.example",
               "category=Source", "kind=create&target_type=source", "q=target:källa",
               "q=50%25", "sort=-target", "kind=create&sort=risk",
               "from=2026-10-20&to=2026-11-01&tz=Europe/London")  # fmt: skip

    def answers(engine: Store) -> list[Any]:
        given = []
        for query in queries:
            filter_ = Filter.parse(query)
            given += [
                counts.facets(engine, filter_, NOW),
                timeline.histogram(engine, filter_, NOW),
                events.page(engine, filter_, NOW, rows=50),
                b"".join(stream(engine, Export(filter_, "ndjson", EVENT_COLUMNS), NOW)),
                b"".join(stream(engine, Export(filter_, "csv"), NOW)),
            ]
        return given

    before = answers(store)
    done = fixed_clock.retain(store, settings, LATER)
    assert (done.events, done.archived) == (400, 400)
    assert ids(store) == []
    assert answers(tiers.both(store)) == before


def test_the_archive_preserves_arrival_and_verification(
    store: Store, settings: Settings, load: Load
) -> None:
    """Verification and arrival time, unlinked duplicate reports, and names of forwarded calls."""
    at = f"{(CUTOFF - DAY).isoformat()}Z"
    one = segment_records.forwarded(1, timestamp=at)
    two = [segment_records.api_event(n, timestamp=at) for n in (1, 2)]
    load(segment_records.ndjson([one]))
    assert load(segment_records.ndjson(two), "api.ndjson").linked == 1
    store.write(lambda cursor: cursor.execute("update events set verified = true "
                                              "where event_id like 'evt%'"))  # fmt: skip
    before = shown(store)
    assert len(before) == 2
    fixed_clock.retain(store, settings, NOW)
    assert view(store) == before


def test_an_archive_can_be_loaded_like_any_file(
    store: Store, settings: Settings, load: Load, tmp_path: Path
) -> None:
    load(text(*(event(f"e{n}", CUTOFF - (n + 1) * DAY, actor="users/ana") for n in range(4))))
    before = {row["event_id"]: row["raw"] for row in shown(store)}
    fixed_clock.retain(store, settings, NOW)
    other = Store.open(tmp_path / "other.duckdb", settings)
    unfinished = settings.store.archive_path / "day=2026-08-03" / ".unfinished-part-x.parquet"
    unfinished.write_bytes(b"PAR1 cut short")
    batches = list(load_files(other, settings, [settings.store.archive_path]))
    assert [(batch.kept, batch.error) for batch in batches] == [(1, "")] * 4
    assert {row["event_id"]: row["raw"] for row in shown(other)} == before
    other.close()


def test_the_archive_folder_may_have_special_characters(
    store: Store, tmp_path: Path, load: Load
) -> None:
    store.close()
    special = with_archive(tmp_path).model_dump()
    special["store"]["archive_path"] = tmp_path / "it's [a] *folder*?"
    settings = Settings.model_validate(special)
    other = Store.open(tmp_path / "other.duckdb", settings)
    path = tmp_path / "a.ndjson"
    path.write_bytes(text(event("a", CUTOFF - DAY)))
    list(load_files(other, settings, [path]))
    fixed_clock.retain(other, settings, NOW)
    assert [row["event_id"] for row in view(other)] == ["a"]
    other.close()
