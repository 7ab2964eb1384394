"""The files of scheduled exports: written whole or not at all, bounded in size and number."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from trail.core import atomic_file
from trail.core.download_stats import Tallied, Tally
from trail.core.errors import InputError, UnavailableError
from trail.events import export as exports
from trail.storage.engine import Engine
from trail.views.scheduled_exports import ScheduledExport


class TooLargeError(InputError):
    """A file that would be too large, however often it is tried."""


def write(
    engine: Engine,
    export: ScheduledExport,
    folder: Path,
    now: dt.datetime,
    *,
    max_bytes: int,
    csv_bom: bool,
    stopping: Callable[[], bool],
) -> Tally:
    """Write the file of the next period of *export* into *folder*; return its size and digest.

    *now* is aware. Raises `TooLargeError` for a file of more than *max_bytes*, and
    `UnavailableError` if the folder cannot be written to, or if *stopping* says so.
    """
    tally = Tally()
    chunks = exports.stream(engine, export.export(), now, tally=tally, csv_bom=csv_bom)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with atomic_file.replacing(folder / export.file_name) as file:
            for chunk in _bounded(Tallied(chunks, tally, lambda _: None), max_bytes, stopping):
                file.write(chunk)
    except OSError as error:
        raise UnavailableError(
            f"The folder of scheduled exports cannot be written to: {error.strerror}.",
            "Check export.folder.",
        ) from error
    return tally


def _bounded(
    chunks: Iterator[bytes], max_bytes: int, stopping: Callable[[], bool]
) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise TooLargeError(
                f"The file would be larger than {max_bytes:,} bytes.",
                "Narrow the filter, export more often, or raise export.max_bytes.",
            )
        if stopping():
            raise UnavailableError("The server is stopping.", "The export is repeated.")
        yield chunk


def prune(export: ScheduledExport, folder: Path, keep: int) -> None:
    """Delete the oldest files of *export* beyond *keep*; other files and folders stay.

    Raises `UnavailableError` if they cannot be deleted.
    """
    name = re.compile(re.escape(export.file_prefix) + r"\d{4}-\d\d-\d\d\.[a-z.]+")
    try:
        files = [path for path in folder.iterdir() if name.fullmatch(path.name)]
        for path in sorted(path for path in files if not path.is_dir())[:-keep]:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise UnavailableError(
            f"Old files of scheduled exports cannot be deleted: {error.strerror}.",
            "Check export.folder.",
        ) from error
