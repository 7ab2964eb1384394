"""Fixtures of the backup tests: the sealed trail of the integrity tests, and its backups."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.trail.integrity.conftest import Trail, sealed, trail
from trail.backup import making, places, restoring
from trail.backup.making import Backup
from trail.backup.restoring import Restored
from trail.core.sections import Auth
from trail.core.settings import Settings
from trail.storage.duckdb import Store

__all__ = ["sealed", "trail"]


@dataclass
class BackupTrail:
    """A trail, and where its backups go."""

    trail: Trail
    folder: Path

    @property
    def settings(self) -> Settings:
        return self.trail.settings

    def backup(self, name: str = "copy.tar.zst", **given: Any) -> Backup:
        """Back up the trail."""
        made: Backup = self.trail.run(
            lambda store: making.make(store, self.settings, self.folder / name, **given)
        )
        return made

    def restore(self, path: Path, *, into: Path | None = None, replace: bool = False) -> Restored:
        """Restore it as the command does."""
        return restoring.restore(path, self.settings, into=into, replace=replace, made_by="test")

    def restored_trail(self, folder: Path) -> Trail:
        """Return the trail that was restored into *folder*."""
        return Trail(places.relocated(self.settings, folder), folder)


@pytest.fixture
def kept(trail: Trail, tmp_path: Path) -> BackupTrail:
    """Return the trail of five sealed days, with a users file in the same folder."""
    auth = Auth(users_path=tmp_path / "users.yaml")
    store = trail.settings.store.model_copy(update={"archive_path": tmp_path / "archive"})
    trail.settings = trail.settings.model_copy(update={"auth": auth, "store": store})
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return BackupTrail(trail, folder)


TABLES = "select table_name as name from duckdb_tables() where database_name = 'trail' order by 1"


def all_rows(store: Store) -> dict[str, list[Any]]:
    """Return every row of every table, in a stable order."""
    names = store.table(TABLES)["name"].to_pylist()
    assert len(names) > 20
    return {
        name: sorted(store.table(f"select * from {name}").to_pylist(), key=repr) for name in names
    }


def state(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
