"""Progress of sealing: the time of the last seal, and since when a day is overdue."""

import datetime as dt
from dataclasses import dataclass

from trail.core.settings import Settings
from trail.integrity import chain, seal_status, seal_store, sealing
from trail.storage.engine import Engine


@dataclass(frozen=True, slots=True)
class Progress:
    """Times are UTC without zone, and None if there is none.

    `overdue_since` is when the oldest unsealed day could have been sealed. `problems` counts those
    of the last verification.
    """

    sealed_to: dt.date | None
    sealed_at: dt.datetime | None
    overdue_since: dt.datetime | None
    verified_at: dt.datetime | None
    problems: int

    def overdue(self, now: dt.datetime) -> dt.timedelta:
        """Return how long the oldest unsealed day is overdue at *now*; zero if none is."""
        return (
            max(now - self.overdue_since, dt.timedelta()) if self.overdue_since else dt.timedelta()
        )


def progress(engine: Engine, settings: Settings, now: dt.datetime) -> Progress:
    """Return the progress of sealing at *now* (naive UTC)."""
    status = seal_status.status(engine)
    _, line = seal_store.last(lambda sql: engine.table(sql).to_pylist())
    text = chain.read([line])[0].body.get("sealed_at") if line else None
    first = status.sealed_to + dt.timedelta(days=1) if status.sealed_to else _first_day(engine)
    overdue = None
    if first and first <= sealing.newest_closed(now, settings.seals.close_hours):
        closed = dt.datetime.combine(first, dt.time()) + dt.timedelta(days=1)
        overdue = closed + dt.timedelta(hours=settings.seals.close_hours)
    return Progress(
        status.sealed_to,
        _moment(text),
        overdue,
        status.verified_at,
        status.problem_count,
    )


def _first_day(engine: Engine) -> dt.date | None:
    oldest: dt.datetime | None = engine.table("select min(occurred_at) as at from events")["at"][
        0
    ].as_py()
    return oldest.date() if oldest else None


def _moment(text: object) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(str(text)) if text else None
    except ValueError:  # the line was tampered with; verification reports it
        return None
