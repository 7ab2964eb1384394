"""The simulated source of the demo workspace: events keep arriving while the server runs.

The generated events of the coming days are in a file beside the demo's database, so that a restart
continues where the database ends. Between them the workspace's routine events are repeated. All of
them go the way of received events, and the time until now is recorded as covered.
"""

import datetime as dt
import random
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.demo import live
from trail.events import coverage
from trail.ingest.keeper import Keeper
from trail.ingest.write_ahead_log import Entry
from trail.runtime.job import Job, JobContext
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine

NAME, TITLE = "demo", "Demo workspace"
INTERVAL = dt.timedelta(minutes=1)

_FIRST_DELAY_S = 5.0
_REPEATABLE = 100  # routine events


def path_of(database: Path) -> Path:
    """Return the file of the coming events of the demo's *database*."""
    return database.with_name(f"{database.stem}.feed.ndjson")


def time_of(line: str) -> str:
    """Return the time of a generated event in ISO 8601 with milliseconds, UTC without zone."""
    prefix = '"timestamp":"'
    start = line.index(prefix) + len(prefix)
    return line[start : start + 23]


def watched_until(engine: Engine) -> dt.datetime | None:
    """Return the time (UTC without zone) up to which the source has collected."""
    until: dt.datetime | None = engine.table(
        "select max(to_at) as until from watches where source = $name and state = $watched",
        {"name": NAME, "watched": coverage.WATCHED},
    )["until"][0].as_py()
    return until


class DemoFeed:
    """What arrives in *store*, a database of the demo workspace with its file of coming events."""

    def __init__(self, store: Store, settings: Settings, rng: random.Random | None = None) -> None:
        self.store = store
        self._keeper = Keeper(settings)
        self._rng = rng or secrets.SystemRandom()
        self._repeatable: deque[str] = deque(maxlen=_REPEATABLE)
        self._lines = _lines(path_of(store.path))
        self._next = next(self._lines, "")
        self._until = watched_until(store)
        if self._until:
            for _ in self._due(self._until):
                pass

    @classmethod
    def of(cls, store: Store, settings: Settings) -> "DemoFeed | None":
        """Return the feed of *store*, or None if it has none or `demo.live` is off."""
        has_feed = settings.demo.live and path_of(store.path).exists()
        return cls(store, settings) if has_feed else None

    def collect(self, now: dt.datetime, *, repeat: bool = False) -> int:
        """Keep what is due until *now* (UTC without zone); return the number of events.

        With *repeat*, a routine event arrives as well.
        """
        lines = list(self._due(now))
        if repeat and self._repeatable:
            chosen = self._repeatable[self._rng.randrange(len(self._repeatable))]
            lines.append(live.repeated(chosen, now, self._rng))
        self._keeper.keep(self.store, _entries(lines))
        start, self._until = self._until or now, now

        def note(cursor: Cursor) -> None:
            coverage.note(cursor, NAME, coverage.WATCHED, min(start, now), now)

        self.store.write(note)
        return len(lines)

    def pause_s(self, now: dt.datetime) -> float:
        """Return the seconds until the next event."""
        return live.pause_s(now, self._rng)

    def end(self) -> None:
        """Close the batch that is open."""
        self._keeper.end(self.store)

    def _due(self, until: dt.datetime) -> Iterator[str]:
        limit = until.isoformat(timespec="milliseconds")
        while self._next and time_of(self._next) <= limit:
            line, self._next = self._next, next(self._lines, "")
            if live.is_routine(line):
                self._repeatable.append(line)
            yield line


def jobs(context: JobContext, feed: DemoFeed | None) -> list[Job]:
    """Return the job of *feed*, if there is one."""
    if feed is None:
        return []
    return [Job.of(NAME, TITLE, INTERVAL.total_seconds(), _run(context, feed), _FIRST_DELAY_S)]


def _run(context: JobContext, feed: DemoFeed) -> Callable[[Job], str]:
    def run(job: Job) -> str:
        if context.shown() is not feed.store:  # events of one's own have arrived
            job.health.every_s = dt.timedelta(days=1).total_seconds()
            return "Ended: the demo workspace is not shown any more"
        now = utc_now()
        events = feed.collect(now, repeat=True)
        job.health.every_s = feed.pause_s(now)
        return f"{events:,} new"

    return run


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield line.rstrip("\n")


def _entries(lines: Iterable[str]) -> list[Entry]:
    return [Entry(NAME, line.encode(), verified=True) for line in lines]
