"""A watched folder: dropped files are loaded, then moved to done/ or failed/ with a report."""

import contextlib
import datetime as dt
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from trail.core.errors import SettingError, UnavailableError
from trail.core.model import Arrived, Batch, Drop
from trail.core.settings import Section, Settings

DONE = "done"
FAILED = "failed"

_REPORT = ".report.json"

# Unfinished files of other programs, our own reports, and the file by which Segment tests a bucket.
_IGNORED = (".part", ".tmp", ".crdownload", "~", _REPORT, "dummy-object.txt")

# Files modified less than this many seconds ago may still be written to.
_QUIET_S = 2

# Seconds between two checks of a file's size, since network shares report times late.
_PAUSE_S = 0.1

_REPORTED = ("read", "kept", "duplicates", "linked", "quarantined", "error", "loader", "source")


class FolderSettings(Section):
    """A watched folder."""

    section: ClassVar[str] = "folder"
    path: Path | None = Field(
        None, description="Files dropped here are loaded; leave empty to disable."
    )
    every_seconds: float = Field(5, gt=0, description="Seconds between two checks.")


def waiting(settings: Settings, seen: Callable[[str, str], bool]) -> Iterator[Arrived]:
    """Yield complete new files, oldest first; create the folder if it is missing.

    Links, hidden files and files still being written are ignored. Raises `SettingError` if the path
    is a file, `UnavailableError` if the folder, or finally one inside it, cannot be read.
    """
    root = settings.of(FolderSettings).path
    if root is None:
        return
    _make(root)
    closed: list[str] = []
    fresh: list[tuple[int, Path, str, str]] = []
    for path, about in _files(root, closed):
        key, version = _printable(path.relative_to(root)), _version(about)
        if _is_quiet(about) and not seen(key, version):
            fresh.append((about.st_mtime_ns, path, key, version))
    if fresh:
        time.sleep(_PAUSE_S)
    for _, path, key, version in sorted(fresh):
        if _version_now(path) == version:
            yield Arrived(key, version, path, partial(_move_processed, root, path, version))
    if closed:
        raise UnavailableError(
            f"Subfolder {closed[0]} of the watched folder cannot be read.",
            "Grant the user of the server read access.",
        )


def _make(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise SettingError("folder.path is a file.", "Set folder.path to a folder.") from None
    except OSError as error:
        raise UnavailableError(
            f"The watched folder cannot be created: {error.strerror}.",
            "Grant the user of the server write access, or change folder.path.",
        ) from None


def _files(root: Path, closed: list[str]) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the regular files below *root*; append unreadable subfolders to *closed*."""
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                inside = list(entries)
        except OSError as error:
            if folder == root:
                raise UnavailableError(
                    f"The watched folder cannot be read: {error.strerror}.",
                    "Grant the user of the server read access, or change folder.path.",
                ) from None
            closed.append(_printable(folder.relative_to(root)))
            continue
        for entry in inside:
            path = Path(entry.path)
            about = _about(path)
            if about is None or entry.name.startswith("."):
                continue
            if stat.S_ISDIR(about.st_mode) and not _is_ours(root, path):
                folders.append(path)
            elif stat.S_ISREG(about.st_mode) and not entry.name.lower().endswith(_IGNORED):
                yield path, about


def _about(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:
        return None  # deleted meanwhile


def _is_ours(root: Path, folder: Path) -> bool:
    return folder.parent == root and folder.name in (DONE, FAILED)


def _is_quiet(about: os.stat_result) -> bool:
    # A time in the future comes from another machine's clock.
    return abs(time.time() - about.st_mtime) >= _QUIET_S


def _version(about: os.stat_result) -> str:
    # The change time makes a file that was moved back a new version, so that it is loaded again.
    return f"{about.st_size}:{about.st_mtime_ns}:{about.st_ctime_ns}"


def _version_now(path: Path) -> str:
    about = _about(path)
    return _version(about) if about and stat.S_ISREG(about.st_mode) else ""


def _printable(path: Path) -> str:
    """Return *path* as valid Unicode; file names may be any bytes."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _move_processed(root: Path, path: Path, version: str, batch: Batch) -> None:
    """Move the file and write its report, unless it changed meanwhile.

    A file that cannot be moved stays; it is recorded and not loaded again.
    """
    if _version_now(path) != version:
        return
    with contextlib.suppress(OSError):
        folder = root / (FAILED if batch.error else DONE)
        folder.mkdir(exist_ok=True)
        target = _free(folder, path.name)
        path.rename(target)
        with _report_of(target).open("x", encoding="utf-8") as file:
            json.dump(_report(batch), file, indent=2, ensure_ascii=False)
            file.write("\n")


def _free(folder: Path, name: str) -> Path:
    """Return an unused path in *folder* whose report is unused too: name, name-2, …."""
    stem, dot, rest = name.partition(".")
    number = 1
    target = folder / name
    while os.path.lexists(target) or os.path.lexists(_report_of(target)):
        number += 1
        target = folder / f"{stem}-{number}{dot}{rest}"
    return target


def _report_of(path: Path) -> Path:
    return path.with_name(f"{path.name}{_REPORT}")


def _report(batch: Batch) -> dict[str, object]:
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {**{name: getattr(batch, name) for name in _REPORTED}, "loaded_at": now}


LOADER = Drop(
    name="folder",
    title="Watched folder",
    rank=40,
    section=FolderSettings,
    example={"path": "inbox"},
    every_s=lambda settings: settings.of(FolderSettings).every_seconds,
    waiting=waiting,
    folder=lambda settings: settings.of(FolderSettings).path,
)
