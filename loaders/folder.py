"""A watched folder: dropped files are loaded, then moved to done/ or failed/ with a report."""

import contextlib
import datetime as dt
import json
import math
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from trail.core.errors import SettingError, UnavailableError
from trail.core.model import Arrived, Batch, Drop
from trail.core.section import Section
from trail.core.settings import Settings

DONE = "done"
FAILED = "failed"

_REPORT = ".report.json"

# Unfinished files of other programs, our own reports, and the file by which Segment tests a bucket.
_IGNORED = (
    *(".part", ".partial", ".filepart", "._copying_", ".tmp", ".temp", "~", ".swp"),
    *(".crdownload", ".download", ".opdownload", ".incomplete", ".inprogress"),
    *(_REPORT, "dummy-object.txt"),
)
# The AWS tools download to the file's name with such an ending, rsync to a hidden file.
_AWS_TEMPORARY = re.compile(r".+\.[0-9a-f]{8}", re.IGNORECASE)
# The same ending as a date, which logs have.
_DATED = re.compile(r".+\.(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])")

# Seconds between two checks of a file's size, since network shares report times late.
_PAUSE_S = 0.5

_COUNTED = ("read", "kept", "duplicates", "linked", "quarantined")
_REPORTED = (*_COUNTED, "error", "loader", "source")


class FolderSettings(Section):
    """A watched folder."""

    section: ClassVar[str] = "folder"
    path: Path | None = Field(
        None, description="Files dropped here are loaded; leave empty to disable."
    )
    every_seconds: float = Field(5, gt=0, description="Seconds between two checks.")
    quiet_seconds: float = Field(
        30,
        ge=0,
        le=86_400,
        description="Seconds without a change after which a file is complete. Temporary names of "
        "browsers, rsync and the AWS tools are ignored.",
    )


def waiting(settings: Settings, seen: Callable[[str, str], bool]) -> Iterator[Arrived]:
    """Yield complete new files, oldest first; create the folder if it is missing.

    A file is complete when it was quiet for `folder.quiet_seconds` and two checks find the same
    size and times. One that grew after it was moved to done/ or failed/ is yielded again. Links,
    hidden and temporary files are ignored. Raises `SettingError` if the path is a file,
    `UnavailableError` if the folder, or finally one inside it, cannot be read.
    """
    given = settings.of(FolderSettings)
    root = given.path
    if root is None:
        return
    _make(root)
    closed: list[str] = []
    fresh: list[tuple[int, Path, str, str, dict[str, Any]]] = []
    changing: dict[Path, tuple[str, float]] = {}
    files = ((path, about, dict[str, Any]()) for path, about in _files(root, closed))
    for path, about, report in chain(files, _grown(root)):
        key, version = _printable(path.relative_to(root)), _version(about)
        if seen(key, version):
            continue
        unchanged_since = _unchanged_since(root, path, version)
        changing[path] = (version, unchanged_since)
        if _is_quiet(about, unchanged_since, given.quiet_seconds):
            fresh.append((about.st_mtime_ns, path, key, version, report))
    _changing[root] = changing
    if fresh:
        time.sleep(_PAUSE_S)
    for _, path, key, version, report in sorted(fresh, key=itemgetter(0, 1)):
        if _version_now(path) == version:
            finish = partial(_move_processed, root, path, version, report)
            yield Arrived(key, version, path, finish, report.get("lines", 0))
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
            elif stat.S_ISREG(about.st_mode) and not _is_temporary(entry.name):
                yield path, about


def _is_temporary(name: str) -> bool:
    """Return whether *name* is one that programs give to a file they are still writing."""
    return name.lower().endswith(_IGNORED) or bool(
        _AWS_TEMPORARY.fullmatch(name) and not _DATED.fullmatch(name)
    )


def _grown(root: Path) -> Iterator[tuple[Path, os.stat_result, dict[str, Any]]]:
    """Yield the files in done/ and failed/ that grew since their report, and the report.

    Whoever was still writing goes on in the moved file.
    """
    for name in (DONE, FAILED):
        with contextlib.suppress(OSError), os.scandir(root / name) as entries:
            times = {entry.name: entry.stat(follow_symlinks=False) for entry in entries}
            for file_name, about in times.items():
                noted = times.get(f"{file_name}{_REPORT}")
                # A report has the time of its file as it was loaded.
                if noted is None or about.st_mtime_ns <= noted.st_mtime_ns:
                    continue
                path = root / name / file_name
                report = _read_report(path)
                if stat.S_ISREG(about.st_mode) and about.st_size > report.get("bytes", math.inf):
                    yield path, about, report


def _read_report(path: Path) -> dict[str, Any]:
    """Return the report on *path*; empty if it is damaged or of a version without line numbers."""
    try:
        report = json.loads(_report_of(path).read_bytes())
        if all(isinstance(report[name], int) for name in (*_COUNTED, "bytes", "lines")):
            return dict(report)
    except (OSError, ValueError, LookupError, TypeError):
        pass
    return {}


def _about(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:
        return None  # deleted meanwhile


def _is_ours(root: Path, folder: Path) -> bool:
    return folder.parent == root and folder.name in (DONE, FAILED)


# Files that are not loaded yet, by watched folder: version, and since when it has been seen.
_changing: dict[Path, dict[Path, tuple[str, float]]] = {}


def _unchanged_since(root: Path, path: Path, version: str) -> float:
    """Return the monotonic time at which this *version* of the file was first seen."""
    known, since = _changing.get(root, {}).get(path, ("", 0.0))
    return since if known == version else time.monotonic()


def _is_quiet(about: os.stat_result, unchanged_since: float, quiet_s: float) -> bool:
    age = time.time() - about.st_mtime
    # A time in the future comes from another machine's clock and does not say when it was written.
    return (age if age >= 0 else time.monotonic() - unchanged_since) >= quiet_s


def _version(about: os.stat_result) -> str:
    # The change time makes a file that was moved back a new version, so that it is loaded again.
    return f"{about.st_size}:{about.st_mtime_ns}:{about.st_ctime_ns}"


def _version_now(path: Path) -> str:
    about = _about(path)
    return _version(about) if about and stat.S_ISREG(about.st_mode) else ""


def _printable(path: Path) -> str:
    """Return *path* as valid Unicode; file names may be any bytes."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _move_processed(
    root: Path, path: Path, version: str, earlier: dict[str, Any], batch: Batch
) -> None:
    """Move the file and write its report, unless it changed meanwhile.

    A file that cannot be moved stays; it is recorded and not loaded again. *earlier* is the report
    on a file that grew after it was moved; its counts are added.
    """
    if _version_now(path) != version:
        return
    with contextlib.suppress(OSError):
        about = path.lstat()
        report = _report(path, about.st_size, batch, earlier)
        folder = root / (FAILED if batch.error else DONE)
        folder.mkdir(exist_ok=True)
        target = path
        if path.parent != folder:
            target = _free(folder, path.name)
            path.rename(target)
            if earlier:
                _report_of(path).rename(_report_of(target))
        noted = _report_of(target)
        with noted.open("w" if earlier else "x", encoding="utf-8") as file:
            json.dump(report, file, indent=2, ensure_ascii=False)
            file.write("\n")
        # Growth is noticed by the file's time being later than the report's; see _grown.
        os.utime(noted, ns=(about.st_mtime_ns, about.st_mtime_ns))


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


def _report(path: Path, size: int, batch: Batch, earlier: dict[str, Any]) -> dict[str, object]:
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    report = {name: getattr(batch, name) for name in _REPORTED}
    report |= {name: report[name] + earlier.get(name, 0) for name in _COUNTED}
    lines = max(batch.last_line, earlier.get("lines", 0))
    if lines and not _ends_line(path, size):
        lines -= 1  # it may have been cut, and is read again
    return {**report, "bytes": size, "lines": lines, "loaded_at": now}


def _ends_line(path: Path, size: int) -> bool:
    """Return whether the first *size* bytes of *path* end at a line's end."""
    with path.open("rb") as file:
        file.seek(max(size - 1, 0))
        return file.read(1) == b"\n"


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
