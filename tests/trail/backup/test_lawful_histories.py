"""Whatever the product does in any order, a full verification reports no problem."""

import datetime as dt
import os
import random
from pathlib import Path

import pytest

from tests import fixed_clock
from tests.segment_records import api_event, forwarded
from tests.trail.integrity.conftest import Trail
from trail.backup import making, restoring
from trail.core.model import Directory, Person
from trail.core.sections import Auth
from trail.core.settings import Settings
from trail.events import coverage
from trail.findings import reviews, risks
from trail.ingest import directory
from trail.integrity import verification
from trail.retention import legal_holds
from trail.storage import dimensions
from trail.storage.duckdb import Store

HISTORIES = int(os.environ.get("TRAIL_TEST_HISTORIES", "3"))
START = dt.datetime(2026, 8, 1)
DAY = dt.timedelta(days=1)


class History:
    """Random steps on one trail; `now` moves on by days."""

    def __init__(self, trail: Trail, seed: int) -> None:
        self.trail, self.dice = trail, random.Random(seed)
        self.now, self.number = START + 20 * DAY, 0
        self.backups: list[Path] = []
        self.steps: list[str] = []

    def run(self, steps: int) -> None:
        """Take *steps* steps; the first one loads events."""
        self.load()
        for _ in range(steps):
            name = self.dice.choice(
                ("load", "load", "late", "seal", "seal", "retain", "use", "hold", "back_up",
                 "restore", "pass_days", "again")
            )  # fmt: skip
            self.steps.append(name)
            getattr(self, name)()

    def load(self, reach: int = 4) -> None:
        """Load events of the last days, some of them as second reports."""
        records = []
        for _ in range(self.dice.randint(1, 12)):
            self.number += 1
            at = self.now - DAY * self.dice.random() * reach
            stamp = f"{at.isoformat(timespec='milliseconds')}Z"
            make = self.dice.choice((api_event, forwarded))
            record = make(self.number, timestamp=stamp)
            records += [record] * self.dice.choice((1, 1, 1, 2))
        self.trail.load(records)
        self.last = records

    def late(self) -> None:
        """Load events of days that are sealed."""
        self.load(reach=30)

    def again(self) -> None:
        """Load the same file again."""
        self.trail.load(self.last)

    def seal(self) -> None:
        """Seal what is due."""
        self.trail.seal(self.now)

    def pass_days(self) -> None:
        """Let days pass."""
        self.now += DAY * self.dice.randint(1, 20)

    def retain(self) -> None:
        """Apply the retention policy, with or without the archive."""
        self.trail.run(lambda store: fixed_clock.retain(store, self.trail.settings, self.now))

    def use(self) -> None:
        """Decide and set things."""
        name = str(self.number)

        def work(store: Store) -> None:
            store.write(lambda c: reviews._insert(c, [name], "done", "", "dana"))
            risks.set_risk(store, "Source Deleted", self.dice.randint(0, 10), "why", "dana")
            people = (Person(f"users/{name}", f"Name {name}", f"{name}@example.com"),)
            directory.keep(store, Directory("ws", "Example", "example", people))
            store.write(lambda c: dimensions.map_action(c, "New One", "Source", "dana"))
            store.write(lambda c: coverage.note(c, "api", "watched", self.now - DAY, self.now))

        self.trail.run(work)

    def hold(self) -> None:
        """Hold a period, and end a hold sometimes."""

        def work(store: Store) -> None:
            start = self.now - self.dice.randint(5, 60) * DAY
            number = legal_holds.add(store, "period", "", start, start + 3 * DAY, "case", "dana")
            if self.dice.random() < 0.5:
                legal_holds.end(store, number)

        self.trail.run(work)

    def back_up(self) -> None:
        """Make a backup."""
        path = self.trail.folder / f"backup-{len(self.backups)}.tar.zst"
        self.trail.run(lambda store: making.make(store, self.trail.settings, path))
        self.backups.append(path)

    def restore(self) -> None:
        """Restore one of the backups."""
        if self.backups:
            path = self.dice.choice(self.backups)
            restoring.restore(path, self.trail.settings, into=None, replace=True, made_by="dana")


def made(settings: Settings, tmp_path: Path, seed: int) -> History:
    """Return a history on an empty trail; every second one has an archive."""
    archive = {"archive": seed % 2 == 0, "archive_path": tmp_path / "archive"}
    store = settings.store.model_copy(update={**archive, "retention_days": 30})
    auth = Auth(users_path=tmp_path / "users.yaml")
    chosen = settings.model_copy(update={"store": store, "auth": auth})
    return History(Trail(chosen, tmp_path), seed)


def assert_no_problem(history: History) -> None:
    chosen = history.trail.settings
    report = history.trail.run(lambda store: verification.verify(store, chosen, full=True))
    assert report.problems == (), history.steps


@pytest.mark.timeout(0)
@pytest.mark.parametrize("seed", range(HISTORIES))
def test_no_false_alarm(settings: Settings, tmp_path: Path, seed: int) -> None:
    history = made(settings, tmp_path, seed)
    history.run(12)
    assert_no_problem(history)


def test_a_ledger_that_was_shortened_before_the_backup(settings: Settings, tmp_path: Path) -> None:
    """The entry that the first one continues is stated by a seal from before the restore."""
    history = made(settings, tmp_path, 1)
    for _ in range(4):
        history.load()
        history.now += 10 * DAY
        history.seal()
    assert history.trail.ask("select min(number) > 1 from ledger where chain = 'commits'")[0][0]
    history.back_up()
    history.load()
    history.restore()
    assert_no_problem(history)
