"""Entries of a write-ahead log into a store, in batches of an hour.

Each receiver has one batch an hour, so that its counts are read = kept + duplicates + quarantined
as for any other source, without a batch for each request.
"""

import itertools
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from trail.core.clock import utc_now
from trail.core.errors import UnavailableError
from trail.core.model import Batch, Chunk, Reject
from trail.core.settings import Settings
from trail.ingest import pipeline
from trail.ingest.write_ahead_log import Entry
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store

_log = logging.getLogger("trail.intake")

# Called with the number of entries that are kept once the transaction of the cursor ends.
Note = Callable[[Cursor, int], None]


@dataclass(slots=True)
class _Hour:
    """The batch of a receiver for the hour that runs."""

    hour: str
    batch: Batch


@dataclass(slots=True)
class Keeper:
    """Moves entries into a store, in the batches of their receivers.

    Batches name the ingest process *node* that received them, if it was one.
    """

    settings: Settings
    node: str = ""
    _hours: dict[str, _Hour] = field(default_factory=dict)

    def keep(self, store: Store, entries: Iterable[Entry], note: Note | None = None) -> None:
        """Keep *entries*; one that breaks the reader goes to quarantine by itself.

        *note* is called in each transaction, with the number of entries from the first one on that
        it and those before have kept.
        """
        kinds = itertools.groupby(entries, lambda entry: (entry.receiver, entry.named))
        done = 0
        for (receiver, _), group in kinds:
            result = list(group)
            batch = self._batch(store, receiver)
            count = done + len(result)
            try:
                self._add(store, batch, chunk_of(result), _noting(note, count))
            except (UnavailableError, duckdb.IOException, duckdb.OutOfMemoryException):
                raise
            except Exception:
                _log.exception("a batch of %d records could not be read together", len(result))
                for number, entry in enumerate(result, done + 1):
                    self._alone(store, batch, entry, _noting(note, number))
            done = count

    @property
    def open(self) -> bool:
        """Return whether a batch is open."""
        return bool(self._hours)

    def end(self, store: Store) -> None:
        """Close the batches that are open."""
        for hour in self._hours.values():
            pipeline.end(store, hour.batch)
        self._hours.clear()

    def end_past(self, store: Callable[[], Store]) -> None:
        """Close the batches, if the hour of one is over."""
        if any(hour.hour != self._hour() for hour in self._hours.values()):
            self.end(store())

    def _hour(self) -> str:
        name = f"{utc_now():%Y-%m-%d %H:00} UTC"
        return f"{name}, {self.node}" if self.node else name

    def _batch(self, store: Store, receiver: str) -> Batch:
        name = self._hour()
        known = self._hours.get(receiver)
        if known and known.hour == name:
            return known.batch
        if known:
            pipeline.end(store, known.batch)
        batch = Batch(source=name, loader=receiver)
        pipeline.start(store, batch)
        self._hours[receiver] = _Hour(name, batch)
        return batch

    def _add(
        self, store: Store, batch: Batch, chunk: Chunk, first: Callable[[Cursor], None] | None
    ) -> None:
        if first:
            pipeline.add(store, batch, chunk, self.settings.limits, first)
        else:
            pipeline.add(store, batch, chunk, self.settings.limits)

    def _alone(
        self, store: Store, batch: Batch, entry: Entry, first: Callable[[Cursor], None] | None
    ) -> None:
        try:
            self._add(store, batch, chunk_of([entry]), first)
        except (UnavailableError, duckdb.IOException, duckdb.OutOfMemoryException):
            raise
        except Exception:
            reason = "Internal error while reading it"
            refused = (Reject(1, reason, entry.raw, verified=entry.verified),)
            self._add(store, batch, Chunk(_records([]), refused), first)


def _noting(note: Note | None, count: int) -> Callable[[Cursor], None] | None:
    return (lambda cursor: note(cursor, count)) if note else None


def chunk_of(entries: list[Entry]) -> Chunk:
    """Return the records of *entries*, which are alike in `named`."""
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
