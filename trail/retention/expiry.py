"""The retention of the archive: whole days older than `store.archive_days` are removed.

Events on legal hold stay: they are written as a new part, alone. A seal of each day states that the
others were removed.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.incidents import materialize
from trail.integrity import removal_seals
from trail.integrity.mirror import Files
from trail.retention import archive, legal_holds
from trail.retention.archive import Archived
from trail.storage import cold_tier, cold_views, tiers
from trail.storage.connection import Cursor, arrow
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import Window
from trail.storage.inside import Inside
from trail.storage.where import span

_DAY = dt.timedelta(days=1)
_HOLDS = "select count(*) as n, count(ended_at) as ended from holds"


@dataclass(frozen=True, slots=True)
class Expired:
    """Archived days that were removed, their events, and those on legal hold, which stay."""

    days: int = 0
    events: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class _Day:
    """An archived day to be removed: its events, and those of them on legal hold."""

    day: dt.date
    events: int
    held: int


def due(engine: Engine, settings: Settings, now: dt.datetime) -> list[tuple[dt.date, int, int]]:
    """Return the archived days that expire at *now* (UTC), oldest first: (day, events, bytes).

    None while `store.archive_days` is 0. Days whose events are all on legal hold are among them.
    """
    if not settings.store.archive_days:
        return []
    edge = now.date() - dt.timedelta(days=settings.store.archive_days)
    return [row for row in reversed(cold_tier.archived_days(engine)) if row[0] < edge]


def expire(
    store: Store, settings: Settings, now: dt.datetime, made_by: str, seals: Files
) -> Expired:
    """Remove the archived days that are due at *now* (UTC); return what was removed.

    Raises `UnavailableError` if the archive cannot be read or written; nothing is removed then.
    """
    delete_files(store)  # of an earlier run
    planned = due(store, settings, now)
    if not planned:
        return Expired()
    holds = store.table(_HOLDS)
    held = _held(store, planned)
    # A day of which everything is on hold stays as it is.
    days = [_Day(day, events, held.get(day, 0)) for day, events, _ in planned]
    days = [day for day in days if day.events > day.held]
    if not days:
        return Expired(held=sum(held.values()))
    kept = archive.write(store, settings, [day.day for day in days if day.held], now, again=True)

    def job(cursor: Cursor) -> bool:
        if arrow(cursor, _HOLDS) != holds:
            return False  # the next run counts the hold that was placed meanwhile
        _remove(cursor, days, kept, settings, now, made_by, seals)
        return True

    if not store.write(job):
        archive.discard(store.archive, kept.parts.values())
        return Expired()
    delete_files(store)
    return Expired(len(days), sum(day.events - day.held for day in days), sum(held.values()))


def delete_files(store: Store) -> None:
    """Delete the files of removed days; if something reads the archive, the next call does.

    Safe after a crash at any point. Does nothing while the archive is away.
    """
    files = cold_tier.expired_files(store)
    if not files or not store.archive.is_there() or tiers.are_read(store):
        return
    for file in files:
        store.archive.delete(file)
    store.write(lambda cursor: cold_tier.forget_expired(cursor, files))


def _held(store: Store, planned: Sequence[tuple[dt.date, int, int]]) -> dict[dt.date, int]:
    """Return the number of archived events on legal hold by day."""
    if not legal_holds.active(store):
        return {}
    first, last = planned[0][0], planned[-1][0] + _DAY
    window = Window(*(dt.datetime.combine(day, dt.time()) for day in (first, last)))
    found = tiers.both(store).table(
        "select e.occurred_at::date as day, count(*) as n from events e "
        f"where {span(window, 'e.occurred_at')} and {archive.AGAIN} group by all"
    )
    return dict(zip(found["day"].to_pylist(), found["n"].to_pylist(), strict=True))


def _remove(
    cursor: Cursor,
    days: list[_Day],
    kept: Archived,
    settings: Settings,
    now: dt.datetime,
    made_by: str,
    seals: Files,
) -> None:
    """Remove *days* but what is *kept* of them, and seal them."""
    listed = ", ".join(f"date '{day.day}'" for day in days)
    attempts = f"(from cold_attempts where occurred_at::date in ({listed}))"
    materialize.mark_stale(cursor, attempts)
    unsearchable = {part.day for part in cold_tier.parts(Inside(cursor)) if not part.searchable}
    held = cold_views.rows_of(cursor, [part.file for part in kept.parts.values()])
    cold_tier.expire_files(cursor, [day.day for day in days])
    cold_tier.remove(cursor, [day.day for day in days])
    if kept.parts:
        cursor.register("held", held)
        materialize.keep_attempts(cursor, "held")
        cold_tier.add(cursor, archive.listed(cursor, kept.parts, unsearchable), "held")
        cursor.unregister("held")
    edge = now.date() - dt.timedelta(days=settings.store.archive_days)
    removal_seals.seal_expiry(
        cursor,
        seals,
        {day.day: day.events - day.held for day in days},
        kept.parts,
        f"retention policy: archived events before {edge}",
        made_by,
        utc_now(),
    )
