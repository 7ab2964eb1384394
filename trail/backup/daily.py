"""The server's daily backups: one per UTC day in a folder; the oldest are deleted."""

import datetime as dt
from pathlib import Path

from trail.backup import making
from trail.backup.bundle import SUFFIX
from trail.backup.making import Backup
from trail.core.settings import Settings
from trail.storage.duckdb import Store

_PREFIX = "trail-"


def due(settings: Settings, now: dt.datetime) -> Path | None:
    """Return the path of today's backup, or None if it is disabled or already made."""
    folder = settings.backup.path
    if folder is None:
        return None
    path = folder.absolute() / f"{_PREFIX}{now:%Y-%m-%d}{SUFFIX}"
    return None if path.exists() else path


def make(store: Store, settings: Settings, path: Path) -> Backup:
    """Make the backup *path*, then delete the oldest beyond `backup.keep`; return the backup.

    Raises `UnavailableError` if it cannot be written; nothing is deleted then.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    backup = making.make(store, settings, path, archive=settings.backup.archive)
    for old in _daily_backups(path.parent)[: -settings.backup.keep]:
        old.unlink()
    return backup


def newest(folder: Path) -> Path | None:
    """Return the newest daily backup in *folder*, or None without one."""
    backups = _daily_backups(folder)
    return backups[-1] if backups else None


def _daily_backups(folder: Path) -> list[Path]:
    """Return the daily backups in *folder*, oldest first; other files are ignored."""
    backups = []
    for path in folder.glob(f"{_PREFIX}*{SUFFIX}"):
        try:
            day = dt.date.fromisoformat(path.name.removeprefix(_PREFIX).removesuffix(SUFFIX))
        except ValueError:
            continue
        backups.append((day, path))
    return [path for _, path in sorted(backups)]
