"""Seals on their way to destinations that tick them, so that a copy lies outside this machine.

A destination has a place in the chain; the seals after it become deliveries in the transaction that
moves the place, so that each is sent at least once. One that takes things exactly (a webhook) gets
the whole chain, and `verify --against` reads what it stored. People are told the newest seal only:
it stands for all before it.
"""

import datetime as dt
import itertools

from trail.integrity import chain
from trail.integrity.chain import Line
from trail.notifications import deliveries
from trail.notifications.destinations import Destination
from trail.notifications.event_streams import AHEAD
from trail.storage.database import Cursor, Engine, Store


def newest(engine: Engine) -> Line | None:
    """Return the newest seal, or None without any."""
    result = _lines(engine, "order by number desc limit 1")
    return result[0] if result else None


def is_behind(destination: Destination, last: Line | None) -> bool:
    """Return whether seals came past the place of a destination; *last* is the newest one."""
    if not destination.seals or last is None:
        return False
    return (destination.seal_number, destination.seal_mark) != (last.number, last.seal)


def fill(store: Store, destination: Destination, now: dt.datetime) -> int:
    """Let the next seals wait as deliveries; return how many. *now* is UTC without zone."""
    last = newest(store)
    if last is None or not is_behind(destination, last):
        return 0
    exact = destination.forwarder.exact
    lines = _after(store, destination) if exact else [last]
    # What does not hold is for verify to tell, and is no copy of anything.
    lines = list(itertools.takewhile(lambda line: not line.fault, lines))
    if not lines:
        return 0

    def put(cursor: Cursor) -> int:
        number = deliveries.enqueue_all(
            cursor,
            destination.destination_id,
            "seal",
            [(line.seal, line.body) for line in lines],
            now,
        )
        cursor.execute(
            "update destinations set seal_number = $number, seal_mark = $mark "
            "where destination_id = $id",
            {
                "number": lines[-1].number,
                "mark": lines[-1].seal,
                "id": destination.destination_id,
            },
        )
        return number

    return store.write(put)


def _after(engine: Engine, destination: Destination) -> list[Line]:
    """Return the next seals after the place; all of them if the chain was rebuilt since."""
    number = destination.seal_number
    there = _lines(engine, f"where number = {int(number)} limit 1")
    if not there or there[0].seal != destination.seal_mark:
        number = 0
    return _lines(engine, f"where number > {int(number)} order by number limit {AHEAD}")


def _lines(engine: Engine, rest: str) -> list[Line]:
    return chain.read(engine.table(f"select line from seals {rest}")["line"].to_pylist())
