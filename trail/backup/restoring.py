"""Restoring: a backup is read, proved and brought up to date aside, then put in its places.

Nothing that is there is deleted: it is put aside under another name. Of what is there now two
things are kept: events that were acknowledged and not stored yet, and entries of the access log.
What the copy lacks is said by signed lines in the chain, and in words until somebody settles it.
"""

import contextlib
import datetime as dt
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from trail import remote, schema
from trail.backup import bundle, database, places, swapping
from trail.backup.bundle import Manifest
from trail.backup.database import Lacking
from trail.backup.swapping import Move
from trail.errors import InputError, UnavailableError
from trail.seals import checking, known, mirror, restored, watching
from trail.seals.known import Shortfall
from trail.seals.restored import Recorded
from trail.settings import Settings
from trail.store import Store, utc_now

_JUDGED = (
    places.DATABASE,
    places.KEY,
    places.MIRROR,
    places.KNOWN,
    "users.yaml",
    "tokens.json",
)
_MERGED = ("access", "archive", "seals-before")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: *aside* are the files that were there, *missing* what the copy lacks.

    *missing* is None where nothing was there to compare with. *problems* counts what verify found
    in the copy itself.
    """

    manifest: Manifest
    into: Path
    aside: list[Path]
    missing: Lacking | None
    recorded: Recorded
    problems: int


def restore(
    path: Path, given: Settings, *, into: Path | None, replace: bool, made_by: str
) -> Restored:
    """Put the backup *path* in the places that *given* names, or all of it in the folder *into*.

    Raises `InputError` for a damaged or foreign file, one that a newer release has made, and where
    something is there and *replace* is not asked for; `UnavailableError` while a server or a
    command has the database. Whatever happens, all is as before or all is restored.
    """
    target = places.moved(given, into.absolute()) if into else given
    if remote.find(target):
        raise UnavailableError("The server runs.", "Stop it, then restore.")
    with swapping.alone(target) as room:
        there = [place.path for place in _there(target)]
        if there and not replace:
            raise InputError(
                f"There is a trail already: {', '.join(each.name for each in there)}.",
                "Add --replace to put it aside, or --into FOLDER to restore elsewhere.",
            )
        with _unused(target.store.path):
            pass
        staged = places.moved(given, room / "ready")
        manifest = bundle.unpack(path, _placing(staged), _acceptable(room))
        missing, recorded, problems = _made_true(target, staged, manifest, made_by)
        with _unused(target.store.path):
            moves, aside = _moves(target, staged)
            swapping.commit(room, moves)
    _mirrored(target)
    return Restored(
        manifest, target.store.path.absolute().parent, aside, missing, recorded, problems
    )


def _there(target: Settings) -> list[places.Place]:
    return [
        place
        for place in places.kept(target)
        if place.name in _JUDGED and os.path.lexists(place.path)
    ]


@contextlib.contextmanager
def _unused(path: Path) -> Iterator[None]:
    """Hold the lock that DuckDB takes of the database at *path*, if there is one."""
    try:
        held = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield
        return
    try:
        fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise UnavailableError(
            "Another process has the database.", "Stop it, then restore."
        ) from error
    finally:
        os.close(held)


def _placing(staged: Settings) -> Callable[[str], Path | None]:
    return lambda name: places.target(staged, _config(staged), name)


def _config(given: Settings) -> Path:
    """Return where settings are put: aside, since those in force say where everything goes."""
    return given.store.path.absolute().with_name("trail.toml.restored")


def _acceptable(room: Path) -> Callable[[Manifest], None]:
    def accept(manifest: Manifest) -> None:
        if manifest.schema > schema.NEWEST:
            raise InputError(
                f"The backup's database has version {manifest.schema}; this release knows versions "
                f"up to {schema.NEWEST}.",
                "Restore it with the release that made it, or a newer one.",
            )
        if places.DATABASE not in {member.name for member in manifest.files}:
            raise InputError("This backup holds no database.", "Use another copy.")
        size = sum(member.bytes for member in manifest.files)
        if size > shutil.disk_usage(room).free:
            raise UnavailableError(
                f"The disk has no room for the backup's {size:,} bytes.", "Make room."
            )

    return accept


def _made_true(
    target: Settings, staged: Settings, manifest: Manifest, made_by: str
) -> tuple[Lacking | None, Recorded, int]:
    """Open the copy aside, compare it with what is there, and let it say what it is."""
    now, made_at = utc_now(), dt.datetime.fromisoformat(manifest.made_at.removesuffix("Z"))
    where, live = mirror.files(staged.store.path, staged), mirror.files(target.store.path, target)
    if not where.key.exists() and live.key.exists() and not manifest.seals:
        shutil.copy(live.key, where.key)  # made after the copy was
    store = Store.open(staged.store.path, staged)
    try:
        missing = _missing(store, target, live)
        report = checking.verify(store, staged)
        doubted = {each.day for each in report.days if each.state not in checking.LAWFUL}
        recorded = restored.record(
            store,
            staged,
            mirror.read(live.mirror),
            doubted,
            _reason(made_at, missing),
            made_by,
            {"copied_at": made_at.isoformat(), "missing": missing.events if missing else None},
        )
        if recorded.signed:
            where.mirror.unlink(missing_ok=True)
            mirror.start_anew(store, where)
        watching.watch(store, where.known)
    finally:
        store.close()
    if missing is None or missing.events:
        there = manifest.events
        known.restored(
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


def _missing(store: Store, target: Settings, live: mirror.Files) -> Lacking | None:
    """Return what the trail that is there has, or by its note had, beyond the copy."""
    noted = _noted(store, known.read(live.known))
    held = None
    if target.store.path.exists():
        held = database.lacking(store, target.store.path)
    found = [each for each in (held, noted) if each]
    if not found:
        return None
    # The database that is there may have been cut itself.
    return Lacking(
        max(each.events for each in found),
        min((each.first for each in found if each.first), default=None),
        max((each.last for each in found if each.last), default=None),
    )


def _noted(store: Store, note: known.Note) -> Lacking | None:
    """Return what a trail had beyond *store*, by the *note* beside it."""
    if not note:
        return None
    short = list(note.get("short", []))
    here = int(store.table(watching.TOTAL)["total"][0].as_py())
    most = max([int(note.get("total", 0)), *(int(each["was"]) for each in short)])
    spans = [*short, *(step for step in note.get("steps", []) if step["total"] > here)]
    if most <= here:
        return Lacking(0, None, None)
    return Lacking(
        most - here,
        min((at for each in spans if (at := known.moment(each["from"]))), default=None),
        max((at for each in spans if (at := known.moment(each["to"]))), default=None),
    )


def _reason(made_at: dt.datetime, missing: Lacking | None) -> str:
    words = f"restored from a copy of {made_at:%Y-%m-%d %H:%M:%S} UTC"
    if missing is None:
        return f"{words}; what came later is not known"
    if not missing.events:
        return f"{words}; no newer events are missing"
    span = (
        f", from {missing.first:%Y-%m-%d %H:%M} to {missing.last:%Y-%m-%d %H:%M} UTC"
        if missing.first and missing.last
        else ""
    )
    return f"{words}; {missing.events:,} newer events are missing{span}"


def _moves(target: Settings, staged: Settings) -> tuple[list[Move], list[Path]]:
    """Return the moves in order, and the names under which what is there is put aside."""
    stamp = f"before-{utc_now():%Y%m%dT%H%M%S.%f}Z"
    aside: list[Move] = []
    moves: list[Move] = []
    config, ready = _config(target), places.kept(staged, _config(staged))
    journal = _next_number(target)
    for old, new in zip(places.kept(target, config), ready, strict=True):
        for name, source in new.files().items():
            to = old.of(name)
            assert to
            if new.name == places.JOURNAL:
                to, journal = old.path / f"{journal:012d}.journal", journal + 1
            elif new.name in _MERGED:
                if os.path.lexists(to):
                    continue
            elif new.name == places.MIRROR and _continues(source, to):
                continue  # it may be a file that can only grow: the rest is appended
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
    place = next(each for each in places.kept(target) if each.name == places.JOURNAL)
    numbers = [int(path.stem) for path in place.files().values() if path.stem.isdecimal()]
    return max(numbers, default=0) + 1


def _mirrored(target: Settings) -> None:
    """Open what was restored once, in its place, and append to the mirror what it lacks."""
    store = Store.open(target.store.path, target)
    try:
        mirror.catch_up(store, mirror.files(store.path, target))
    finally:
        store.close()
