"""Restore a backup: unpack, verify and migrate it in a work folder, then move it into place.

Existing files are renamed, never deleted. Acknowledged events that are not stored yet and spooled
access log entries stay in use. Signed lines in the chain record what the backup does not contain,
and an alarm reports it until somebody acknowledges it.
"""

import contextlib
import datetime as dt
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from trail.backup import bundle, database, places, swapping
from trail.backup.bundle import Manifest
from trail.backup.database import MissingEvents
from trail.backup.swapping import Move
from trail.core import server_link
from trail.core.clock import utc_now
from trail.core.errors import InputError, UnavailableError
from trail.core.settings import Settings
from trail.integrity import (
    high_water_mark,
    key_file,
    loss_monitor,
    mirror,
    restore_seals,
    verification,
)
from trail.integrity.high_water_mark import Shortfall
from trail.integrity.restore_seals import Recorded
from trail.storage import cold_changes, schema
from trail.storage.duckdb import Store

_OVERWRITTEN = (
    places.DATABASE,
    places.KEY,
    places.MIRROR,
    places.KNOWN,
    "users.yaml",
    "tokens.json",
)
_MERGED = ("access", "archive", places.INCOMING, "seals-before")


@dataclass(frozen=True, slots=True)
class Restored:
    """Result of a restore: renamed previous files (*aside*), and events that the backup lacks.

    *missing* is None if there was nothing to compare with. *problems* counts the problems that
    verification found in the backup itself.
    """

    manifest: Manifest
    into: Path
    aside: list[Path]
    missing: MissingEvents | None
    recorded: Recorded
    problems: int


def restore(
    path: Path, settings: Settings, *, into: Path | None, replace: bool, made_by: str
) -> Restored:
    """Restore the backup *path* to the paths in *settings*, or into the folder *into*.

    Everything is restored, or nothing changes. Raises `InputError` for a file that is damaged, not
    a backup or made by a newer release, and if a trail exists without *replace*;
    `UnavailableError` while a server or command uses the database.
    """
    target = places.relocated(settings, into.absolute()) if into else settings
    if server_link.find(target):
        raise UnavailableError("The server is running.", "Stop it before the restore.")
    with swapping.exclusive(target) as work:
        existing = [
            place.path.name
            for place in places.included(target)
            if place.name in _OVERWRITTEN and os.path.lexists(place.path)
        ]
        if existing and not replace:
            raise InputError(
                f"A trail already exists: {', '.join(existing)}.",
                "Add --replace to rename it, or --into FOLDER to restore elsewhere.",
            )
        with _locked(target.store.path):
            pass
        staged = places.relocated(settings, work / "ready")
        manifest = bundle.unpack(
            path, lambda name: places.target(staged, _config(staged), name), _acceptable(work)
        )
        missing, recorded, problems = _prepare(target, staged, manifest, made_by)
        with _locked(target.store.path):
            moves, aside = _moves(target, staged)
            swapping.commit(work, moves)
    _update_mirror(target)
    return Restored(
        manifest, target.store.path.absolute().parent, aside, missing, recorded, problems
    )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Take the lock that DuckDB uses for the database at *path*, if it exists."""
    try:
        lock = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield
        return
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise UnavailableError(
            "Another process uses the database.", "Stop it before the restore."
        ) from error
    finally:
        os.close(lock)


def _config(settings: Settings) -> Path:
    """Return the path of restored settings, which do not replace those in use."""
    return settings.store.path.absolute().with_name("trail.toml.restored")


def _acceptable(work: Path) -> Callable[[Manifest], None]:
    def accept(manifest: Manifest) -> None:
        if manifest.schema > schema.NEWEST:
            raise InputError(
                f"The backup has database version {manifest.schema}; this release supports "
                f"versions up to {schema.NEWEST}.",
                "Restore it with the release that made it, or a newer one.",
            )
        if places.DATABASE not in {member.name for member in manifest.files}:
            raise InputError("This backup contains no database.", "Use another backup.")
        size = sum(member.bytes for member in manifest.files)
        if size > shutil.disk_usage(work).free:
            raise UnavailableError(
                f"The backup needs {size:,} bytes of disk space.", "Free disk space and try again."
            )

    return accept


def _prepare(
    target: Settings, staged: Settings, manifest: Manifest, made_by: str
) -> tuple[MissingEvents | None, Recorded, int]:
    """Open the unpacked copy, compare it with the existing trail, and record the restore in it."""
    now, made_at = utc_now(), manifest.made
    where, live = mirror.files(staged.store.path, staged), mirror.files(target.store.path, target)
    if not where.key.exists() and live.key.exists() and not manifest.seals:
        shutil.copy(live.key, where.key)  # created after the backup
    if key_file.newest_seal(where.key):
        # The key is copied last and may have signed seals that the copied database lacks.
        key_file.note_newest_seal(where.key, 0)
    store = Store.open(staged.store.path, staged)
    try:
        missing = _missing_events(store, target, live)
        report = verification.verify(store, staged)
        doubted = {day.day for day in report.days if day.state not in verification.VALID_STATES}
        recorded = restore_seals.record(
            store,
            staged,
            mirror.read(live.mirror),
            doubted,
            _reason(made_at, missing),
            made_by,
            {"copied_at": made_at.isoformat(), "missing": missing.events if missing else None},
        )
        store.write(cold_changes.all_changed)  # the manifests in use may be newer
        if recorded.signed:
            where.mirror.unlink(missing_ok=True)
            mirror.recreate(store, where)
        loss_monitor.watch(store, where.known)
    finally:
        store.close()
    if missing is None or missing.events:
        there = manifest.events
        high_water_mark.record_restore(
            where.known,
            Shortfall(
                now,
                made_at,
                there + (missing.events if missing else 0),
                there,
                missing.first if missing else made_at,
                missing.last if missing else now,
                restored_from=made_at if recorded.signed else None,
            ),
        )
    return missing, recorded, len(report.problems)


def _missing_events(store: Store, target: Settings, live: mirror.Files) -> MissingEvents | None:
    """Return the events of the existing trail, or of its high-water mark, that the copy lacks."""
    candidates = [_missing_by_mark(store, high_water_mark.read(live.known))]
    if target.store.path.exists():
        candidates.append(database.missing_events(store, target.store.path))
    results = [missing for missing in candidates if missing]
    if not results:
        return None
    # The existing database may itself have lost events.
    return MissingEvents(
        max(missing.events for missing in results),
        min((missing.first for missing in results if missing.first), default=None),
        max((missing.last for missing in results if missing.last), default=None),
    )


def _missing_by_mark(store: Store, note: high_water_mark.Note) -> MissingEvents | None:
    """Return the events that *store* lacks according to the high-water mark *note*."""
    if not note:
        return None
    short = list(note.get("short", []))
    here = int(store.table(loss_monitor.TOTAL)["total"][0].as_py())
    most = max([int(note.get("total", 0)), *(int(loss["was"]) for loss in short)])
    spans = [*short, *(step for step in note.get("steps", []) if step["total"] > here)]
    if most <= here:
        return MissingEvents(0, None, None)
    return MissingEvents(
        most - here,
        min((at for span in spans if (at := high_water_mark.moment(span["from"]))), default=None),
        max((at for span in spans if (at := high_water_mark.moment(span["to"]))), default=None),
    )


def _reason(made_at: dt.datetime, missing: MissingEvents | None) -> str:
    text = f"restored from a backup of {made_at:%Y-%m-%d %H:%M:%S} UTC"
    if missing is None:
        return f"{text}; later events are unknown"
    if not missing.events:
        return f"{text}; no newer events are missing"
    span = (
        f", from {missing.first:%Y-%m-%d %H:%M} to {missing.last:%Y-%m-%d %H:%M} UTC"
        if missing.first and missing.last
        else ""
    )
    return f"{text}; {missing.events:,} newer events are missing{span}"


def _moves(target: Settings, staged: Settings) -> tuple[list[Move], list[Path]]:
    """Return the moves in order, and the new paths of the existing files."""
    stamp = f"before-{utc_now():%Y%m%dT%H%M%S.%f}Z"
    aside: list[Move] = []
    moves: list[Move] = []
    config, ready = _config(target), places.included(staged, _config(staged))
    journal = _next_number(target)
    for old, new in zip(places.included(target, config), ready, strict=True):
        for name, source in new.files().items():
            to = old.target(name)
            assert to
            if new.name == places.JOURNAL:
                to, journal = old.path / f"{journal:012d}.journal", journal + 1
            elif new.name in _MERGED:
                if os.path.lexists(to):
                    continue
            elif new.name == places.MIRROR and _continues(source, to):
                continue  # it may be append-only: the rest is appended later
            elif os.path.lexists(to):
                aside.append((to, to.with_name(f"{to.name}.{stamp}")))
            moves.append((source, to))
    log = target.store.path.absolute()
    log = log.with_name(f"{log.name}.wal")
    if os.path.lexists(log):
        aside.append((log, log.with_name(f"{log.name}.{stamp}")))
    return [*aside, *moves], [to for _, to in aside]


def _continues(source: Path, live: Path) -> bool:
    lines = mirror.read(live)
    return bool(lines) and mirror.read(source)[: len(lines)] == lines


def _next_number(target: Settings) -> int:
    place = next(place for place in places.included(target) if place.name == places.JOURNAL)
    numbers = [int(path.stem) for path in place.files().values() if path.stem.isdecimal()]
    return max(numbers, default=0) + 1


def _update_mirror(target: Settings) -> None:
    """Open the restored database, and append missing lines to the mirror."""
    store = Store.open(target.store.path, target)
    try:
        mirror.catch_up(store, mirror.files(store.path, target))
    finally:
        store.close()
