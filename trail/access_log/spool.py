"""Spool of the access log: one small file per entry, until the database stores it.

Commands write here while no server runs, and the server while it shows the demo workspace.
"""

import contextlib
import json
from pathlib import Path
from typing import Any

from trail.core import atomic_file
from trail.core.settings import Settings

_MAX_BYTES = 65_536


def folder_of(settings: Settings) -> Path:
    """Return the spool folder, beside the workspace's own database."""
    path = settings.store.path.absolute()
    return path.with_name(f"{path.stem}.access")


def write(folder: Path, entry_id: int, entry: dict[str, Any]) -> None:
    """Store *entry*, replacing an earlier state of it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    atomic_file.replace(folder / f"{entry_id}.json", json.dumps(entry), durable=False)


def pending(folder: Path) -> list[str]:
    """Return the names of the spooled files, oldest first."""
    return sorted(path.name for path in folder.glob("*.json"))


def read(folder: Path, name: str) -> dict[str, Any]:
    """Return the content of a spooled file; raises `ValueError` or `OSError` for an invalid one."""
    path = folder / name
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError("too long")
    entry = json.loads(path.read_text())
    if not isinstance(entry, dict):
        raise ValueError("not an entry")
    return entry


def delete(folder: Path, names: list[str]) -> None:
    """Delete files whose entries the database has committed."""
    for name in names:
        with contextlib.suppress(OSError):
            (folder / name).unlink()
