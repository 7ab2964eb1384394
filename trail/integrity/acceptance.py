"""Accept the present state after an integrity alarm, with a reason that is recorded permanently.

Only a person does this: after a restored backup, a damaged disk or a lost key.
"""

import datetime as dt
from collections.abc import Mapping

from trail.core.clock import utc_now
from trail.core.errors import InputError, UnavailableError
from trail.core.settings import Settings
from trail.integrity import (
    archive_check,
    batch_balance,
    chain,
    chain_history,
    clock_check,
    cold_verification,
    commits,
    derived_check,
    high_water_mark,
    ledger_check,
    mirror,
    row_digest,
    seal_store,
    sealing,
)
from trail.integrity.archive_check import Part
from trail.integrity.chain_history import History
from trail.integrity.row_digest import Ask, Edge
from trail.storage import archive_place, cold_changes, cold_tier, ledger
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store


def accept(store: Store, settings: Settings, reason: str, made_by: str) -> int:
    """Seal every day that does not match its seal as it is now; return how many days.

    Valid lines stay, lines found only in the mirror are added, and invalid lines are removed from
    the chain; the previous mirror is renamed. Batches are set to the rows that exist. New lines
    contain *reason* and *made_by*. Raises `InputError` without them, `IntegrityError` if the clock
    is implausible, `UnavailableError` if the trail was sealed meanwhile or the mirror cannot be
    written.
    """
    if not reason.strip() or not made_by.strip():
        raise InputError("A reason and a user are required.", "Add --reason TEXT.")
    clock_check.require_plausible(store, utc_now())
    where = mirror.files(store.path, settings)
    edge = store.write(lambda cursor: seal_store.edge(seal_store.asking(cursor), utc_now()))
    heads = high_water_mark.ledger_heads(where.known)
    with sealing.snapshot(store) as ask:
        number, _ = seal_store.last(ask)
        current = chain_history.read(ask, where)
        # A chain cannot be continued without its key: a new one begins.
        valid = current.valid_chain() if where.key.exists() else []
        edges = {day: line.edge for day, line in current.latest.items()}
        renewed = [
            each.name
            for each in ledger_check.read(ask, current, heads)
            if each.problems
            or (each.name == ledger.COMMITS and commits.problems(ask, ask.batches, each, edges))
        ]
        place = archive_place.of(settings)
        found = archive_check.problems(ask, current, place, full=True)
        different = {*(p.day for p in found if p.day), *cold_verification.different_days(store)}
        archived = {day: archive_check.present(place, day) for day in sorted(different)}
        text = f"accepted: {reason.strip()}"
        closed = sealing.newest_closed(edge.seen_at, settings.seals.close_hours)
        statements = _accepted(
            ask,
            current,
            valid,
            edge,
            text,
            made_by,
            archived,
            at_least=closed if renewed else None,
        )

    def job(cursor: Cursor) -> int:
        if seal_store.last(seal_store.asking(cursor))[0] != number:
            raise UnavailableError("The trail was sealed in the meantime.", "Try again.")
        seal_store.replace(cursor, valid)
        batch_balance.balance(cursor)
        for day, present in archived.items():
            cold_tier.list_again(cursor, day, {part.file: part.rows for part in present})
        cold_verification.forget_different(cursor)
        if not valid:
            cold_changes.all_changed(cursor)  # the manifests are signed by another key
        derived_check.repair(cursor)
        for name in renewed:
            ledger.begin_with_present(cursor, name)
        return len(seal_store.append(cursor, where, statements, utc_now()))

    done = store.write(job)
    mirror.recreate(store, where)
    high_water_mark.resolve(where.known)
    return done


def _accepted(
    ask: Ask,
    current: History,
    valid: list[chain.Line],
    edge: Edge,
    reason: str,
    made_by: str,
    archived: Mapping[dt.date, list[Part]],
    *,
    at_least: dt.date | None,
) -> list[seal_store.Statement]:
    """Return a statement for each day that does not match.

    With *at_least*, a closed day, there is one in any case: for the newest sealed day, or for that
    day if none is sealed.
    The ledgers can begin again only at a statement.
    """
    latest = {line.day: line for line in valid if line.day}
    days = {line.day for line in (*current.own, *current.outside, *valid) if line.day}
    if at_least and not days:
        days = {at_least}
    statements: list[seal_store.Statement] = []
    edges = [edge.on(day) for day in days if day is not None]
    for group in row_digest.spans(edges, row_digest.per_day(ask), sealing.SPAN_ROWS):
        for day_edge, day_rows in row_digest.scan_edges(ask, group):
            line = latest.get(day_edge.day)
            last = at_least and not statements and day_edge.day == max(days)
            matches = line and not line.body.get("doubt") and chain_history.matches(line, day_rows)
            parts = archived.get(day_edge.day)
            if matches and not last and parts is None:
                continue
            more = {} if parts is None else {"archive": archive_check.as_section(parts)}
            body = chain.statement(
                chain.ACCEPTED, day_edge, day_rows, reason=reason, made_by=made_by, **more
            )
            statements.append((body, day_rows))
    return statements
