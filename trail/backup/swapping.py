"""Move restored files into place atomically: all of them or none, even if the process is killed.

Everything is prepared in a folder beside the database. Then one file, `commit.json`, lists every
move. Before it exists nothing has changed; afterwards the next start, command or restore finishes
the moves, which can be repeated safely.
"""

import contextlib
import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from trail.core import atomic_file
from trail.core.errors import UnavailableError
from trail.core.settings import Settings

_COMMIT = "commit.json"

Move = tuple[Path, Path]


def work_folder(settings: Settings) -> Path:
    """Return the folder in which a restore is prepared."""
    database = settings.store.path.absolute()
    return database.with_name(f".{database.name}.restoring")


def finish(settings: Settings) -> bool:
    """Finish a restore that was killed after its commit; return whether there was one.

    Call it before opening any file of the trail. Raises `UnavailableError` if a file cannot be
    moved; the next call tries again.
    """
    if not (work_folder(settings) / _COMMIT).exists():
        return False
    with exclusive(settings):
        pass
    return True


@contextlib.contextmanager
def exclusive(settings: Settings) -> Iterator[Path]:
    """Lock and give the empty work folder, after finishing a committed restore.

    The folder is deleted afterwards. Raises `UnavailableError` while another restore is running.
    """
    work = work_folder(settings)
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(work, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UnavailableError(
                "Another restore is running.", "Try again when it has finished."
            ) from error
        _carry_out(work)
        _clear(work)
        try:
            yield work
        finally:
            if not (work / _COMMIT).exists():
                shutil.rmtree(work, ignore_errors=True)
    finally:
        os.close(lock)


def commit(work: Path, moves: list[Move]) -> None:
    """Commit to *moves*, each from a file to an unused path, and carry them out."""
    document = {"moves": [[str(source), str(target)] for source, target in moves]}
    for folder, _, _ in os.walk(work):
        atomic_file.sync_folder(Path(folder))
    atomic_file.replace(work / _COMMIT, json.dumps(document))
    _carry_out(work)


def _carry_out(work: Path) -> None:
    """Carry out the committed moves; those already done are skipped."""
    path = work / _COMMIT
    if not path.exists():
        return
    try:
        for source, target in json.loads(path.read_text(encoding="utf-8"))["moves"]:
            _move(Path(source), Path(target))
    except OSError as error:
        raise UnavailableError(
            f"The restore cannot finish: {Path(error.filename or '').name}: {error.strerror}.",
            "Grant this user write access; the next start or command finishes the restore.",
        ) from error
    path.unlink()


def _move(source: Path, target: Path) -> None:
    # An existing target, or a missing source, was moved earlier.
    if os.path.lexists(target) or not os.path.lexists(source):
        return
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy = target.with_name(f"{target.name}.before-move")
        shutil.copyfile(source, copy)
        copy.chmod(0o600)
        with copy.open("rb") as file:
            os.fsync(file.fileno())
        copy.rename(target)
        source.unlink()
    atomic_file.sync_folder(target.parent)


def _clear(work: Path) -> None:
    for path in work.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
