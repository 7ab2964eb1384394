"""Small private files that are replaced whole: locked, synced, readable by their owner only."""

import contextlib
import fcntl
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of *path*, against other processes too.

    The lock is a file of its own, since the file itself is replaced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(path.name + ".lock")
    with open(os.open(lock, os.O_CREAT | os.O_RDWR, 0o600), "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def replace(path: Path, text: str, *, durable: bool = True, mode: int = 0o600) -> None:
    """Replace the content of the file by *text*: whole or not at all; *mode* is who may read it.

    With *durable* it survives a loss of power, at the cost of two syncs. Raises `OSError`.
    """
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".new", dir=path.parent)  # 0600
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), mode)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


@contextlib.contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Give a file to write to, which becomes *path* when the block ends without an error.

    Otherwise *path* stays as it was. A link keeps pointing to the same file; devices and pipes,
    such as `/dev/stdout`, are written to directly. Raises `OSError`.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    path = path.resolve()
    part = path.with_name(f".{secrets.token_hex(6)}.part")
    try:
        yield part
        if path.exists():
            part.chmod(stat.S_IMODE(path.stat().st_mode))
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write, which takes the place of *path* when the block ends without an error.

    Otherwise *path* stays as it was. A link of that name is replaced, never followed, and what a
    killed process left of its own file is removed. Raises `OSError`.
    """
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)


def stamp(path: Path) -> tuple[int, int, int]:
    """Return what differs once the file has changed; zeros where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def sync_folder(folder: Path) -> None:
    """Make the names in *folder* survive a loss of power. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
