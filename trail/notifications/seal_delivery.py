"""Send seals to destinations that subscribe to them, as a copy outside this machine.

Each destination has a cursor in the chain. The seals after it become deliveries in the transaction
that moves the cursor, so each is sent at least once. A destination that stores messages unchanged
(`exact`, such as a webhook) receives the whole chain, and `verify --against` reads its copy. Others
receive only the newest seal, which covers all earlier ones.
"""

import datetime as dt
import itertools

from trail.integrity import chain
from trail.integrity.chain import Line
from trail.notifications import deliveries
from trail.notifications.destination import Destination
from trail.notifications.event_streams import BATCH_SIZE
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine


def newest_seal(engine: Engine) -> Line | None:
    """Return the newest seal, or None if there is none."""
    result = _read_seals(engine, "order by number desc limit 1")
    return result[0] if result else None


def is_behind(destination: Destination, newest: Line | None) -> bool:
    """Return whether there are seals after the cursor of a destination, up to *newest*."""
    if not destination.seals or newest is None:
        return False
    return (destination.seal_number, destination.seal_mark) != (newest.number, newest.seal)


def fill(store: Store, destination: Destination, now: dt.datetime) -> int:
    """Let the next seals wait as deliveries; return how many. *now* is UTC without zone."""
    newest = newest_seal(store)
    if newest is None or not is_behind(destination, newest):
        return 0
    exact = destination.forwarder.exact
    seals = _after(store, destination) if exact else [newest]
    # Do not copy invalid seals; `verify` reports them.
    seals = list(itertools.takewhile(lambda seal: not seal.fault, seals))
    if not seals:
        return 0

    def enqueue(cursor: Cursor) -> int:
        number = deliveries.enqueue_all(
            cursor,
            destination.destination_id,
            "seal",
            [(seal.seal, seal.body) for seal in seals],
            now,
        )
        cursor.execute(
            "update destinations set seal_number = $number, seal_mark = $mark "
            "where destination_id = $id",
            {
                "number": seals[-1].number,
                "mark": seals[-1].seal,
                "id": destination.destination_id,
            },
        )
        return number

    return store.write(enqueue)


def _after(engine: Engine, destination: Destination) -> list[Line]:
    """Return the next seals after the cursor; start over if the chain was rebuilt."""
    number = destination.seal_number
    last_sent = _read_seals(engine, f"where number = {int(number)} limit 1")
    if not last_sent or last_sent[0].seal != destination.seal_mark:
        number = 0
    return _read_seals(engine, f"where number > {int(number)} order by number limit {BATCH_SIZE}")


def _read_seals(engine: Engine, clause: str) -> list[Line]:
    return chain.read(engine.table(f"select line from seals {clause}")["line"].to_pylist())
