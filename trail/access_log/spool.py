"""Entries of the access log that wait for their database: one small file each, in one folder.

Separate because commands write here when no server runs, and the server while it shows the demo:
what is done before the workspace's own database exists is kept in it later.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from trail.core.settings import Settings

_LARGEST = 65_536


def folder_of(settings: Settings) -> Path:
    """Return the folder: beside the workspace's own database, whether there is one yet or not."""
    path = settings.store.path.absolute()
    return path.with_name(f"{path.stem}.access")


def put(folder: Path, entry_id: int, entry: dict[str, Any]) -> None:
    """Keep *entry*, in the place of an earlier state of it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = folder / f"{entry_id}.{os.getpid()}.new"
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(entry, file)
    fresh.replace(folder / f"{entry_id}.json")


def names(folder: Path) -> list[str]:
    """Return the names of the files that wait, oldest first."""
    if not folder.exists():
        return []
    return sorted(path.name for path in folder.glob("*.json"))


def read(folder: Path, name: str) -> dict[str, Any]:
    """Return what that file holds; raises `ValueError` or `OSError` for a file that is no entry."""
    path = folder / name
    if path.stat().st_size > _LARGEST:
        raise ValueError("too long")
    found = json.loads(path.read_text())
    if not isinstance(found, dict):
        raise ValueError("no entry")
    return found


def drop(folder: Path, kept: list[str]) -> None:
    """Remove files whose entries the database has committed."""
    for name in kept:
        with contextlib.suppress(OSError):
            (folder / name).unlink()
