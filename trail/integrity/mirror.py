"""The mirror of the seals: a file outside the database with all lines, appended and synced.

It reveals that the database was replaced by an older copy. It is written after the commit, so that
it is never ahead of the database.
"""

import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from trail.core import atomic_file
from trail.core.errors import UnavailableError
from trail.core.settings import Settings
from trail.integrity import key_file
from trail.storage import cursors
from trail.storage.duckdb import Store

MARK = "seals.mirror"

_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Files:
    """Paths of the signing key, the mirror and the high-water mark."""

    key: Path
    mirror: Path
    known: Path


def files(path: Path, settings: Settings) -> Files:
    """Return the files of the database at *path*; `seals.mirror` applies to the workspace's own."""
    path = path.absolute()
    beside = path.with_name(f"{path.stem}.seals.ndjson")
    chosen = settings.seals.mirror if path == settings.store.path.absolute() else None
    return Files(
        path.with_name(f"{path.stem}.seals.key"),
        chosen.absolute() if chosen else beside,
        path.with_name(f"{path.stem}.known.json"),
    )


def read(path: Path) -> list[str]:
    """Return the complete lines of a mirror; none if it does not exist.

    Raises `UnavailableError` if it cannot be read.
    """
    whole, _, _ = _content(path).rpartition("\n")
    return whole.split("\n") if whole else []


def read_copy(path: Path) -> list[str]:
    """Return the distinct lines of a copy that was stored elsewhere.

    Also reads what a webhook receiver stored: complete messages or their `data`, mixed with other
    messages, repeated and in any order. Raises `UnavailableError` if it cannot be read.
    """
    whole, _, last = _content(path).rpartition("\n")
    lines = dict.fromkeys(_unwrapped(text) for text in whole.split("\n"))
    # The last line may be incomplete, or the file may end without a newline.
    lines |= dict.fromkeys([_unwrapped(last)] if last.rstrip().endswith("}") else [])
    return [line for line in lines if line]


def _unwrapped(text: str) -> str:
    """Return the seal in a message, or any other text unchanged."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return text.strip()
    if not isinstance(message, dict) or not str(message.get("type", "")).startswith("audit."):
        return text.strip()
    data = message.get("data")
    if message["type"] != "audit.seal" or not isinstance(data, dict):
        return ""
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def written_up_to(mark: str, path: Path) -> int:
    """Return the last seal written to the mirror at *path*, according to the database's *mark*."""
    try:
        cursor = json.loads(mark) if mark else {}
        return int(cursor["number"]) if cursor.get("path") == str(path) else 0
    except (ValueError, KeyError, AttributeError, TypeError):
        return 0


def catch_up(store: Store, where: Files) -> int:
    """Append lines that the mirror lacks; return how many.

    A truncated or changed mirror is left for verification to report. Raises `UnavailableError` if
    it cannot be written; the next call tries again.
    """
    with _one_at_a_time:
        lines = store.table("select line from seals order by number")["line"].to_pylist()
        written = written_up_to(cursors.get(store, MARK), where.mirror)
        present = read(where.mirror)
        # After a crash between the append and its mark, the mirror may be ahead of the mark.
        if len(present) < written or present != lines[: len(present)]:
            return 0
        new = lines[len(present) :]
        if new:
            _append(where.mirror, new)
        if where.key.exists() and len(lines) > key_file.newest_seal(where.key):
            key_file.note_newest_seal(where.key, len(lines))
        if len(lines) != written:
            mark = json.dumps({"path": str(where.mirror), "number": len(lines)})
            store.write(lambda cursor: cursors.put(cursor, MARK, mark))
        return len(new)


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise UnavailableError(
            f"{path.name} cannot be read: {error.strerror}.", "Make it readable for the server."
        ) from error


def _append(path: Path, lines: list[str]) -> None:
    partial = _content(path).rpartition("\n")[2]
    if partial and not lines[0].startswith(partial):
        return  # reported by verification
    text = "".join(f"{line}\n" for line in lines).removeprefix(partial)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_APPEND | os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        atomic_file.sync_folder(path.parent)
    except OSError as error:
        raise UnavailableError(
            f"The mirror of the seals cannot be written: {error.strerror}.",
            "Free disk space or make it writable, then run: python -m trail seal",
        ) from error


def recreate(store: Store, where: Files) -> None:
    """Write a new mirror from the database; the previous one is renamed."""
    with _one_at_a_time:
        if where.mirror.exists():
            number = 1
            while (old := where.mirror.with_name(f"{where.mirror.name}.{number}")).exists():
                number += 1
            where.mirror.rename(old)
        store.write(lambda cursor: cursors.put(cursor, MARK, ""))
        if key_file.newest_seal(where.key):
            key_file.note_newest_seal(where.key, 0)
    catch_up(store, where)
