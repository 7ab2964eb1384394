"""Files that owners upload in the browser, on disk until they are imported or discarded.

A file is sent in parts, so that requests are short and a failed one can be repeated. It is stored
in its own folder, beside metadata: who uploads it and how its columns are mapped.
"""

import contextlib
import datetime as dt
import json
import os
import re
import secrets
import shutil
import threading
import unicodedata
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from trail.core import atomic_file
from trail.core.errors import InputError, UnavailableError
from trail.core.settings import Settings
from trail.core.text import printable

# Below the default body limit of reverse proxies, 1 MB.
PART_BYTES = 512 << 10
MAX_AGE = dt.timedelta(hours=24)

# The names of uploaded files never begin with a dot.
_CHECKING, _MAX_CHECKS = ".checking", 2
_WAITING_FILES = 2  # of the maximum size
_MIN_FREE_BYTES = 256 << 20
_MAX_NAME_CHARS, _MAX_NAME_BYTES = 100, 200
_HIDDEN = re.compile(r"^[\s.]+")
_ID = re.compile(r"[0-9a-f]{32}")
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Upload:
    """A file uploaded by the user `by`: name, size in bytes, and start (naive UTC, ISO 8601).

    `mapping` maps fields to the columns of a table.
    """

    upload_id: str
    name: str
    size: int
    by: str
    at: str
    mapping: dict[str, str] = field(default_factory=dict)


def folder_of(settings: Settings) -> Path:
    """Return the folder of uploaded files, which is created on demand."""
    path = settings.store.path.absolute()
    return path.with_name(f"{path.stem}.uploads")


def path_of(settings: Settings, upload: Upload) -> Path:
    """Return the path of the file of *upload*; its name becomes that of the batch."""
    return folder_of(settings) / upload.upload_id / upload.name


def begin(settings: Settings, name: str, size: int, by: str, now: dt.datetime) -> Upload:
    """Record that *by* uploads a file of *size* bytes, replacing an earlier one; return it.

    Raises `InputError` for a size that is not allowed, `UnavailableError` without enough space.
    """
    limit = settings.limits.upload_bytes
    if size < 1:
        raise InputError("The file is empty.", "Choose another file.")
    if size > limit:
        raise InputError(
            f"The file is larger than {limit // 1_000_000:,} MB.",
            "Load it on the server with the load command, or raise limits.upload_bytes.",
        )
    with _lock:
        for upload in waiting(settings):
            if upload.by == by:
                _remove(settings, upload)
        if sum(upload.size for upload in waiting(settings)) + size > _WAITING_FILES * limit:
            raise UnavailableError(
                "Other uploaded files use up the space for uploads.",
                "Import or discard them first.",
            )
        folder = folder_of(settings)
        upload = Upload(secrets.token_hex(16), safe_name(name), size, by, now.isoformat())
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if shutil.disk_usage(folder).free - size < _MIN_FREE_BYTES:
                raise UnavailableError("The server's disk is almost full.", "Free some space.")
            path = path_of(settings, upload)
            path.parent.mkdir(mode=0o700)
            path.touch(mode=0o600)
            _note(settings, upload)
        except OSError as error:
            raise _cannot_write() from error
    return upload


def append(settings: Settings, upload: Upload, offset: int, data: bytes) -> tuple[int, bool]:
    """Write *data* at *offset* of the file of *upload*.

    Returns the number of bytes received, and whether this part has completed the file; a part that
    was received before is not written again. Raises `InputError` for a part that does not follow,
    `UnavailableError` if it cannot be written.
    """
    path = path_of(settings, upload)
    with _lock:
        try:
            received = path.stat().st_size
            if offset + len(data) <= received:
                return received, False
            if offset != received or received + len(data) > upload.size:
                raise InputError("The parts of the file do not fit together.", "Upload it again.")
            _write_whole(path, received, data)
        except FileNotFoundError:
            raise _unknown() from None
        except OSError as error:
            raise _cannot_write() from error
        return received + len(data), received + len(data) == upload.size


def is_complete(settings: Settings, upload: Upload) -> bool:
    """Return whether all parts of the file have arrived."""
    path = path_of(settings, upload)
    try:
        return path.is_file() and path.stat().st_size == upload.size
    except OSError:
        return False


def waiting(settings: Settings) -> list[Upload]:
    """Return all uploads, oldest first."""
    found = (_read(path) for path in folder_of(settings).glob("*.json"))
    return sorted((item for item in found if item), key=lambda item: (item.at, item.upload_id))


def find(settings: Settings, upload_id: str, by: str) -> Upload:
    """Return an upload of *by*; raises `InputError` if there is none."""
    known = _ID.fullmatch(upload_id) and _read(folder_of(settings) / f"{upload_id}.json")
    if not known or known.by != by:
        raise _unknown()
    return known


def set_mapping(settings: Settings, upload: Upload, mapping: dict[str, str]) -> Upload:
    """Store the column mapping of *upload*, and return the upload.

    Raises `InputError` if it was removed meanwhile, `UnavailableError` if it cannot be written.
    """
    changed = replace(upload, mapping=mapping)
    with _lock:
        if not path_of(settings, upload).exists():
            raise _unknown()
        try:
            _note(settings, changed)
        except OSError as error:
            raise _cannot_write() from error
    return changed


def begin_check(settings: Settings, upload: Upload) -> None:
    """Record that the file is being checked; raises `InputError` if two checks never ended.

    They may have crashed the process, and would again at each start.
    """
    mark = path_of(settings, upload).with_name(_CHECKING)
    try:
        begun = mark.stat().st_size if mark.exists() else 0
        if begun >= _MAX_CHECKS:
            raise InputError(
                "The server stopped twice while it checked this file.",
                "Discard it, and load it on the server with the load command.",
            )
        with mark.open("ab") as file:
            file.write(b".")
    except OSError as error:
        raise _cannot_write() from error


def end_check(settings: Settings, upload: Upload) -> None:
    """Record that the check of the file has ended."""
    with contextlib.suppress(OSError):
        path_of(settings, upload).with_name(_CHECKING).unlink()


def remove(settings: Settings, upload: Upload) -> None:
    """Remove the file and its metadata."""
    with _lock:
        _remove(settings, upload)


def remove_old(settings: Settings, now: dt.datetime) -> int:
    """Remove uploads of more than `MAX_AGE` before *now* (naive UTC); return how many.

    Folders without metadata, which a killed server may leave behind, are removed too.
    """
    with _lock:
        known = waiting(settings)
        old = [item for item in known if now - dt.datetime.fromisoformat(item.at) > MAX_AGE]
        for upload in old:
            _remove(settings, upload)
        ids = {item.upload_id for item in known}
        for path in folder_of(settings).glob("*"):
            if path.is_dir() and _ID.fullmatch(path.name) and path.name not in ids:
                shutil.rmtree(path, ignore_errors=True)
    return len(old)


def safe_name(name: str) -> str:
    """Return *name* as a safe file name: without path and control characters, and short."""
    last = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    text = printable(last, "").encode(errors="replace").decode()[-_MAX_NAME_CHARS:]
    while len(text.encode()) > _MAX_NAME_BYTES:
        text = text[1:]
    # Last, and all of them, so that no `.`, `..` or hidden file remains.
    return _HIDDEN.sub("", text).rstrip() or "upload"


def _write_whole(path: Path, received: int, data: bytes) -> None:
    """Append *data* after *received* bytes, or nothing, so that a failed part can be repeated."""
    try:
        with path.open("ab") as file:
            file.write(data)
    except OSError:
        # A full disk takes the beginning of a part.
        os.truncate(path, received)
        raise


def _note(settings: Settings, upload: Upload) -> None:
    text = json.dumps(asdict(upload))
    atomic_file.replace(folder_of(settings) / f"{upload.upload_id}.json", text)


def _read(path: Path) -> Upload | None:
    try:
        upload = Upload(**json.loads(path.read_text(encoding="utf-8")))
        dt.datetime.fromisoformat(upload.at)
    except (OSError, ValueError, TypeError):
        return None
    return upload if upload.upload_id == path.stem and _ID.fullmatch(path.stem) else None


def _remove(settings: Settings, upload: Upload) -> None:
    folder = folder_of(settings)
    (folder / f"{upload.upload_id}.json").unlink(missing_ok=True)
    shutil.rmtree(folder / upload.upload_id, ignore_errors=True)
    with contextlib.suppress(OSError):  # others wait there
        folder.rmdir()


def _unknown() -> InputError:
    return InputError("This uploaded file is no longer there.", "Upload it again.")


def _cannot_write() -> UnavailableError:
    return UnavailableError("The uploaded file cannot be written.", "Check the server's disk.")
