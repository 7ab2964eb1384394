"""Automatic backups of the server: one a day, up to the configured number."""

import datetime as dt

from tests.trail.backup.conftest import BackupTrail
from trail.backup import daily
from trail.core.sections import Backup
from trail.storage.duckdb import Store

NOON = dt.datetime(2026, 11, 20, 12)


def test_one_backup_per_day_and_the_oldest_are_deleted(kept: BackupTrail) -> None:
    folder = kept.folder / "daily"
    given = kept.settings.model_copy(update={"backup": Backup(path=folder, keep=2)})

    def work(store: Store) -> None:
        for day in range(4):
            now = NOON + dt.timedelta(days=day)
            path = daily.due(given, now)
            assert path
            assert daily.make(store, given, path).manifest.events == 160
            assert daily.due(given, now) is None
            folder.joinpath("trail-of-somebody.tar.zst").touch()

    kept.trail.run(work)
    assert sorted(path.name for path in folder.iterdir()) == [
        "trail-2026-11-22.tar.zst",
        "trail-2026-11-23.tar.zst",
        "trail-of-somebody.tar.zst",
    ]


def test_no_backup_is_due_without_a_folder(kept: BackupTrail) -> None:
    assert daily.due(kept.settings, NOON) is None
