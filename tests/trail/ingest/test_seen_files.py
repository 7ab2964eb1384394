"""What is noted of a drop's files, and a drop's way through the load."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limited
from hypothesis import strategies as st

from loaders.folder import LOADER
from tests.conftest import quarantine, rows
from tests.segment_records import forwarded, gz, ndjson
from trail.core.errors import InputError, UnavailableError
from trail.core.model import Arrived, Batch, Drop
from trail.core.settings import Settings
from trail.ingest import files, pipeline, seen_files
from trail.ingest.files import load_drop
from trail.storage.duckdb import Store


class Shelf:
    """A drop of files in memory: what it holds, and what was finished or let go."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files: dict[str, bytes] = {}
        self.version = "1"
        self.finished: list[Batch] = []
        self.closed = 0

    def drop(self, name: str = "shelf") -> Drop:
        return replace(LOADER, name=name, example={}, waiting=self._waiting)

    def _waiting(self, _: Settings, seen: Callable[[str, str], bool]) -> Iterator[Arrived]:
        try:
            for key, data in self.files.items():
                if not seen(key, self.version):
                    path = self._folder / Path(key).name
                    path.write_bytes(data)
                    yield Arrived(key, self.version, path, self.finished.append)
        finally:
            self.closed += 1


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    folder = tmp_path / "shelf"
    folder.mkdir()
    return Shelf(folder)


def test_a_new_source_has_no_seen_files(store: Store) -> None:
    assert not seen_files.seen(store, "s3")("a", "1")


def test_seen_files_are_found_by_source_key_and_version(store: Store) -> None:
    store.write(lambda cursor: seen_files.note(cursor, "s3", "a", "1", 7))
    seen = seen_files.seen(store, "s3")
    assert seen("a", "1")
    assert not seen("a", "2")
    assert not seen("b", "1")
    assert not seen_files.seen(store, "folder")("a", "1")
    assert store.table("select batch_id from arrivals").to_pylist() == [{"batch_id": 7}]


def test_a_file_can_be_recorded_without_a_batch(store: Store) -> None:
    store.write(lambda cursor: seen_files.note(cursor, "s3", "a", "1", None))
    assert seen_files.seen(store, "s3")("a", "1")


def test_files_are_loaded_recorded_and_finished(
    store: Store, settings: Settings, shelf: Shelf
) -> None:
    shelf.files = {f"day/{n}.ndjson": ndjson([forwarded(n)]) for n in range(3)}
    message: list[tuple[str, float]] = []
    batches = list(
        load_drop(store, settings, shelf.drop(), lambda share, b: message.append((b.source, share)))
    )
    assert [batch.source for batch in batches] == list(shelf.files)
    assert [batch.kept for batch in batches] == [1, 1, 1]
    assert shelf.finished == batches
    assert message == [(key, 1.0) for key in shelf.files]
    noted = store.table("select source, key, version, batch_id from arrivals order by batch_id")
    assert noted.to_pylist() == [
        {"source": "shelf", "key": batch.source, "version": "1", "batch_id": batch.batch_id}
        for batch in batches
    ]
    assert list(load_drop(store, settings, shelf.drop())) == []
    assert len(rows(store)) == 3


def test_another_version_is_loaded_and_counted_as_duplicates(
    store: Store, settings: Settings, shelf: Shelf
) -> None:
    shelf.files = {"a": ndjson([forwarded(1), forwarded(2)])}
    list(load_drop(store, settings, shelf.drop()))
    shelf.version = "2"
    (batch,) = load_drop(store, settings, shelf.drop())
    assert (batch.kept, batch.duplicates) == (0, 2)


def test_an_unsupported_file_is_a_failed_batch_and_is_not_retried(
    store: Store, settings: Settings, shelf: Shelf
) -> None:
    shelf.files = {"in/picture.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256))}
    (batch,) = load_drop(store, settings, shelf.drop())
    assert batch.error.startswith("picture.png: not a kind of file that can be read. Known: ")
    assert not batch.skipped
    assert shelf.finished == [batch]
    kept = store.table("select source, error, ended_at is not null as ended from batches")
    assert kept.to_pylist() == [{"source": "in/picture.png", "error": batch.error, "ended": True}]
    assert list(load_drop(store, settings, shelf.drop())) == []


def test_a_file_that_disappeared_is_an_error_of_its_batch(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    gone = Arrived("gone", "1", tmp_path / "gone", lambda _: None)
    drop = replace(LOADER, example={}, waiting=lambda *_: iter([gone]))
    (batch,) = load_drop(store, settings, drop)
    assert batch.error == "The file cannot be read: No such file or directory."


def test_bad_records_do_not_make_the_file_an_error(
    store: Store, settings: Settings, shelf: Shelf
) -> None:
    shelf.files = {"a": ndjson([forwarded(1), b"{", forwarded(2)])}
    (batch,) = load_drop(store, settings, shelf.drop())
    assert (batch.kept, batch.quarantined, batch.error) == (2, 1, "")
    assert len(quarantine(store, batch)) == 1


def test_a_failed_load_is_neither_recorded_nor_finished(
    store: Store, settings: Settings, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.files = {"a": ndjson([forwarded(1)])}

    def busy(*_: object, **__: object) -> Batch:
        raise UnavailableError("The store is stopping.")

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "add_together", busy)
        with pytest.raises(UnavailableError):
            list(load_drop(store, settings, shelf.drop()))
    assert shelf.finished == []
    assert shelf.closed == 1
    assert store.table("select * from arrivals").num_rows == 0
    (batch,) = load_drop(store, settings, shelf.drop())
    assert batch.kept == 1


def test_an_abandoned_check_closes_the_drop_and_resumes_later(
    store: Store, settings: Settings, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_FILES", 1)
    shelf.files = {str(n): ndjson([forwarded(n)]) for n in range(4)}
    first = load_drop(store, settings, shelf.drop())
    next(first)
    next(first)
    first.close()  # type: ignore[attr-defined]
    assert shelf.closed == 1
    rest = list(load_drop(store, settings, shelf.drop()))
    assert [batch.source for batch in rest] == ["2", "3"]
    assert len(rows(store)) == 4


def test_small_files_share_a_transaction_with_one_batch_each(
    store: Store, settings: Settings, shelf: Shelf
) -> None:
    shelf.files = {
        "a": ndjson([forwarded(1), forwarded(2)]),
        "b": ndjson([forwarded(2), b"{", forwarded(3)]),
        "c": b"",
        "d": b"\x89PNG\r\n\x1a\n\0\0",
        "e": b"[" + ndjson([forwarded(4)]).strip() + b", 5]",
        "f": gz(ndjson([forwarded(n) for n in range(5, 60)]))[:-9],
        "g": ndjson([forwarded(99), b'{"id": 1}']),
    }
    done = {batch.source: batch for batch in load_drop(store, settings, shelf.drop())}
    counts = {
        name: (batch.read, batch.kept, batch.duplicates, batch.quarantined)
        for name, batch in done.items()
    }
    assert counts == {
        "a": (2, 2, 0, 0),
        "b": (3, 1, 1, 1),
        "c": (0, 0, 0, 0),
        "d": (0, 0, 0, 0),
        "e": (2, 1, 0, 1),
        "f": (55, 55, 0, 0),
        "g": (2, 1, 0, 1),
    }
    assert [name for name, batch in done.items() if batch.error] == ["d", "f"]
    noted = store.table(
        "select source, read, kept, duplicates, quarantined, ended_at is not null as ended, "
        "(select count(*) from events e where e.batch_id = b.batch_id) as events, "
        "(select count(*) from quarantine q where q.batch_id = b.batch_id) as refused, "
        "(select key from arrivals a where a.batch_id = b.batch_id) as key from batches b"
    ).to_pylist()
    assert len(noted) == len(done)
    for row in noted:
        assert (row["read"], row["kept"], row["duplicates"], row["quarantined"]) == counts[
            row["source"]
        ]
        assert (row["events"], row["refused"]) == (row["kept"], row["quarantined"])
        assert (row["ended"], row["key"]) == (True, row["source"])
    assert [batch.source for batch in shelf.finished] == list(shelf.files)
    assert list(load_drop(store, settings, shelf.drop())) == []


def test_files_loaded_before_the_drop_fails_are_kept(
    store: Store, settings: Settings, shelf: Shelf
) -> None:
    shelf.files = {str(n): ndjson([forwarded(n)]) for n in range(3)}

    def breaking(given: Settings, seen: Any) -> Iterator[Arrived]:
        yield from shelf.drop().waiting(given, seen)
        raise InputError("The place is closed.", "")

    batches = []
    with pytest.raises(InputError, match="closed"):
        for batch in load_drop(store, settings, replace(shelf.drop(), waiting=breaking)):
            batches.append(batch.source)
    assert batches == ["0", "1", "2"]
    assert len(shelf.finished) == len(rows(store)) == 3


@limited(max_examples=6)
@given(st.lists(st.lists(st.integers(-3, 8), max_size=6), min_size=1, max_size=8))
def test_a_group_of_files_gives_the_same_result_as_single_files(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory, numbers: list[list[int]]
) -> None:
    """A negative number is a broken record; a number that comes again is a duplicate."""
    counts = []
    for size in (1, 500):
        folder = tmp_path_factory.mktemp("group")
        opened = Store.open(folder / "t.duckdb", settings)
        shelf = Shelf(folder)
        shelf.files = {
            str(at): ndjson([forwarded(n) if n >= 0 else b"{%d" % n for n in items])
            for at, items in enumerate(numbers)
        }
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "_FILES", size)
            batches = list(load_drop(opened, settings, shelf.drop()))
        counts.append([(b.source, b.read, b.kept, b.duplicates, b.quarantined) for b in batches])
        for batch, items in zip(batches, numbers, strict=True):
            assert batch.read == len(items) == batch.kept + batch.duplicates + batch.quarantined
        opened.close()
    assert counts[0] == counts[1]
