"""One round of asking a feed: what was broken off, what is new, and what was never watched.

Each ask overlaps the one before, since a feed's order and lateness are not promised; ids make the
overlap harmless. Gaps in the ledger of coverage are asked for as well, which is what makes the
first round a backfill and heals the time in which the server was down.
"""

import datetime as dt
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from trail.core.clock import naive_utc
from trail.core.errors import InputError, TrailError, UnavailableError
from trail.core.model import Ask, Batch, Chunk, Feed
from trail.core.section import Section
from trail.core.settings import Settings
from trail.events import coverage
from trail.ingest import directory, feeds, pipeline
from trail.storage import cursors, workspaces
from trail.storage.duckdb import Store

Progress = Callable[[float, Batch], None]


@dataclass(frozen=True, slots=True)
class Backfill:
    """The share of the history that is loaded (0 to 1), and the time reached (naive UTC)."""

    share: float
    reached: dt.datetime


_SLICE = dt.timedelta(days=7)
_SWEEP_EVERY = dt.timedelta(days=7)
_DIRECTORY_EVERY = dt.timedelta(hours=6)
_STOPPING = "The poll was stopped; the next one continues from here."
# By feed: the position of an interrupted request belongs to one round.
_rounds: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
# By feed: the settings with which the workspace was requested.
_confirmed: dict[str, Section] = {}


def pull(
    store: Store,
    settings: Settings,
    feed: Feed,
    now: dt.datetime,
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    sweep: bool = False,
    progress: Progress | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Batch:
    """Ask *feed* for what is due at *now* (UTC, without zone), and return the batch.

    With *since* all events from then (to *until*) are asked for again; with *sweep* all of the
    days that are kept, to count what earlier asks missed. A round that stops half-way says why in
    `batch.error`; the next one goes on at the page where it stopped.
    """
    if not feed.configured(settings):
        raise InputError(f"{feed.title} is not configured.", f"Set {feed.setting_hint}.")
    batch = Batch(
        source=_name(since, until, sweep=sweep),
        loader=feed.name,
        workspace_id=_workspace(store, settings, feed),
    )
    with _rounds[feed.name]:
        pipeline.start(store, batch)
        try:
            asks = _asks(store, settings, feed, now, since, until, sweep)
            for chunk in _chunks(store, settings, feed, asks):
                if stopping():
                    raise UnavailableError(_STOPPING)
                pipeline.add(store, batch, chunk, settings.limits)
                if progress:
                    progress(chunk.progress, batch)
        except TrailError as error:
            batch.error = str(error)
            if error.message != _STOPPING:
                _note_failure(store, settings, feed, now, batch.error)
        finally:
            pipeline.end(store, batch, keep_empty=sweep or since is not None)
    return batch


def _workspace(store: Store, settings: Settings, feed: Feed) -> str:
    """Return the ID of the workspace that *feed* polls, which its records may not name.

    It is requested once after a start, and again after a change of the settings, since a token may
    belong to another workspace. If that fails, the last known ID or an empty string is returned.
    """
    known, section = workspaces.by_source(store).get(feed.name, ""), settings.of(feed.section)
    if known and _confirmed.get(feed.name) == section:
        return known
    try:
        found = feed.workspace(settings)
    except TrailError:
        return known
    if not found.workspace_id:
        return known
    directory.keep(store, found, source=feed.name, is_first=not feeds.workspace_of(feed))
    _confirmed[feed.name] = section
    return found.workspace_id


def _note_failure(
    store: Store, settings: Settings, feed: Feed, now: dt.datetime, detail: str
) -> None:
    # Reaches back past the poll before, so that failures in a row become one span.
    reach = 2 * dt.timedelta(seconds=feed.every_s(settings))
    store.write(lambda cursor: coverage.note_failure(cursor, feed.name, now, reach, detail))


def _name(since: dt.datetime | None, until: dt.datetime | None, *, sweep: bool) -> str:
    if sweep:
        return "Weekly sweep"
    if since:
        return f"Since {since:%Y-%m-%d %H:%M} UTC" + (f" to {until:%Y-%m-%d}" if until else "")
    return "Latest events"


def _asks(
    store: Store,
    settings: Settings,
    feed: Feed,
    now: dt.datetime,
    since: dt.datetime | None,
    until: dt.datetime | None,
    sweep: bool,
) -> list[Ask]:
    now = _whole(now)
    oldest = now - dt.timedelta(days=settings.store.retention_days)
    broken_off = _broken_off(store, feed)
    if since or sweep:
        due = [(since or oldest, until or now)]
    else:
        recent = _recent(settings, feed, now)
        due = [(recent, now)]
        if feed.fills_gaps(settings):
            due += reversed(coverage.gaps(store, feed.name, oldest, recent))
        else:
            broken_off = None
    asks = [ask for start, end in due for ask in _sliced(_whole(start), _whole(end))]
    if broken_off:
        return [broken_off, *(ask for ask in asks if not _within(ask, broken_off))]
    return asks


def _recent(settings: Settings, feed: Feed, now: dt.datetime) -> dt.datetime:
    """Return the time from which each poll requests events again."""
    oldest = now - dt.timedelta(days=settings.store.retention_days)
    return max(oldest, now - feed.overlap(settings))


def backfill(store: Store, settings: Settings, feed: Feed, now: dt.datetime) -> Backfill:
    """Return how much of the history of *feed* is loaded at *now* (naive UTC)."""
    oldest = now - dt.timedelta(days=settings.store.retention_days)
    recent = _recent(settings, feed, now)
    missing = coverage.gaps(store, feed.name, oldest, recent)
    if not missing:
        return Backfill(1.0, oldest)
    loaded = (recent - oldest) - sum((end - start for start, end in missing), dt.timedelta())
    return Backfill(loaded / (recent - oldest), missing[-1][1])


def _broken_off(store: Store, feed: Feed) -> Ask | None:
    mark = cursors.get(store, feed.name)
    try:
        message = json.loads(mark)
        times = [dt.datetime.fromisoformat(message[name]) for name in ("since", "until")]
    except (ValueError, KeyError, TypeError):
        return None
    first, last = (naive_utc(at) for at in times)
    return Ask(first, last, mark)


def _within(ask: Ask, other: Ask) -> bool:
    return other.since <= ask.since and ask.until <= other.until


def _sliced(start: dt.datetime, end: dt.datetime) -> Iterator[Ask]:
    """Yield requests of at most a week each, the newest first, since people need those first."""
    while end > start:
        first = max(start, end - _SLICE)
        yield Ask(first, end)
        end = first


def _whole(moment: dt.datetime) -> dt.datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _chunks(store: Store, settings: Settings, feed: Feed, asks: list[Ask]) -> Iterator[Chunk]:
    for number, ask in enumerate(asks):
        for chunk in feed.pull(settings, ask):
            yield replace(chunk, progress=(number + chunk.progress) / len(asks))
        # By now the last of its pages is kept.
        store.write(
            lambda cursor, ask=ask: coverage.note(  # type: ignore[misc]
                cursor, feed.name, coverage.WATCHED, ask.since, ask.until
            )
        )


def sweep_due(store: Store, feed: Feed, now: dt.datetime) -> bool:
    """Return whether a week has gone by since the last sweep, or since the first pull."""
    message = cursors.get(store, f"{feed.name}.swept")
    return not message or now - dt.datetime.fromisoformat(json.loads(message)["at"]) >= _SWEEP_EVERY


def note_sweep(store: Store, feed: Feed, now: dt.datetime, missed: int | None) -> None:
    """Keep when the last sweep was, and how many events it found that pulls had missed."""
    message = json.dumps({"at": now.isoformat(), "missed": missed})
    store.write(lambda cursor: cursors.put(cursor, f"{feed.name}.swept", message))


def last_sweep(store: Store, feed: Feed) -> tuple[dt.datetime, int | None] | None:
    """Return when the last sweep was and how many events it found; None before the first."""
    message = cursors.get(store, f"{feed.name}.swept")
    if not message:
        return None
    result = json.loads(message)
    return dt.datetime.fromisoformat(result["at"]), result["missed"]


def refresh_directory(store: Store, settings: Settings, feed: Feed, now: dt.datetime) -> None:
    """Ask who the workspace's people are, where that was not asked for hours.

    Raises what the feed raises.
    """
    message = cursors.get(store, f"{feed.name}.directory")
    if message and now - dt.datetime.fromisoformat(message) < _DIRECTORY_EVERY:
        return
    directory.keep(
        store, feed.directory(settings), source=feed.name, is_first=not feeds.workspace_of(feed)
    )
    store.write(lambda cursor: cursors.put(cursor, f"{feed.name}.directory", now.isoformat()))
