"""Append-only ledgers: each entry contains the hash of the entry before.

A table that proves something is a *book*. Whoever changes rows of a book records the rows as they
were and as they became, in the same transaction (`changing`), so that the rows that the ledger
lists must be those that the table has. Verification is in `trail.integrity.ledger_check`.

The hash of an entry is the SHA-256 of its canonical JSON array, without spaces and in ASCII:
["segment-audit-trail ledger 1", chain, number, time, book, change, digest, previous hash]. `digest`
is the SHA-256 of the body; the first entry has 64 zeros as the previous hash.
"""

import contextlib
import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trail.core.clock import utc_now
from trail.storage import cursors
from trail.storage.connection import Cursor, arrow

FIRST = "0" * 64
# Chains are separate, since each is shortened at its own time.
RECORDS, COVERAGE, COMMITS, ACCESS = "records", "coverage", "commits", "access"
CHAINS = (RECORDS, COVERAGE, COMMITS, ACCESS)
ADDED, REMOVED, BEGIN, TRIMMED, RESTATED = "added", "removed", "begin", "trimmed", "restated"

_FORMAT = "segment-audit-trail ledger 1"
DUE = "ledger.begin"


@dataclass(frozen=True, slots=True)
class Book:
    """A table whose rows are recorded: its chain, its columns, and its name for people."""

    chain: str
    columns: tuple[str, ...]
    name: str


_MADE = ("made_by", "made_at")
BOOKS: dict[str, Book] = {
    "decisions": Book(RECORDS, ("finding_id", "decision", "note", *_MADE), "decisions"),
    "signoffs": Book(
        RECORDS,
        (
            *("signoff_id", "from_at", "to_at", "query", "events", "digest", "findings"),
            *("undecided", "reason", "signed_by", "signed_at", "body"),
        ),
        "sign-offs",
    ),
    "taught": Book(
        RECORDS,
        ("actor_id", "action", "since", "until", "reason", *_MADE),
        "expected activity",
    ),
    "risk_overrides": Book(RECORDS, ("version", "action", "risk", "reason", *_MADE), "risks"),
    "rule_switches": Book(RECORDS, ("rule", "is_on", *_MADE), "detector rules"),
    "annotations": Book(RECORDS, ("at_time", "until_time", "label", *_MADE), "annotations"),
    "holds": Book(
        RECORDS,
        ("hold_id", "kind", "value", "from_at", "to_at", "reason", *_MADE, "ended_at"),
        "legal holds",
    ),
    "purges": Book(
        RECORDS,
        ("purged_at", "cutoff", "events", "held", "archived", "made_by"),
        "retention runs",
    ),
    "removals": Book(RECORDS, ("batch_id", "events", "twins"), "removed events"),
    "mappings": Book(RECORDS, ("action_raw", "category", *_MADE), "categories"),
    "watches": Book(
        COVERAGE, ("source", "state", "from_at", "to_at", "detail", "noted_at"), "coverage"
    ),
    "rules": Book(
        RECORDS,
        ("rule_id", "name", "definition", "active", "snoozed_until", *_MADE),
        "alert rules",
    ),
    "destinations": Book(
        RECORDS,
        ("destination_id", "kind", "name", "settings", "secrets", "streams", "query", *_MADE),
        "destinations",
    ),
    "digest_schedules": Book(
        RECORDS,
        (
            *("schedule_id", "name", "cadence", "weekday", "hour", "zone", "findings"),
            *("destination_id", "active", *_MADE),
        ),
        "scheduled digests",
    ),
    "triage": Book(
        RECORDS, ("subject", "action", "value", "until", *_MADE), "assignments and comments"
    ),
    "identities": Book(
        RECORDS,
        ("identity_key", "recorded_actor_id", "actor_email", "actor_name"),
        "recorded identities",
    ),
    "actor_aliases": Book(
        RECORDS, ("recorded_id", "actor_id", "proof", "proven_at"), "merged actors"
    ),
    "people": Book(RECORDS, ("actor_id", "name", "email"), "directory"),
    "signoff_bodies": Book(RECORDS, ("digest", "key", "signature"), "signed texts"),
    "access_log": Book(
        ACCESS,
        (
            *("entry_id", "first_at", "last_at", "times", "kind", "username", "role", "address"),
            *("what", "detail", "file_format", "row_count", "byte_count", "digest"),
        ),
        "access log",
    ),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry states: its book, the change, and the body as JSON."""

    book: str
    change: str
    body: str


def canonical(row: Mapping[str, Any]) -> str:
    """Return *row* as JSON with sorted keys; times are ISO 8601 in UTC without zone."""
    return json.dumps(dict(row), sort_keys=True, separators=(",", ":"), default=_text)


def _text(value: object) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not stored in a ledger")


def digest_of(body: str) -> str:
    """Return the digest (hex) of a body."""
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def hash_of(
    chain: str, number: int, at: dt.datetime, book: str, change: str, digest: str, previous: str
) -> str:
    """Return the hash (hex) of an entry; *at* is UTC without zone."""
    fields = [_FORMAT, chain, number, at.isoformat(), book, change, digest, previous]
    return hashlib.sha256(json.dumps(fields, separators=(",", ":")).encode()).hexdigest()


def rows(
    cursor: Cursor, book: str, where: str = "true", params: Mapping[str, Any] | None = None
) -> Counter[str]:
    """Return the rows of *book* that match *where*, in canonical form, with their counts."""
    columns = ", ".join(BOOKS[book].columns)
    table = arrow(cursor, f"select {columns} from {book} where {where}", dict(params or {}))
    return Counter(canonical(row) for row in table.to_pylist())


@contextlib.contextmanager
def changing(
    cursor: Cursor, book: str, where: str = "true", params: Mapping[str, Any] | None = None
) -> Iterator[None]:
    """Record how the block changes the rows of *book* that match *where*.

    The condition must select all rows that the block adds, changes or deletes, before and after.
    """
    before = rows(cursor, book, where, params)
    yield
    after = rows(cursor, book, where, params)
    entries = [Entry(book, REMOVED, body) for body in (before - after).elements()]
    entries += [Entry(book, ADDED, body) for body in (after - before).elements()]
    append(cursor, BOOKS[book].chain, entries)


def append(cursor: Cursor, chain: str, entries: Iterable[Entry]) -> None:
    """Append *entries* to *chain*, in this transaction."""
    entries = list(entries)
    if not entries:
        return
    number, previous = head(cursor, chain)
    now = utc_now()
    added = []
    for entry in entries:
        number += 1
        # A chain that begins again does not continue the entry before.
        previous = FIRST if entry.change == BEGIN else previous
        digest = digest_of(entry.body)
        previous = hash_of(chain, number, now, entry.book, entry.change, digest, previous)
        added.append((chain, number, now, entry.book, entry.change, digest, entry.body, previous))
    if len(added) == 1:
        cursor.execute("insert into ledger values (?, ?, ?, ?, ?, ?, ?, ?)", list(added[0]))
        return
    columns = [
        pa.array(values, kind)
        for values, kind in zip(zip(*added, strict=True), _TYPES, strict=True)
    ]
    cursor.register("new_ledger", pa.table(columns, names=list(_NAMES)))
    cursor.execute("insert into ledger select * from new_ledger")
    cursor.unregister("new_ledger")


_NAMES = ("chain", "number", "noted_at", "book", "change", "digest", "body", "hash")
_TYPES = (
    *(pa.string(), pa.int64(), pa.timestamp("us")),
    *(pa.string(), pa.string(), pa.string(), pa.string(), pa.string()),
)


def head(cursor: Cursor, chain: str) -> tuple[int, str]:
    """Return number and hash of the newest entry of *chain*; 0 and `FIRST` without entries."""
    found = cursor.execute(
        "select number, hash from ledger where chain = $chain order by number desc limit 1",
        {"chain": chain},
    ).fetchall()
    return (int(found[0][0]), str(found[0][1])) if found else (0, FIRST)


def heads(cursor: Cursor) -> dict[str, list[Any]]:
    """Return number and hash of the newest entry by chain, as a seal states them."""
    return {chain: list(head(cursor, chain)) for chain in CHAINS}


def begin(cursor: Cursor, chain: str, body: Mapping[str, Any]) -> None:
    """Begin *chain*, or begin it again, with *body* and the rows that its books have now."""
    append(cursor, chain, [Entry("", BEGIN, canonical(body)), *_present(cursor, chain)])


def restate(cursor: Cursor, chain: str) -> None:
    """List the rows of *chain* again, so that earlier entries can be deleted once sealed.

    Only for rows that match the ledger.
    """
    append(cursor, chain, [Entry("", RESTATED, "{}"), *_present(cursor, chain)])


def _present(cursor: Cursor, chain: str) -> list[Entry]:
    return [
        Entry(name, ADDED, row)
        for name, book in BOOKS.items()
        if book.chain == chain
        for row in rows(cursor, name).elements()
    ]


def shorten(cursor: Cursor, chain: str, number: int) -> None:
    """Delete the entries of *chain* up to *number*, which a seal must state as its head."""
    cursor.execute(
        "delete from ledger where chain = $chain and number <= $number",
        {"chain": chain, "number": number},
    )


def trim(cursor: Cursor, book: str, column: str, edge: dt.datetime) -> None:
    """Record that the rows of *book* whose *column* is before *edge* (UTC) were removed by age."""
    body = canonical({"column": column, "before": edge})
    append(cursor, BOOKS[book].chain, [Entry(book, TRIMMED, body)])


def begin_if_due(cursor: Cursor) -> None:
    """Begin all chains with the rows of a database that an earlier release wrote."""
    if cursors.read(cursor, DUE):
        cursors.put(cursor, DUE, "")
        for chain in CHAINS:
            if not head(cursor, chain)[0]:
                begin_with_present(cursor, chain)


def begin_with_present(cursor: Cursor, chain: str) -> None:
    """Begin *chain*; events that were kept until now have no entry in the chain of commits."""
    newest = cursor.execute(
        "select max(newest) from (select max(ingested_at) as newest from events "
        "union all select max(ingested_at) from twins)"
    ).fetchall()
    begin(cursor, chain, {"kept": newest[0][0]})
