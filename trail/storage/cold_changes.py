"""What has changed in the cold tier: for readers of `cold_parts`, and for the manifests of days."""

import datetime as dt
from collections.abc import Iterable

from trail.storage import cursors
from trail.storage.connection import Cursor
from trail.storage.engine import Engine

# The mark whose value changes with every change of `cold_parts`.
REVISION = "cold_tier"
# The mark with the days whose manifests do not state their parts as they are now.
_UNSTATED = "cold_manifests_due"


def revision(engine: Engine) -> str:
    """Return what changes with every change of the cold tier; "" where no day is archived."""
    return cursors.get(engine, REVISION)


def changed(cursor: Cursor, days: Iterable[dt.date] = ()) -> None:
    """Note that readers must look at `cold_parts` again, and that *days* have other parts now."""
    last = cursors.read(cursor, REVISION)
    cursors.put(cursor, REVISION, str(int(last or 0) + 1))
    texts = {str(day) for day in days} - (waiting := set(cursors.read(cursor, _UNSTATED).split()))
    if texts:
        cursors.put(cursor, _UNSTATED, " ".join(sorted(waiting | texts)))


def all_changed(cursor: Cursor) -> None:
    """Let every archived day need a new manifest."""
    if days := cursor.execute("select day from cold_parts").fetchall():
        changed(cursor, [day for (day,) in days])


def unstated(engine: Engine) -> list[dt.date]:
    """Return the days whose manifests are out of date, in order; some are not archived any more."""
    return [dt.date.fromisoformat(day) for day in cursors.get(engine, _UNSTATED).split()]


def stated(cursor: Cursor, days: Iterable[dt.date], since: str) -> None:
    """Note that the manifests of *days* are written, unless something has changed *since*.

    That is the `revision` of what they state.
    """
    if cursors.read(cursor, REVISION) == since:
        waiting = cursors.read(cursor, _UNSTATED).split()
        done = {str(day) for day in days}
        cursors.put(cursor, _UNSTATED, " ".join(day for day in waiting if day not in done))
