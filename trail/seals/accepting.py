"""The way out of an alarm: a person says that what is there is right, and why, for ever.

Separate since nothing does this by itself: after a restored backup, a damaged disk, a lost key.
"""

from trail.errors import InputError, UnavailableError
from trail.seals import accounts, chain, history, kept, known, mirror, rows, sealing
from trail.seals.history import History
from trail.seals.rows import Ask, Edge
from trail.settings import Settings
from trail.store import Cursor, Store, utc_now


def accept(store: Store, settings: Settings, reason: str, made_by: str) -> int:
    """Seal every day that does not match as it is now, and say why; return how many days.

    Lines that hold stay, those that only the mirror has are taken over, those that do not hold
    leave the chain; the mirror before is kept beside under another name. Batches count from now on
    what is there. The new lines carry *reason* and *made_by*. Raises `InputError` without them,
    `UnavailableError` when the trail was sealed meanwhile or the mirror cannot be written.
    """
    if not reason.strip() or not made_by.strip():
        raise InputError("What is accepted needs a reason, and who says so.", "Add --reason TEXT.")
    where = mirror.files(store.path, settings)
    edge = store.write(lambda cursor: kept.edge(kept.asking(cursor), utc_now()))
    with sealing.snapshot(store) as ask:
        number, _ = kept.last(ask)
        found = history.read(ask, where)
        # Without the key that signed them they cannot be continued: another chain begins.
        holding = found.holding() if where.key.exists() else []
        statements = _accepted(ask, found, holding, edge, f"accepted: {reason.strip()}", made_by)

    def job(cursor: Cursor) -> int:
        if kept.last(kept.asking(cursor))[0] != number:
            raise UnavailableError("The trail was sealed meanwhile.", "Try again.")
        kept.replace(cursor, holding)
        accounts.balance(cursor)
        return len(kept.append(cursor, where, statements, utc_now()))

    done = store.write(job)
    mirror.start_anew(store, where)
    known.settle(where.known)
    return done


def _accepted(
    ask: Ask, chain_now: History, holding: list[chain.Line], edge: Edge, reason: str, made_by: str
) -> list[kept.Statement]:
    latest = {line.day: line for line in holding if line.day}
    days = {line.day for line in (*chain_now.own, *chain_now.outside, *holding) if line.day}
    statements: list[kept.Statement] = []
    edges = [sealing.moved(edge, day) for day in days if day is not None]
    for group in rows.spans(edges, rows.per_day(ask), sealing.SPAN_ROWS):
        found = rows.scan(ask, group)
        for each in group:
            line = latest.get(each.day)
            if line and not line.body.get("doubt") and history.matches(line, found[each.day]):
                continue
            body = chain.statement(
                chain.ACCEPTED, each, found[each.day], reason=reason, made_by=made_by
            )
            statements.append((body, found[each.day]))
    return statements
