"""Fixtures of the seal tests: a trail of sealed days in a file, and ways to tamper with it.

The events occurred on 1 to 5 November 2026, 40 per day; day 3 is empty. Verification opens the
database each time, as after a restart.
"""

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests import fixed_clock
from tests.conftest import default_settings
from tests.segment_records import api_event, ndjson
from trail.core.model import Batch
from trail.core.settings import Settings
from trail.ingest.files import load_files
from trail.integrity import loss_monitor, mirror, verification
from trail.integrity.mirror import Files
from trail.storage.duckdb import Store

DAYS = (1, 2, 4, 5)
A_DAY = 40
NOW = dt.datetime(2026, 11, 8, 12)


def day(number: int) -> dt.date:
    """Return that day of November 2026."""
    return dt.date(2026, 11, number)


def event(number: int, of: int, **given: Any) -> dict[str, Any]:
    """Return the *number*-th event of a day, half an hour after the one before."""
    at = dt.datetime(2026, 11, of) + dt.timedelta(minutes=30 * number)
    return api_event(of * 1000 + number, timestamp=f"{at.isoformat()}.000Z", **given)


@dataclass
class Trail:
    """A database file with its seals, closed; each step opens and closes it."""

    settings: Settings
    folder: Path
    loads: int = field(default=0)

    @property
    def path(self) -> Path:
        """Return the database's path."""
        return self.settings.store.path

    @property
    def files(self) -> Files:
        """Return the other files in its folder."""
        return mirror.files(self.path, self.settings)

    def open(self) -> Store:
        """Open it as the server does."""
        store = Store.open(self.path, self.settings)
        loss_monitor.watch(store, self.files.known)
        return store

    def run(self, work: Callable[[Store], Any]) -> Any:
        """Return what *work* returns, on the open store."""
        store = self.open()
        try:
            return work(store)
        finally:
            store.close()

    def load(self, records: list[Any]) -> Batch:
        """Load records as a separate file."""
        self.loads += 1
        path = self.folder / f"load-{self.loads}.ndjson"
        path.write_bytes(ndjson(records))
        batch: Batch = self.run(lambda store: next(load_files(store, self.settings, [path])))
        assert not batch.quarantined
        return batch

    def seal(self, now: dt.datetime = NOW) -> int:
        """Seal what is due."""
        done: int = self.run(lambda store: fixed_clock.seal(store, self.settings, now))
        return done

    def verify(self, against: Path | None = None) -> verification.Report:
        """Verify, and change nothing."""
        report: verification.Report = self.run(
            lambda store: verification.verify(store, self.settings, against=against)
        )
        return report

    def problems(self, against: Path | None = None) -> list[tuple[int | None, str, int]]:
        """Return the problems that verification reports: day of the month, kind, count."""
        return [
            (problem.day.day if problem.day else None, problem.problem, problem.count)
            for problem in self.verify(against).problems
        ]

    def sql(self, *statements: str) -> None:
        """Change the closed file, as anybody with access to it can."""
        with duckdb.connect(str(self.path)) as connection:
            for statement in statements:
                connection.execute(statement)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Read the closed file."""
        with duckdb.connect(str(self.path)) as connection:
            return connection.execute(statement).fetchall()

    def copy(self, name: str) -> Path:
        """Keep a copy of the database file; return it."""
        target = self.folder / name
        shutil.copy(self.path, target)
        return target


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files of a trail of five sealed days, to be copied."""
    folder = tmp_path_factory.mktemp("sealed")
    with pytest.MonkeyPatch.context() as patch:
        made = Trail(default_settings(folder, patch), folder)
        made.load([event(number, of) for of in DAYS for number in range(A_DAY)])
        assert made.seal() == 6  # 1 to 6 November; the 7th closes at the end of the 8th
        assert made.problems() == []
    return folder


@pytest.fixture
def trail(settings: Settings, tmp_path: Path, sealed: Path) -> Trail:
    """Return a trail of five sealed days."""
    shutil.copytree(sealed, tmp_path, dirs_exist_ok=True)
    made = Trail(settings, tmp_path, loads=1)
    made.run(lambda store: mirror.catch_up(store, made.files))  # its mark names the file by path
    return made
