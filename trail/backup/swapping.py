"""Putting restored files in their places: all of them or none, whenever the process is killed.

Everything is made ready in a folder beside the database. Then one file, `commit.json`, lists every
move; until it is there nothing has changed, and from then on whoever comes next (a start, a
command, another restore) finishes the moves. Each can be done again without harm.
"""

import contextlib
import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from trail import durable
from trail.errors import UnavailableError
from trail.seals import known
from trail.settings import Settings

_COMMIT = "commit.json"

Move = tuple[Path, Path]


def room_of(given: Settings) -> Path:
    """Return the folder in which a restore is made ready."""
    database = given.store.path.absolute()
    return database.with_name(f".{database.name}.restoring")


def finish(given: Settings) -> bool:
    """Finish a restore that was killed after its commit; return whether there was one.

    To be called before anything of the trail is opened. Raises `UnavailableError` when a file
    cannot be put in its place; the next call tries again.
    """
    room = room_of(given)
    if not (room / _COMMIT).exists():
        return False
    with alone(given):
        pass
    return True


@contextlib.contextmanager
def alone(given: Settings) -> Iterator[Path]:
    """Give the empty room, to nobody else meanwhile; a committed restore is finished first.

    The room is gone afterwards. Raises `UnavailableError` when another restore runs.
    """
    room = room_of(given)
    room.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = os.open(room, os.O_RDONLY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UnavailableError("Another restore runs.", "Wait until it ends.") from error
        _carry_out(room)
        _empty(room)
        try:
            yield room
        finally:
            if not (room / _COMMIT).exists():
                shutil.rmtree(room, ignore_errors=True)
    finally:
        os.close(held)


def commit(room: Path, moves: list[Move]) -> None:
    """Decide on *moves*, each from a file to where nothing is by then, and carry them out."""
    said = {"moves": [[str(source), str(target)] for source, target in moves]}
    for folder, _, _ in os.walk(room):
        durable.sync(Path(folder))
    known.write(room / _COMMIT, said)
    _carry_out(room)


def _carry_out(room: Path) -> None:
    """Make the moves that were decided on; those that are made already are passed over."""
    path = room / _COMMIT
    if not path.exists():
        return
    try:
        for source, target in json.loads(path.read_text(encoding="utf-8"))["moves"]:
            _move(Path(source), Path(target))
    except OSError as error:
        raise UnavailableError(
            f"A restore cannot be finished: {Path(error.filename or '').name}: {error.strerror}.",
            "Let this user write there; the next start or command finishes it.",
        ) from error
    path.unlink()


def _move(source: Path, target: Path) -> None:
    # A target that is there was moved before; a source that is gone too.
    if os.path.lexists(target) or not os.path.lexists(source):
        return
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        fresh = target.with_name(f"{target.name}.before-move")
        shutil.copyfile(source, fresh)
        fresh.chmod(0o600)
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        fresh.rename(target)
        source.unlink()
    durable.sync(target.parent)


def _empty(room: Path) -> None:
    for each in room.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()
