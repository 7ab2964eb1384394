"""Making a backup: a copy of everything as of one moment, while all goes on.

The order makes it consistent without stopping anybody. What flows into the database (the journal,
waiting entries) and what follows it (the mirror, the note) is copied first, the database after
them, the key last: so the copy of the database never lacks what the others know, the journal's
records that it has already are dropped by their ids, and its seals never lack their key.
"""

import contextlib
import datetime as dt
import os
import shutil
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from trail import VERSION, access_log, durable, settings
from trail.backup import bundle, database, places
from trail.backup.bundle import Manifest
from trail.backup.places import Place
from trail.errors import InputError, UnavailableError
from trail.settings import Settings
from trail.store import Store, utc_now

_FIRST = (places.JOURNAL, "access", places.MIRROR, places.KNOWN)
_TRIES = 5

# Two at once would share their rooms.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made: where, how large, and what it says of itself."""

    path: Path
    bytes: int
    sha256: str
    manifest: Manifest


def note(made: Made, who: str) -> None:
    """Note in the access log that *who* made a backup."""
    access_log.note(
        "backed_up",
        who,
        what=str(made.path),
        rows=made.manifest.events,
        size=made.bytes,
        digest=made.sha256,
    )


def make(store: Store, given: Settings, out: Path, *, archive: bool = True) -> Made:
    """Write a backup of *store*, the workspace's own, and of all that belongs to it, to *out*.

    Private to its user, whole or not at all. Needs as much room beside *out* as the database has,
    twice, for a moment. Raises `InputError` when *out* exists, `UnavailableError` when the disk
    does not take it.
    """
    if os.path.lexists(out):
        raise InputError(f"{out.name} exists already.", "Name a file that does not.")
    try:
        with _one_at_a_time, _room(out) as room:
            access_log.settle()
            manifest, sources = _gather(store, given, room, archive=archive)
            packed = room / "packed"
            bundle.write(packed, manifest, sources)
            about = bundle.digest(packed)
            os.link(packed, out)  # whole, or not at all; and never over another
            durable.sync(out.parent)
    except FileExistsError:
        raise InputError(f"{out.name} exists already.", "Name a file that does not.") from None
    except (OSError, duckdb.IOException) as error:
        words = getattr(error, "strerror", "") or "no room, or it cannot be written"
        raise UnavailableError(
            f"{out.name} cannot be written: {words}.", "Name a folder with room, and try again."
        ) from error
    return Made(out, about.bytes, about.sha256, manifest)


@contextlib.contextmanager
def _room(out: Path) -> Iterator[Path]:
    """Give a private folder beside *out*; what a killed run left there goes first."""
    room = out.with_name(f".{out.name}.unfinished")
    if room.is_dir() and not room.is_symlink():
        shutil.rmtree(room)
    room.mkdir(mode=0o700)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _gather(
    store: Store, given: Settings, room: Path, *, archive: bool
) -> tuple[Manifest, dict[str, Path]]:
    """Copy what changes into *room*; return the manifest, and where each of its files is read."""
    now = utc_now()
    all_ = places.kept(given)
    left_out = _left_out(given, archive=archive)
    early = [place for place in all_ if place.name in _FIRST]
    late = [place for place in all_ if place.name not in (*_FIRST, places.DATABASE, *left_out)]
    for number in range(_TRIES):
        sources = _copied(early, room / f"early-{number}")
        path = room / f"{number}.duckdb"
        held = database.copy_to(store, path)
        if number == _TRIES - 1 or _followed(sources.get(places.MIRROR), early):
            break
        path.unlink()  # the seals were accepted anew meanwhile: the two do not belong together
    sources |= {places.DATABASE: path, **_copied(late, room / "late")}
    files = [replace(bundle.digest(source), name=name) for name, source in sorted(sources.items())]
    return (
        Manifest(
            made_at=f"{now.isoformat()}Z",
            version=VERSION,
            duckdb=duckdb.__version__,
            schema=held.schema,
            events=held.events,
            batches=held.batches,
            seals=held.seals,
            newest_event=_said(held.newest_event),
            secrets=places.secrets(given),
            left_out=left_out,
            files=files,
        ),
        sources,
    )


def _copied(those: list[Place], room: Path) -> dict[str, Path]:
    """Copy files into *room*; one that is gone by then is in the database already."""
    copies: dict[str, Path] = {}
    for place in those:
        for name, path in place.files().items():
            target = room / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                if place.name == "archive":
                    os.stat(path)  # parts are never changed: read where they are
                    copies[name] = path
                else:
                    copies[name] = Path(shutil.copyfile(path, target))
    return copies


def _followed(copy: Path | None, early: list[Place]) -> bool:
    """Return whether the mirror has only grown since it was copied."""
    mirror = next(place.path for place in early if place.name == places.MIRROR)
    if copy is None:
        return True
    try:
        return mirror.read_bytes().startswith(copy.read_bytes())
    except FileNotFoundError:
        return False


def _left_out(given: Settings, *, archive: bool) -> dict[str, str]:
    found = {} if archive else {"archive": "It was not asked for."}
    named = _named_secrets(settings.config_path())
    if named:
        found[places.CONFIG] = f"It holds {', '.join(named)}; they belong in secrets.toml."
    return found


def _named_secrets(path: Path) -> list[str]:
    """Return the secrets that the settings file at *path* holds itself."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        return ["what cannot be read"]
    return [
        name
        for name in places.SECRETS
        if found.get(name.partition(".")[0], {}).get(name.partition(".")[2])
    ]


def _said(moment: dt.datetime | None) -> str | None:
    return f"{moment.isoformat()}Z" if moment else None
