"""Make a backup: a consistent copy of everything while the server continues to run.

The order of copying makes it consistent. Files that feed the database (write-ahead log, spooled
access log entries) and files that follow it (mirror, high-water mark) are copied first, then the
database, the key last. So the copied database is never behind the other files, records that it
already contains are dropped by their ids, and its seals always have their key.
"""

import contextlib
import os
import shutil
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from trail import VERSION
from trail.access_log import log as access_log
from trail.backup import bundle, database, places
from trail.backup.bundle import Manifest
from trail.backup.places import Place
from trail.core import atomic_file
from trail.core.clock import utc_now, utc_text
from trail.core.errors import InputError, UnavailableError
from trail.core.json_values import json_value
from trail.core.settings import Settings, config_path
from trail.storage import failures
from trail.storage.duckdb import Store

_FIRST = (places.JOURNAL, places.INCOMING, "access", places.MIRROR, places.KNOWN)
_ATTEMPTS = 5

_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished backup: path, size in bytes, SHA-256 and contents."""

    path: Path
    bytes: int
    sha256: str
    manifest: Manifest


def log(backup: Backup, who: str) -> None:
    """Record in the access log that *who* made *backup*."""
    access_log.record(
        "backed_up",
        who,
        what=str(backup.path),
        rows=backup.manifest.events,
        size=backup.bytes,
        digest=backup.sha256,
    )


def make(store: Store, settings: Settings, out: Path, *, archive: bool = True) -> Backup:
    """Write a backup of *store*, the workspace's own, and of all its files to *out*.

    The file appears only when complete, readable by its owner only. Temporarily needs twice the
    size of the database on the disk of *out*. Raises `InputError` if *out* exists,
    `UnavailableError` if it cannot be written.
    """
    exists = InputError(f"{out.name} already exists.", "Choose another file name.")
    if os.path.lexists(out):
        raise exists
    try:
        with _one_at_a_time, _work_folder(out) as work:
            access_log.flush()
            manifest, sources = _gather(store, settings, work, archive=archive)
            packed = work / "packed"
            bundle.write(packed, manifest, sources)
            result = bundle.digest(packed)
            os.link(packed, out)  # complete, and never over an existing file
            atomic_file.sync_folder(out.parent)
    except FileExistsError:
        raise exists from None
    except duckdb.Error as error:
        raise failures.explain(error, store.path.name) or error from error
    except OSError as error:
        reason = error.strerror or "disk full or not writable"
        raise UnavailableError(
            f"{out.name} cannot be written: {reason}.", "Choose a folder with free space."
        ) from error
    return Backup(out, result.bytes, result.sha256, manifest)


@contextlib.contextmanager
def _work_folder(out: Path) -> Iterator[Path]:
    """Give a private folder beside *out*; remains of a killed run are deleted first."""
    folder = out.with_name(f".{out.name}.unfinished")
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _gather(
    store: Store, settings: Settings, work: Path, *, archive: bool
) -> tuple[Manifest, dict[str, Path]]:
    """Copy changing files into *work*; return the manifest, and the source path of each file."""
    now = utc_now()
    included = places.included(settings)
    left_out = _left_out(archive=archive)
    early = [place for place in included if place.name in _FIRST]
    late = [place for place in included if place.name not in (*_FIRST, places.DATABASE, *left_out)]
    for number in range(_ATTEMPTS):
        sources = _copy(early, work / f"early-{number}")
        path = work / f"{number}.duckdb"
        copy = database.copy_to(store, path)
        if number == _ATTEMPTS - 1 or _only_appended(sources.get(places.MIRROR), early):
            break
        path.unlink()  # the mirror was replaced meanwhile: the copies do not match
    sources |= {places.DATABASE: path, **_copy(late, work / "late")}
    files = [replace(bundle.digest(source), name=name) for name, source in sorted(sources.items())]
    return (
        Manifest(
            made_at=utc_text(now),
            version=VERSION,
            duckdb=duckdb.__version__,
            schema=copy.schema,
            events=copy.events,
            batches=copy.batches,
            seals=copy.seals,
            newest_event=json_value(copy.newest_event),
            secrets=places.secrets(settings),
            left_out=left_out,
            files=files,
        ),
        sources,
    )


def _copy(included: list[Place], folder: Path) -> dict[str, Path]:
    """Copy files into *folder*; a file that disappears meanwhile is already in the database."""
    copies: dict[str, Path] = {}
    for place in included:
        for name, path in place.files().items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                if place.name == "archive":
                    os.stat(path)  # parts never change and are read in place
                    copies[name] = path
                else:
                    copies[name] = Path(shutil.copyfile(path, target))
    return copies


def _only_appended(copy: Path | None, early: list[Place]) -> bool:
    """Return whether the mirror was only appended to since it was copied."""
    mirror = next(place.path for place in early if place.name == places.MIRROR)
    if copy is None:
        return True
    try:
        return mirror.read_bytes().startswith(copy.read_bytes())
    except FileNotFoundError:
        return False


def _left_out(*, archive: bool) -> dict[str, str]:
    left_out = {} if archive else {"archive": "Excluded by --without-archive."}
    secrets = _secrets_in(config_path())
    if secrets:
        left_out[places.CONFIG] = f"Contains {', '.join(secrets)}; move them to secrets.toml."
    return left_out


def _secrets_in(path: Path) -> list[str]:
    """Return the secrets in the settings file at *path*."""
    try:
        sections = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        return ["unreadable settings"]
    return [
        name
        for name in places.secret_settings()
        if sections.get(name.partition(".")[0], {}).get(name.partition(".")[2])
    ]
