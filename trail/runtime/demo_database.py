"""The demo workspace's own database: created if nothing is connected yet, replaced when outdated.

Filled through the ordinary loaders, so that the demo shows what real files would. What happens in
the following days lies beside it, for `demo_feed`.
"""

import datetime as dt
import tempfile
from collections.abc import Iterable
from pathlib import Path

from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.events import coverage
from trail.ingest import source_health
from trail.integrity import mirror, seal_status, sealing, verification
from trail.runtime import demo_feed
from trail.runtime.demo_feed import DemoFeed
from trail.storage import cursors, ledger
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store

EVENTS = 20_000

# Until then, the stories are in the week that pages show first.
_STALE = dt.timedelta(days=3)
# Those of earlier versions end when they were made.
_STALE_WITHOUT_FEED = dt.timedelta(hours=20)
_DAYS = 90
_FEED_DAYS = 14
# The feed begins with so many past events, which it repeats.
_PAST_EVENTS = 500
# The one time in which the source was not collecting: before the two weeks that are compared.
_GAP_DAYS_AGO, _GAP_START, _GAP = 17, dt.time(2, 10), dt.timedelta(hours=3, minutes=20)
_GAP_REASON = "The token was not accepted (401)."
_MARK, _BEING_MADE = "demo", "being made"


def open_store(path: Path, settings: Settings) -> Store:
    """Open the demo database at *path*, created or replaced so that it extends to today."""
    if path.exists():
        store = Store.open(path, settings)
        if _is_fresh(store, utc_now()):
            store.write(ledger.begin_if_due)
            return store
        store.close()
        _remove(path, settings)
    store = Store.open(path, settings)
    _fill(store, settings)
    return store


def _is_fresh(store: Store, now: dt.datetime) -> bool:
    mark = cursors.get(store, _MARK)
    if mark == _BEING_MADE:
        return False
    if mark:
        return now - dt.datetime.fromisoformat(mark) < _STALE
    newest = store.table("select max(occurred_at) as at_time from events")["at_time"][0].as_py()
    return bool(newest and now - newest < _STALE_WITHOUT_FEED)


def _remove(path: Path, settings: Settings) -> None:
    seals = mirror.files(path, settings)
    wal = path.with_name(f"{path.name}.wal")
    for file in (path, wal, demo_feed.path_of(path), seals.key, seals.mirror, seals.known):
        file.unlink(missing_ok=True)


def _fill(store: Store, settings: Settings) -> None:
    # Imports what only a new demo needs.
    from trail.runtime import demo_past

    now = utc_now()
    store.write(lambda cursor: cursors.put(cursor, _MARK, _BEING_MADE))
    until = demo_past.end(now)
    lines = _generated(now)
    first = sum(demo_feed.time_of(line) <= _text(until) for line in lines)
    feed = "".join(lines[max(first - _PAST_EVENTS, 0) :])
    demo_feed.path_of(store.path).write_text(feed, encoding="utf-8")
    begin = dt.datetime.combine(now.date() - dt.timedelta(days=_GAP_DAYS_AGO), _GAP_START)
    gap = (begin, begin + _GAP)
    store.write(lambda cursor: _cover(cursor, until, *gap))
    demo_past.live_through(store, settings, _outside(lines[:first], *gap), now)
    # What has happened since then arrives as it will from now on.
    since = DemoFeed(store, settings)
    since.collect(now)
    since.end()
    sealing.seal(store, settings, now)
    seal_status.store_report(store, verification.verify(store, settings))
    store.write(lambda cursor: cursors.put(cursor, _MARK, now.isoformat()))


def _generated(now: dt.datetime) -> list[str]:
    """Return the generated lines of the days before *now* and of those after it."""
    from trail import demo  # imports numpy, which only the demo needs

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.ndjson"
        # The generator ends at midnight.
        end = now + dt.timedelta(days=1)
        demo.write(path, EVENTS, _DAYS, 1, end=end, more_days=_FEED_DAYS)
        with path.open(encoding="utf-8") as file:
            return list(file)


def _text(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _outside(lines: Iterable[str], start: dt.datetime, end: dt.datetime) -> list[str]:
    """Return the *lines* of events that did not occur from *start* to *end*."""
    first, last = _text(start), _text(end)
    return [line for line in lines if not first <= demo_feed.time_of(line) < last]


def _cover(
    cursor: Cursor, until: dt.datetime, gap_start: dt.datetime, gap_end: dt.datetime
) -> None:
    """Record when the source was collecting, as its polls would have done."""
    source_health.simulate(cursor, demo_feed.NAME, demo_feed.TITLE, demo_feed.INTERVAL)
    begin = dt.datetime.combine(until.date() - dt.timedelta(days=_DAYS - 2), dt.time())
    for state, start, end, detail in (
        (coverage.WATCHED, begin, gap_start, ""),
        (coverage.FAILED, gap_start, gap_end, _GAP_REASON),
        (coverage.WATCHED, gap_end, until, ""),
    ):
        coverage.note(cursor, demo_feed.NAME, state, start, end, detail)
