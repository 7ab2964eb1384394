"""The archive and the key file are part of what a verification checks."""

import datetime as dt
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests import fixed_clock
from tests.conftest import default_settings
from tests.trail.integrity.conftest import NOW, Trail, event
from trail.core.errors import IntegrityError
from trail.core.settings import Settings
from trail.integrity import mirror, verification

LATER = dt.datetime(2027, 2, 1, 12)  # after the retention of 90 days of 1 and 2 November


def with_archive(settings: Settings, folder: Path) -> Settings:
    store = settings.store.model_copy(update={"archive": True, "archive_path": folder / "kept"})
    return settings.model_copy(update={"store": store})


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a trail whose first two days were archived and removed."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        trail = Trail(with_archive(default_settings(folder, patch), folder), folder)
        trail.load([event(number, of) for of in (1, 2, 5) for number in range(4)])
        assert trail.seal() == 6
        trail.run(lambda s: fixed_clock.retain(s, trail.settings, LATER))
        assert trail.problems() == []
    return folder


@pytest.fixture
def archived(prepared: Path, settings: Settings, tmp_path: Path) -> Trail:
    """Return a copy of the prepared trail."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    trail = Trail(with_archive(settings, tmp_path), tmp_path, loads=1)
    trail.run(lambda store: mirror.catch_up(store, trail.files))  # its mark names the file by path
    return trail


def parts(trail: Trail) -> list[Path]:
    return sorted(trail.settings.store.archive_path.glob("day=*/part-*.parquet"))


def rewritten(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    pq.write_table(change(pq.read_table(path)), path)


def other_raw(table: pa.Table) -> pa.Table:
    raw = pc.replace_substring(table["raw"], "Web shop", "Web stop")
    return table.set_column(table.column_names.index("raw"), "raw", raw)


def replaced_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


ALTERED: dict[str, tuple[Callable[[Path], None], tuple[int, str, int], str]] = {
    "deleted": (Path.unlink, (1, "archive missing", 4), "is missing"),
    "truncated": (
        lambda path: path.write_bytes(path.read_bytes()[:-40]) and None,
        (1, "archive changed", 4),
        "cannot be read",
    ),
    "a pipe in its place": (
        replaced_by_pipe,
        (1, "archive missing", 4),
        "is missing",
    ),
    "a record edited": (
        lambda path: rewritten(path, other_raw),
        (1, "archive changed", 1),
        "was changed after it was sealed",
    ),
    "rows removed": (
        lambda path: rewritten(path, lambda table: table.slice(1)),
        (1, "archive changed", 1),
        "it has 3 events, 4 were archived",
    ),
    "written again": (
        lambda path: rewritten(path, lambda table: table),
        (1, "archive changed", 1),
        "with the same events",
    ),
}


@pytest.mark.parametrize("name", ALTERED)
def test_an_altered_part(archived: Trail, name: str) -> None:
    alter, problem, words = ALTERED[name]
    alter(parts(archived)[0])
    assert archived.problems() == [problem]
    settings = archived.settings
    report = archived.run(lambda store: verification.verify(store, settings, full=True))
    assert words in report.problems[0].text
    archived.run(lambda store: fixed_clock.accept(store, settings, "a lost disk", "dana"))
    assert archived.problems() == []


def test_a_part_with_a_column_of_another_type(archived: Trail) -> None:
    def changed(table: pa.Table) -> pa.Table:
        return table.set_column(table.column_names.index("raw"), "raw", pa.array([1] * 4))

    rewritten(parts(archived)[0], changed)
    assert (1, "archive changed") in {problem[:2] for problem in archived.problems()}


def test_a_part_that_was_added(archived: Trail) -> None:
    known = parts(archived)[0]
    forged = known.with_name(f"part-{LATER:%Y%m%dT%H%M%S.%f}Z-9.parquet")
    shutil.copy(known, forged)  # as a killed purge leaves one
    assert archived.problems() == []
    ids = pa.array([f"forged-{number}" for number in range(4)])
    rewritten(forged, lambda table: table.set_column(0, table.column_names[0], ids))
    assert pq.read_schema(forged).names[0] == "event_id"
    assert archived.problems() == [(1, "archive added", 4)]


def test_everything_is_older_than_the_key(archived: Trail) -> None:
    """All files are replaced by older ones, or deleted; only the key stays."""
    files = (archived.path, archived.files.mirror, archived.files.known)
    before = [path.read_bytes() for path in files]
    archived.load([event(number, 8) for number in range(4)])
    archived.seal(NOW.replace(day=14))
    for path, content in zip(files, before, strict=True):
        path.write_bytes(content)
    ((day, word, count),) = archived.problems()
    assert (day, word, count > 0) == (None, "seal removed", True)
    with pytest.raises(IntegrityError):
        archived.seal(NOW.replace(day=14))  # would hide what is missing
    for path in files:
        path.unlink()
    assert [word for _, word, _ in archived.problems()] == ["seal removed"]
