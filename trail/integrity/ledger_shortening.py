"""Shorten ledgers whose old entries no longer list any row, up to an entry that a seal states.

Called in the transaction that adds a seal. Decisions and settings are kept forever.
"""

import datetime as dt
import json

from trail.integrity import chain_history, commits, high_water_mark, ledger_check, seal_store
from trail.integrity.ledger_check import Chain
from trail.integrity.mirror import Files
from trail.storage import ledger
from trail.storage.connection import Cursor

_COVERAGE_ENTRIES = 2_000


def shorten(cursor: Cursor, where: Files) -> None:
    """Delete entries that are not needed any more; a ledger with problems is left as it is."""
    ask = seal_store.asking(cursor)
    history = chain_history.read(ask, where)
    if history.problems:
        return
    heads = high_water_mark.ledger_heads(where.known)
    for name in (ledger.COMMITS, ledger.COVERAGE, ledger.ACCESS):
        sealed = ledger_check.stated(history, name)
        chain = ledger_check.read_one(ask, name, sealed, heads)
        if chain.problems or not chain.last:
            continue
        if name == ledger.COVERAGE:
            needless = _restated(cursor, chain)
        elif name == ledger.COMMITS:
            edges = {day: line.edge for day, line in history.latest.items()}
            needless = commits.covered(chain, edges)
        else:
            needless = _trimmed(cursor)
        # The newest entry stays, since the next one continues it.
        anchors = [n for n in sealed.hashes if n <= needless and n < chain.last]
        if anchors:
            ledger.shorten(cursor, name, max(anchors))


def _restated(cursor: Cursor, chain: Chain) -> int:
    """List the rows of a long chain again; return the last entry before."""
    if chain.last - chain.first < _COVERAGE_ENTRIES:
        return 0
    ledger.restate(cursor, chain.name)
    return chain.last


def _trimmed(cursor: Cursor) -> int:
    """Return the last entry of the access log that lists only rows that were removed by age."""
    newest = cursor.execute(
        "select body from ledger where chain = $chain and change = $change "
        "order by number desc limit 1",
        {"chain": ledger.ACCESS, "change": ledger.TRIMMED},
    ).fetchall()
    if not newest:
        return 0
    before = dt.datetime.fromisoformat(json.loads(newest[0][0])["before"])
    found = cursor.execute(
        "select coalesce(max(number), 0) from ledger where chain = $chain and noted_at < $before",
        {"chain": ledger.ACCESS, "before": before},
    ).fetchall()
    return int(found[0][0])
