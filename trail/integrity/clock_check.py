"""Check the clock before anything is removed or sealed: an implausible clock needs an owner.

The moment at which the clock was last plausible is a mark in the database. A check moves it by at
most `TOLERANCE`, so an event that arrives under a wrong clock, or a restart, does not make that
clock plausible.
"""

import datetime as dt
import json
from dataclasses import dataclass, replace
from typing import Any

from trail.core.clock import naive_utc, utc_text
from trail.core.errors import IntegrityError
from trail.integrity import chain, seal_store
from trail.integrity.row_digest import Ask
from trail.storage import cursors
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine

TOLERANCE = dt.timedelta(days=7)

_MARK = "clock"
_HINT = (
    "If the clock is right, an owner confirms it under Admin, Retention, or with "
    "python -m trail retain --confirm-clock. Otherwise set the clock."
)


class ImplausibleClockError(IntegrityError):
    """The clock disagrees with what is stored; an owner confirms it, or sets it."""


@dataclass(frozen=True, slots=True)
class Moments:
    """What is compared; all times are UTC without zone, and None if there is none.

    *plausible_at* is when the clock was last plausible: at the last check, else at the last seal,
    else at the first load; or at a load that followed without a long pause. *batch* is the number
    of the newest load. The *confirmed* times are those that an owner saw when confirming.
    """

    now: dt.datetime
    newest_arrival: dt.datetime | None
    last_seal: dt.datetime | None
    plausible_at: dt.datetime | None
    batch: int
    confirmed_arrival: dt.datetime | None = None
    confirmed_seal: dt.datetime | None = None

    @property
    def plausible(self) -> bool:
        """Return whether the clock agrees with what is stored, within `TOLERANCE`.

        An old arrival and an old seal are plausible if the clock was checked since.
        """
        if self.plausible_at and abs(self.now - self.plausible_at) > TOLERANCE:
            return False
        return not (
            _ahead(self.newest_arrival, self.now, self.confirmed_arrival)
            or _ahead(self.last_seal, self.now, self.confirmed_seal)
        )

    def times(self) -> str:
        """Return the moments as text."""
        arrival = (
            f"the newest event arrived on {_minute(self.newest_arrival)}"
            if self.newest_arrival
            else "no event has arrived"
        )
        seal = (
            f"the last seal was made on {_minute(self.last_seal)}"
            if self.last_seal
            else "there is no seal yet"
        )
        parts = [f"the clock shows {_minute(self.now)}", arrival, seal]
        if self.plausible_at:
            parts.append(f"the clock was last plausible on {_minute(self.plausible_at)}")
        return ", ".join(parts)

    def text(self) -> str:
        """Return why retention and sealing have stopped, and what to do."""
        return str(self.error())

    def error(self) -> ImplausibleClockError:
        """Return the error that stops retention and sealing."""
        return ImplausibleClockError(
            "Retention and sealing have stopped, because times differ by more than "
            f"{TOLERANCE.days} days: {self.times()}.",
            _HINT,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the moments for JSON, in ISO 8601 with `Z`."""
        return {
            "now": utc_text(self.now),
            "newest_arrival": _text(self.newest_arrival),
            "last_seal": _text(self.last_seal),
            "plausible_at": _text(self.plausible_at),
            "plausible": self.plausible,
        }


def moments(engine: Engine, now: dt.datetime) -> Moments:
    """Return what is compared with the clock at *now*; changes nothing."""
    return _moments(lambda sql: engine.table(sql).to_pylist(), now)


def is_plausible(engine: Engine, now: dt.datetime) -> bool:
    """Return whether the clock is plausible at *now*; changes nothing."""
    return moments(engine, now).plausible


def require_plausible(store: Store, now: dt.datetime) -> None:
    """Note that the clock is plausible at *now*; raise `ImplausibleClockError` if it is not."""

    def job(cursor: Cursor) -> Moments:
        found = _moments(seal_store.asking(cursor), now)
        if found.plausible:
            _note(cursor, replace(found, plausible_at=found.now))
        return found

    found = store.write(job)
    if not found.plausible:
        raise found.error()


def confirm(store: Store, shown: Moments) -> None:
    """Note that an owner confirmed the clock, having seen *shown*.

    Valid until times disagree again, also if the clock has moved since *shown*.
    """
    confirmed = replace(
        shown,
        plausible_at=shown.now,
        confirmed_arrival=shown.newest_arrival,
        confirmed_seal=shown.last_seal,
    )
    store.write(lambda cursor: _note(cursor, confirmed))


def _ahead(at: dt.datetime | None, now: dt.datetime, confirmed: dt.datetime | None) -> bool:
    return at is not None and at - max(now, confirmed or now) > TOLERANCE


def _moments(ask: Ask, now: dt.datetime) -> Moments:
    row = ask(
        f"select (select mark from marks where source = '{_MARK}') as noted, "
        f"(select mark from marks where source = '{cursors.KEPT}') as kept, "
        "min(started_at) as first_load, max(started_at) as last_load, "
        "coalesce(max(batch_id), 0) as batch from batches"
    )[0]
    now, noted = naive_utc(now), json.loads(row["noted"] or "{}")
    _, line = seal_store.last(ask)
    sealed_at = _moment(chain.read([line])[0].body.get("sealed_at")) if line else None
    known = _moment(noted.get("plausible_at"))
    condition = f"batch_id > {int(noted.get('batch', 0))}"
    if known is None and (known := sealed_at or row["first_load"]):
        condition = f"started_at >= timestamp '{known.isoformat(sep=' ')}'"
    if known and abs(now - known) > TOLERANCE:
        known = _followed(ask, known, condition)
    return Moments(
        now,
        _moment(row["kept"]) or row["last_load"],
        sealed_at,
        known,
        row["batch"],
        _moment(noted.get("arrival")),
        _moment(noted.get("seal")),
    )


def _followed(ask: Ask, known: dt.datetime, condition: str) -> dt.datetime:
    """Return the last load that followed *known* without a step longer than `TOLERANCE`.

    In the order of the loads, not of their times: nothing after a wrong step counts.
    """
    loads = ask(
        f"select started_at from batches where {condition} "
        "and started_at is not null order by batch_id"  # accepted batches have no time
    )
    for load in loads:
        if abs(load["started_at"] - known) > TOLERANCE:
            break
        known = load["started_at"]
    return known


def _note(cursor: Cursor, found: Moments) -> None:
    times = {
        "plausible_at": found.plausible_at,
        "arrival": found.confirmed_arrival,
        "seal": found.confirmed_seal,
    }
    mark = {name: at.isoformat() for name, at in times.items() if at}
    cursors.put(cursor, _MARK, json.dumps({**mark, "batch": found.batch}))


def _moment(text: object) -> dt.datetime | None:
    """Return a stored time; None without one or if a seal line was changed."""
    try:
        return naive_utc(dt.datetime.fromisoformat(str(text))) if text else None
    except ValueError:
        return None


def _text(at: dt.datetime | None) -> str | None:
    return utc_text(at) if at else None


def _minute(at: dt.datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
