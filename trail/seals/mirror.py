"""The files of the seals beside the database, and the mirror: all lines, appended and synced.

Separate because the mirror outlives the database and is what tells of an older copy put in its
place. It is written after the database has committed, so that it never knows more than that.
"""

import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from trail import durable, marks
from trail.errors import UnavailableError
from trail.settings import Settings
from trail.store import Cursor, Store

MARK = "seals.mirror"

_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Files:
    """Where the key, the mirror, and the note of what the database held lie."""

    key: Path
    mirror: Path
    known: Path


def files(path: Path, settings: Settings) -> Files:
    """Return the files of the database at *path*; only the workspace's own has another mirror."""
    path = path.absolute()
    beside = path.with_name(f"{path.stem}.seals.ndjson")
    chosen = settings.seals.mirror if path == settings.store.path.absolute() else None
    return Files(
        path.with_name(f"{path.stem}.seals.key"),
        chosen.absolute() if chosen else beside,
        path.with_name(f"{path.stem}.known.json"),
    )


def read(path: Path) -> list[str]:
    """Return the lines of a mirror, without what a crash left half written; none where none is.

    Raises `UnavailableError` when it cannot be read.
    """
    whole, _, _ = _content(path).rpartition("\n")
    return whole.split("\n") if whole else []


def copied(path: Path) -> list[str]:
    """Return the lines of a copy that was kept elsewhere, each once.

    Also of what the receiver of a webhook stored: whole messages or their `data`, other messages
    among them, more than once and in any order. Raises `UnavailableError` when it cannot be read.
    """
    whole, _, last = _content(path).rpartition("\n")
    lines = dict.fromkeys(_unwrapped(text) for text in whole.split("\n"))
    # The last one may be half written, or the file may end without a newline.
    lines |= dict.fromkeys([_unwrapped(last)] if last.rstrip().endswith("}") else [])
    return [line for line in lines if line]


def _unwrapped(text: str) -> str:
    """Return the seal that a message brings; any other text as it is, for who checks it."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text.strip()
    if not isinstance(found, dict) or not str(found.get("type", "")).startswith("audit."):
        return text.strip()
    data = found.get("data")
    if found["type"] != "audit.seal" or not isinstance(data, dict):
        return ""
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def noted(mark: str, path: Path) -> int:
    """Return up to which seal the mirror at *path* was written, from the store's mark of it."""
    try:
        found = json.loads(mark) if mark else {}
        return int(found["number"]) if found.get("path") == str(path) else 0
    except (ValueError, KeyError, AttributeError, TypeError):
        return 0


def catch_up(store: Store, where: Files) -> int:
    """Append what the database has and the mirror lacks; return how many lines.

    One that was cut or changed is left as it is, for verify to tell. Raises `UnavailableError` when
    it cannot be written; the next call appends it then.
    """
    with _one_at_a_time:
        lines = store.table("select line from seals order by number")["line"].to_pylist()
        done = noted(marks.get(store, MARK), where.mirror)
        there = read(where.mirror)
        # A crash between the append and its mark leaves more lines than the mark says: fine.
        if len(there) < done or there != lines[: len(there)]:
            return 0
        fresh = lines[len(there) :]
        if fresh:
            _append(where.mirror, fresh)
        if len(lines) != done:
            mark = json.dumps({"path": str(where.mirror), "number": len(lines)})

            def note(cursor: Cursor) -> None:
                marks.put(cursor, MARK, mark)

            store.write(note)
        return len(fresh)


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise UnavailableError(
            f"{path.name} cannot be read: {error.strerror}.", "Let the server read it."
        ) from error


def _append(path: Path, lines: list[str]) -> None:
    half = _content(path).rpartition("\n")[2]
    if half and not lines[0].startswith(half):
        return  # not ours: verify tells
    text = "".join(f"{line}\n" for line in lines).removeprefix(half)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_APPEND | os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        durable.sync(path.parent)
    except OSError as error:
        raise UnavailableError(
            f"The mirror of the seals cannot be written: {error.strerror}.",
            "Make room, or let the server write to it; then run seal.",
        ) from error


def start_anew(store: Store, where: Files) -> None:
    """Write a mirror from the database; the one before stays beside it under another name."""
    with _one_at_a_time:
        if where.mirror.exists():
            number = 1
            while (old := where.mirror.with_name(f"{where.mirror.name}.{number}")).exists():
                number += 1
            where.mirror.rename(old)
        store.write(lambda cursor: marks.put(cursor, MARK, ""))
    catch_up(store, where)
