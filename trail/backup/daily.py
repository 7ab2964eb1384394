"""The server's own backups: one a UTC day into a folder, the oldest beyond so many removed."""

import datetime as dt
from pathlib import Path

from trail.backup import making
from trail.backup.bundle import ENDING
from trail.backup.making import Made
from trail.settings import Settings
from trail.store import Store

_PREFIX = "trail-"


def due(given: Settings, now: dt.datetime) -> Path | None:
    """Return the file that today's backup is to become, or None: not asked for, or made already."""
    folder = given.backup.path
    if folder is None:
        return None
    path = folder.absolute() / f"{_PREFIX}{now:%Y-%m-%d}{ENDING}"
    return None if path.exists() else path


def make(store: Store, given: Settings, path: Path) -> Made:
    """Make the backup *path*, then remove the oldest beyond `backup.keep`; return what was made.

    Raises `UnavailableError` when it cannot be written; none is removed then.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = making.make(store, given, path, archive=given.backup.archive)
    for old in _all(path.parent)[: -given.backup.keep]:
        old.unlink()
    return made


def _all(folder: Path) -> list[Path]:
    """Return the daily backups of *folder*, the oldest first; other files are nobody's business."""
    found = []
    for path in folder.glob(f"{_PREFIX}*{ENDING}"):
        try:
            day = dt.date.fromisoformat(path.name.removeprefix(_PREFIX).removesuffix(ENDING))
        except ValueError:
            continue
        found.append((day, path))
    return [path for _, path in sorted(found)]
