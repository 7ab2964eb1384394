"""What is sent to us on its way into the store: on disk first, then kept in the next moment."""

import itertools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

from trail.core.model import Received, Receiver
from trail.core.settings import Settings
from trail.ingest.keeper import Keeper
from trail.ingest.used_signatures import proof_of
from trail.ingest.write_ahead_log import Entry, Journal, read, signatures_beside
from trail.storage.duckdb import Store

_log = logging.getLogger("trail.intake")

_LONGEST_PAUSE_S = 30.0
_MOST_ENTRIES = 20_000


class Sink(Protocol):
    """Where the records of a journal go: they are taken out every so many seconds."""

    every_s: float
    # What is reported while the sink takes nothing.
    problem: str

    def drain(self, journal: Journal, *, ending: bool) -> None:
        """Take all that the journal has; the last time with *ending*."""


def folder_of(settings: Settings) -> Path:
    """Return where the journal of the real workspace lies."""
    path = settings.store.path.absolute()
    return path.with_name(f"{path.stem}.intake")


def signatures_of(settings: Settings) -> Path:
    """Return the file of the signatures that were accepted."""
    return signatures_beside(folder_of(settings))


class StoreSink:
    """Keeps records in a store."""

    # A record is seen on the pages at most so long after its answer; each round has a fixed cost.
    every_s = 0.25
    problem = "Events wait on disk: the database does not accept them."

    def __init__(self, settings: Settings, store: Callable[[], Store]) -> None:
        self._keeper = Keeper(settings)
        self._store = store

    def drain(self, journal: Journal, *, ending: bool) -> None:
        """Keep what the journal has, and forget it."""
        for path in journal.closed():
            drain(path, self._keeper, self._store())
            journal.forget(path)
        if ending and self._keeper.open:
            self._keeper.end(self._store())


def into_store(settings: Settings, store: Callable[[], Store]) -> "Intake":
    """Return the intake of the server, which keeps what arrives in *store*."""
    journal = Journal(folder_of(settings), settings.push.backlog_bytes)
    return Intake(journal, StoreSink(settings, store))


class Intake:
    """The running intake: `offer` records, and the sink has them soon after they are on disk."""

    def __init__(self, journal: Journal, sink: Sink) -> None:
        self._journal = journal
        self._sink = sink
        self._ending = threading.Event()
        self.problem = ""
        self._thread = threading.Thread(target=self._run, name="trail-intake", daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        """Return how many bytes on disk wait for the sink."""
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
        """Refuse what comes, pass on what is here, and stop."""
        self._journal.close()
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        every_s = pause = self._sink.every_s
        while True:
            ending = self._ending.wait(pause)
            try:
                self._sink.drain(self._journal, ending=ending)
                self.problem, pause = "", every_s
            except Exception as error:
                pause = min(max(pause, 0.5) * 2, _LONGEST_PAUSE_S)
                self.problem = self._sink.problem
                _log.warning("%s %s", self._sink.problem, error)
            if ending:
                return


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
