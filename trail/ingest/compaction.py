"""The server takes the parts of ingest processes into its store, each exactly once.

Parts go the way of all that arrives (`keeper`, `pipeline`): events are deduplicated by ID against
the database and the archive, refused records are quarantined, and events of sealed days are stated
by a further seal. Which records of which part are kept is noted in the transaction of the records;
a part is deleted afterwards, and one that comes again is recognized.

One server has the lease of the folder: a lock that ends with its process, and the mark of its
database, so that a server with another database takes nothing.
"""

import contextlib
import fcntl
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from trail.core import atomic_file
from trail.core.errors import UnavailableError
from trail.core.settings import Settings
from trail.ingest import part_progress, parts
from trail.ingest.keeper import Keeper
from trail.ingest.part_progress import Progress
from trail.ingest.parts import DamagedPartError, Part
from trail.ingest.write_ahead_log import Entry
from trail.storage import cursors, failures
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store

_log = logging.getLogger("trail.intake")

SET_ASIDE = "set-aside"
_LEASE = ".compactor"
_DATABASE = "ingest"
# Kept at once, at least; a group of records of a part is not divided.
_MOST_ENTRIES = 20_000


class _Group:
    """Parts of a node that are kept together: a transaction costs as much as many records."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._entries: list[Entry] = []
        # Of which parts the entries are: the part, its first record among them, and how many.
        self._spans: list[tuple[Part, int, int]] = []
        self._whole: list[Path] = []

    def add(self, store: Store, path: Path) -> bool:
        """Add a part; return whether it has records that were not kept before.

        A file that is none is set aside. Raises `OSError` or `pa.ArrowException` if it cannot be
        read; nothing of it is added then, or all that was read.
        """
        try:
            part = parts.checked(path)
        except FileNotFoundError:
            return False
        except DamagedPartError as problem:
            _set_aside(path, str(problem))
            return False
        about = part.about
        mark = cursors.get(store, part_progress.source(about))
        start = Progress.of(mark, about.first).kept(about.sequence)
        if start is None:
            path.unlink(missing_ok=True)
            return False
        for entries in part.entries(start):
            self._append(part, start, entries)
            start += len(entries)
            if len(self._entries) >= _MOST_ENTRIES:
                self.keep(lambda: store)
        if start == about.records and (not self._spans or self._spans[-1][0] is not part):
            self._append(part, start, [])
        self._whole.append(path)
        return True

    def _append(self, part: Part, start: int, entries: list[Entry]) -> None:
        self._entries += entries
        self._spans.append((part, start, len(entries)))

    def keep(self, store: Callable[[], Store]) -> None:
        """Keep what was added, and delete the parts of which all is kept."""
        if self._entries:
            self._keeper.keep(store(), self._entries, self._note)
        elif self._spans:
            store().write(lambda cursor: self._note(cursor, 0))
        for path in self._whole:
            path.unlink(missing_ok=True)
        self._entries, self._spans, self._whole = [], [], []

    def _note(self, cursor: Cursor, kept: int) -> None:
        """Note in the transaction of *cursor* that the first *kept* of the entries are kept."""
        known: dict[str, Progress] = {}
        for part, start, count in self._spans:
            if kept < 0 or (kept == 0 and count):
                break
            about, source = part.about, part_progress.source(part.about)
            if source not in known:
                known[source] = Progress.of(cursors.read(cursor, source), about.first)
            known[source].note(about.sequence, start + min(kept, count), about.records)
            kept -= count
        for source, progress in known.items():
            cursors.put(cursor, source, progress.mark())


class Compactor:
    """Takes parts into a store while it has the lease; `close` gives it back."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keepers: dict[str, Keeper] = {}
        self._lease: int | None = None

    def is_idle(self) -> bool:
        """Return whether no ingest process has ever used the folder."""
        return not self._settings.store.incoming.is_dir()

    def run(self, store: Callable[[], Store], stopping: Callable[[], bool] = lambda: False) -> int:
        """Take the parts that wait; return how many.

        *store* is called once there are any. Raises `UnavailableError` if another server has the
        lease, or the store takes nothing now, and for parts that cannot be read or deleted, which
        the next run tries again, once all others are taken.
        """
        count, problem = 0, ""
        for folder in self._folders():
            group = _Group(self._keeper(folder.name))
            try:
                waiting = parts.waiting(folder)
            except OSError as error:
                _log.warning("the folder of node %s: %s", folder.name, error)
                problem = problem or f"The folder of node {folder.name} cannot be read."
                continue
            for path in waiting:
                if stopping():
                    return count
                self._require_lease(store())
                try:
                    count += group.add(store(), path)
                except (OSError, pa.ArrowException) as error:
                    _log.warning("%s of node %s: %s", path.name, folder.name, error)
                    reason = "cannot be read or deleted."
                    problem = problem or f"{path.name} of node {folder.name} {reason}"
            try:
                group.keep(store)
            except OSError as error:
                _log.warning("the parts of node %s: %s", folder.name, error)
                explained = failures.explain(error)
                reason = explained.message if explained else str(error)
                problem = problem or f"The parts of node {folder.name}: {reason}"
        for keeper in self._keepers.values():
            keeper.end_past(store)
        if problem:
            raise UnavailableError(problem, "Check the folder incoming of the archive.")
        return count

    def _folders(self) -> list[Path]:
        try:
            return parts.folders(self._settings.store.incoming)
        except OSError as error:
            raise UnavailableError(
                f"The folder incoming of the archive cannot be read: {error.strerror}.",
                "Check its permissions.",
            ) from error

    def _keeper(self, node: str) -> Keeper:
        return self._keepers.setdefault(node, Keeper(self._settings, node))

    def close(self) -> None:
        """Give the lease back. Batches that are open are closed by the next start of a server."""
        self._keepers.clear()
        if self._lease is not None:
            os.close(self._lease)
            self._lease = None

    def _require_lease(self, store: Store) -> None:
        """Take the lease, unless this has it; raise `UnavailableError` if another server does."""
        if self._lease is not None:
            return
        path = self._settings.store.incoming / _LEASE
        lease = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
            own, holder = _database(store), os.read(lease, 100).decode(errors="replace").strip()
            if holder not in ("", own):
                raise UnavailableError(
                    "The events of ingest processes belong to another database.",
                    f"Delete {_LEASE} in the folder incoming of the archive to take them here.",
                )
            if not holder:
                os.write(lease, own.encode())
                os.fsync(lease)
        except BaseException as error:
            os.close(lease)
            if isinstance(error, BlockingIOError):
                raise UnavailableError(
                    "Another server takes the events of ingest processes.", "Stop one of them."
                ) from None
            raise
        self._lease = lease
        store.afterwards.callback(self.close)


def _database(store: Store) -> str:
    """Return what tells the database from others that use the same archive."""

    def known(cursor: Cursor) -> str:
        if not (mark := cursors.read(cursor, _DATABASE)):
            mark = secrets.token_hex(16)
            cursors.put(cursor, _DATABASE, mark)
        return mark

    return store.write(known)


def _set_aside(path: Path, problem: str) -> None:
    """Move a file that is not a part out of the way, with the reason in a file beside it."""
    folder = path.parent / SET_ASIDE
    if folder.is_symlink():  # into a folder that is not that of a node
        folder.unlink()
    folder.mkdir(exist_ok=True)
    target = folder / path.name
    number = 1
    while os.path.lexists(target):
        number += 1
        target = folder / f"{path.stem}-{number}{path.suffix}"
    atomic_file.replace(target.with_suffix(".txt"), f"{problem}\n")
    with contextlib.suppress(FileNotFoundError):
        path.rename(target)
    _log.warning("%s of node %s is set aside: %s", path.name, path.parent.name, problem)
