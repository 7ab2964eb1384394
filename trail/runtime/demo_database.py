"""The demo workspace's own database: created if nothing is connected yet, replaced when outdated.

Filled through the ordinary loaders, so that the demo shows what real files would. What happens in
the following days lies beside it, for `demo_feed`.
"""

import datetime as dt
import tempfile
from collections.abc import Iterable
from pathlib import Path

from trail.core.clock import utc_now
from trail.core.errors import UnavailableError
from trail.core.settings import Settings
from trail.events import coverage
from trail.ingest import source_health
from trail.ingest.files import load_files
from trail.integrity import mirror
from trail.runtime import demo_feed
from trail.storage import cursors
from trail.storage.database import Cursor, Store

EVENTS = 20_000

# Until then, the stories are in the week that pages show first.
_STALE = dt.timedelta(days=3)
# Those of earlier versions end when they were made.
_STALE_WITHOUT_FEED = dt.timedelta(hours=20)
_DAYS = 90
_FEED_DAYS = 14
# The feed begins with so many past events, which it repeats.
_PAST_EVENTS = 500
# The one time in which the source was not collecting.
_GAP_BEFORE, _GAP = dt.timedelta(days=19, hours=5), dt.timedelta(hours=3, minutes=20)
_GAP_REASON = "The token was not accepted (401)."
_MARK, _BEING_MADE = "demo", "being made"


def open_store(path: Path, settings: Settings) -> Store:
    """Open the demo database at *path*, created or replaced so that it extends to today."""
    if path.exists():
        store = Store.open(path, settings)
        if _is_fresh(store, utc_now()):
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
    now = utc_now()
    store.write(lambda cursor: cursors.put(cursor, _MARK, _BEING_MADE))
    past, coming = _generated(now)
    path = demo_feed.path_of(store.path)
    path.write_text("".join([*past[-_PAST_EVENTS:], *coming]), encoding="utf-8")
    gap = (now - _GAP_BEFORE, now - _GAP_BEFORE + _GAP)
    _load(store, settings, _outside(past, *gap))
    store.write(lambda cursor: _cover(cursor, now, *gap))
    store.write(lambda cursor: cursors.put(cursor, _MARK, now.isoformat()))


def _generated(now: dt.datetime) -> tuple[list[str], list[str]]:
    """Return the generated lines until *now* and those after it."""
    from trail import demo  # imports numpy, which only the demo needs

    past: list[str] = []
    coming: list[str] = []
    now_text = now.isoformat(timespec="milliseconds")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.ndjson"
        # The generator ends at midnight: generate up to the next one and cut at the current time.
        end = now + dt.timedelta(days=1)
        demo.write(path, EVENTS, _DAYS, 1, end=end, more_days=_FEED_DAYS)
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                (past if demo_feed.time_of(line) <= now_text else coming).append(line)
    return past, coming


def _outside(lines: Iterable[str], start: dt.datetime, end: dt.datetime) -> list[str]:
    """Return the *lines* of events that did not occur from *start* to *end*."""
    first, last = (at.isoformat(timespec="milliseconds") for at in (start, end))
    return [line for line in lines if not first <= demo_feed.time_of(line) < last]


def _load(store: Store, settings: Settings, lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo-workspace.ndjson"
        path.write_text("".join(lines), encoding="utf-8")
        for batch in load_files(store, settings, [path]):
            if batch.error:
                raise UnavailableError("The demo workspace could not be created.", batch.error)


def _cover(cursor: Cursor, now: dt.datetime, gap_start: dt.datetime, gap_end: dt.datetime) -> None:
    """Record when the source was collecting, as its polls would have done."""
    source_health.simulate(cursor, demo_feed.NAME, demo_feed.TITLE, demo_feed.INTERVAL)
    begin = dt.datetime.combine(now.date() - dt.timedelta(days=_DAYS - 1), dt.time())
    for state, start, end, detail in (
        (coverage.WATCHED, begin, gap_start, ""),
        (coverage.FAILED, gap_start, gap_end, _GAP_REASON),
        (coverage.WATCHED, gap_end, now, ""),
    ):
        coverage.note(cursor, demo_feed.NAME, state, start, end, detail)
