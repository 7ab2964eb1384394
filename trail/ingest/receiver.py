"""What is sent to us on its way into the store: on disk first, then kept in the next moment.

Each receiver has one batch an hour, so that its counts are read = kept + duplicates + quarantined
as for any other source, without a batch for each request.
"""

import itertools
import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from trail.core.clock import utc_now
from trail.core.errors import UnavailableError
from trail.core.model import Batch, Chunk, Received, Receiver, Reject
from trail.core.settings import Settings
from trail.ingest import pipeline
from trail.ingest.used_signatures import proof_of
from trail.ingest.write_ahead_log import Entry, Journal, read, signatures_beside
from trail.storage.database import Store

_log = logging.getLogger("trail.intake")

# A record is seen on the pages at most so long after its answer; each round has a fixed cost.
_EVERY_S = 0.25
_LONGEST_PAUSE_S = 30.0
_MOST_ENTRIES = 20_000


def folder_of(settings: Settings) -> Path:
    """Return where the journal of the real workspace lies."""
    path = settings.store.path.absolute()
    return path.with_name(f"{path.stem}.intake")


def signatures_of(settings: Settings) -> Path:
    """Return the file of the signatures that were accepted."""
    return signatures_beside(folder_of(settings))


@dataclass(slots=True)
class _Hour:
    """The batch of a receiver for the hour that runs."""

    hour: str
    batch: Batch


@dataclass(slots=True)
class Keeper:
    """Moves entries of the journal into a store, in the batches of their receivers."""

    settings: Settings
    _hours: dict[str, _Hour] = field(default_factory=dict)

    def keep(self, store: Store, entries: Iterable[Entry]) -> None:
        """Keep *entries*; one that breaks the reader goes to quarantine by itself."""
        kinds = itertools.groupby(entries, lambda entry: (entry.receiver, entry.named))
        for (receiver, _), group in kinds:
            result = list(group)
            batch = self._batch(store, receiver)
            try:
                pipeline.add(store, batch, _chunk(result), self.settings.limits)
            except (UnavailableError, duckdb.IOException, duckdb.OutOfMemoryException):
                raise
            except Exception:
                _log.exception("a batch of %d records could not be read together", len(result))
                self._one_by_one(store, batch, result)

    @property
    def open(self) -> bool:
        """Return whether a batch is open."""
        return bool(self._hours)

    def end(self, store: Store) -> None:
        """Close the batches that are open."""
        for hour in self._hours.values():
            pipeline.end(store, hour.batch)
        self._hours.clear()

    def _batch(self, store: Store, receiver: str) -> Batch:
        name = f"{utc_now():%Y-%m-%d %H:00} UTC"
        known = self._hours.get(receiver)
        if known and known.hour == name:
            return known.batch
        if known:
            pipeline.end(store, known.batch)
        batch = Batch(source=name, loader=receiver)
        pipeline.start(store, batch)
        self._hours[receiver] = _Hour(name, batch)
        return batch

    def _one_by_one(self, store: Store, batch: Batch, entries: list[Entry]) -> None:
        for entry in entries:
            try:
                pipeline.add(store, batch, _chunk([entry]), self.settings.limits)
            except (UnavailableError, duckdb.IOException, duckdb.OutOfMemoryException):
                raise
            except Exception:
                reason = "Internal error while reading it"
                refused = (Reject(1, reason, entry.raw, verified=entry.verified),)
                chunk = Chunk(_records([]), refused)
                pipeline.add(store, batch, chunk, self.settings.limits)


class Intake:
    """The running intake: `offer` records, and they are kept soon after they are on disk."""

    def __init__(self, settings: Settings, store: Callable[[], Store]) -> None:
        self._journal = Journal(folder_of(settings), settings.push.backlog_bytes)
        self._keeper = Keeper(settings)
        self._store = store
        self._ending = threading.Event()
        self.problem = ""
        self._thread = threading.Thread(target=self._run, name="trail-intake", daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        """Return how many bytes on disk wait for the database."""
        return self._journal.waiting_bytes

    def offer(self, receiver: Receiver, received: Received) -> "Future[None]":
        """Accept the records of *received*; the future is done once they are on disk.

        It fails with `UnavailableError` when that cannot be had now, and with `RefusedError` when
        its signature came with other records before.
        """
        refusals = received.refusals or ("",) * len(received.records)
        return self._journal.append(
            [
                Entry(receiver.name, raw, verified, received.named, refusal)
                for raw, verified, refusal in zip(
                    received.records, received.verified, refusals, strict=True
                )
            ],
            proof_of(received),
        )

    def close(self) -> None:
        """Refuse what comes, keep what is here, and stop."""
        self._journal.close()
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        pause = _EVERY_S
        while True:
            ending = self._ending.wait(pause)
            try:
                self._drain()
                self.problem, pause = "", _EVERY_S
            except Exception as error:
                pause = min(max(pause, 0.5) * 2, _LONGEST_PAUSE_S)
                self.problem = "Events wait on disk: the database does not accept them."
                _log.warning("the database does not accept events: %s", error)
            if ending:
                return

    def _drain(self) -> None:
        for path in self._journal.closed():
            drain(path, self._keeper, self._store())
            self._journal.forget(path)
        if self._ending.is_set() and self._keeper.open:
            self._keeper.end(self._store())


def drain(path: Path, keeper: Keeper, store: Store) -> None:
    """Keep all entries of one file of the journal."""
    entries = read(path)
    while part := list(itertools.islice(entries, _MOST_ENTRIES)):
        keeper.keep(store, part)


def recover(settings: Settings, store: Callable[[], Store]) -> int:
    """Keep what a killed server had on disk and not in the database; return how many files."""
    paths = sorted(folder_of(settings).glob("*.journal"))
    if not paths:
        return 0
    keeper = Keeper(settings)
    for path in paths:
        drain(path, keeper, store())
        path.unlink()
    keeper.end(store())
    return len(paths)


def _chunk(entries: list[Entry]) -> Chunk:
    good: list[tuple[int, str, bool]] = []
    refused: list[Reject] = []
    for number, entry in enumerate(entries, 1):
        if entry.refusal:
            refused.append(Reject(number, entry.refusal, entry.raw, verified=entry.verified))
            continue
        try:
            good.append((number, entry.raw.decode(), entry.verified))
        except UnicodeDecodeError as error:
            reason = f"Not UTF-8 at byte {error.start + 1}"
            refused.append(Reject(number, reason, entry.raw, verified=entry.verified))
    return Chunk(_records(good), tuple(refused), named=entries[0].named)


def _records(records: list[tuple[int, str, bool]]) -> pa.Table:
    return pa.table(
        {
            "line": pa.array([item[0] for item in records], pa.int64()),
            "raw": pa.array([item[1] for item in records], pa.string()),
            "verified": pa.array([item[2] for item in records], pa.bool_()),
        }
    )
