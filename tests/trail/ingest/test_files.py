"""Files and folders in: what is opened, what is passed over, and what is said."""

from pathlib import Path

import pytest

from tests.conftest import rows
from tests.segment_records import forwarded, ndjson
from trail.core.errors import InputError
from trail.core.model import Batch
from trail.core.settings import Settings
from trail.ingest.files import files, load_files, loaders
from trail.storage.duckdb import Store

NO_KIND = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder as a bucket would be copied: days, a validation file, other things."""
    inside = tmp_path / "segment-logs"
    for number, name in enumerate(("b/2.ndjson", "a/1.ndjson", "c/3.json")):
        path = inside / name
        path.parent.mkdir(parents=True)
        path.write_bytes(ndjson([forwarded(number)]))
    (inside / "dummy-object.txt").write_text("test")
    (inside / ".DS_Store").write_bytes(NO_KIND)
    (inside / "picture.png").write_bytes(NO_KIND)
    return inside


def load(store: Store, settings: Settings, *paths: Path) -> list[Batch]:
    return list(load_files(store, settings, list(paths)))


def test_loaders_are_tried_by_rank() -> None:
    ranks = [loader.rank for loader in loaders()]
    assert ranks == sorted(ranks)
    assert "json" in [loader.name for loader in loaders()]


def test_files_of_a_folder_are_loaded_by_name(folder: Path) -> None:
    result = files([folder])
    assert [path.relative_to(folder).as_posix() for path, _ in result] == [
        "a/1.ndjson",
        "b/2.ndjson",
        "c/3.json",
        "picture.png",
    ]
    assert {named for _, named in result} == {False}


def test_named_files_keep_their_order(folder: Path) -> None:
    paths = [folder / "c/3.json", folder / "a/1.ndjson"]
    assert files(paths) == [(paths[0], True), (paths[1], True)]


def test_unsupported_files_in_a_folder_are_skipped(
    store: Store, settings: Settings, folder: Path
) -> None:
    batches = load(store, settings, folder)
    assert [(batch.source, batch.kept, batch.skipped) for batch in batches] == [
        ("1.ndjson", 1, False),
        ("2.ndjson", 1, False),
        ("3.json", 1, False),
        ("picture.png", 0, True),
    ]
    assert len(rows(store)) == 3


def test_an_unsupported_file_given_by_name_is_an_error(
    store: Store, settings: Settings, folder: Path
) -> None:
    (batch,) = load(store, settings, folder / "picture.png")
    assert not batch.skipped
    assert batch.error.startswith("picture.png: not a kind of file that can be read. Known: ")
    assert str(folder) not in batch.error


def test_a_missing_path_is_an_error(store: Store, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^gone\.ndjson: no such file\. Check"):
        load(store, settings, tmp_path / "gone.ndjson")


def test_an_empty_folder_is_an_error(store: Store, settings: Settings, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    (empty / "deeper").mkdir(parents=True)
    with pytest.raises(InputError, match=r"^empty: the folder contains no files\."):
        load(store, settings, empty)


def test_a_missing_path_is_reported_before_any_load(
    store: Store, settings: Settings, folder: Path
) -> None:
    with pytest.raises(InputError):
        load(store, settings, folder, folder / "gone.ndjson")
    assert rows(store) == []


def test_an_empty_file_is_an_empty_batch(store: Store, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "empty.ndjson"
    path.touch()
    (batch,) = load(store, settings, path)
    assert (batch.read, batch.error) == (0, "")


def test_a_file_that_cannot_be_read_does_not_stop_the_others(
    store: Store, settings: Settings, folder: Path
) -> None:
    (folder / "a" / "0.ndjson").symlink_to(folder / "nowhere")  # is no file; passed over
    broken = folder / "a" / "5.ndjson"
    broken.write_bytes(b"\x1f\x8b" + b"not gzip at all" * 10)
    batches = load(store, settings, broken, folder / "b/2.ndjson")
    assert batches[0].error
    assert batches[0].kept == 0
    assert batches[1].kept == 1


def test_a_dry_run_of_a_folder_stores_nothing(
    store: Store, settings: Settings, folder: Path
) -> None:
    batches = list(load_files(store, settings, [folder], dry_run=True))
    assert [batch.kept for batch in batches] == [1, 1, 1, 0]
    assert rows(store) == []
    assert store.table("select * from batches").num_rows == 0


def test_progress_is_reported_for_each_file(store: Store, settings: Settings, folder: Path) -> None:
    message: list[tuple[str, float]] = []
    paths = [folder / "a/1.ndjson", folder / "c/3.json"]
    list(
        load_files(
            store,
            settings,
            paths,
            progress=lambda share, batch: message.append((batch.source, share)),
        )
    )
    assert [source for source, _ in message] == ["1.ndjson", "3.json"]
    assert {share for _, share in message} == {1.0}
