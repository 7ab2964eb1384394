"""The seals in the database: the lines, and the parts of each day's newest statement.

Separate because both sealing and a purge write them, each in its own transaction.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trail.seals import chain, keys, rows
from trail.seals.chain import Body, Line
from trail.seals.mirror import Files
from trail.seals.rows import Ask, DayRows, Edge
from trail.store import Cursor

Statement = tuple[Body, DayRows]


def asking(cursor: Cursor) -> Ask:
    """Return a way to ask inside a transaction."""

    def ask(sql: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = cursor.sql(sql).to_arrow_table().to_pylist()
        return found

    return ask


def lines(ask: Ask) -> list[str]:
    """Return all lines, in the order of the chain."""
    return [row["line"] for row in ask("select line from seals order by number, line")]


def last(ask: Ask) -> tuple[int, str]:
    """Return the number and the text of the newest line; 0 and nothing before the first."""
    found = ask("select number, line from seals order by number desc limit 1")
    return (found[0]["number"], found[0]["line"]) if found else (0, "")


def edge(ask: Ask, now: dt.datetime, day: dt.date = dt.date.min) -> Edge:
    """Return the edge of what is committed at *now*, asked on the writer."""
    found = ask("select coalesce(max(batch_id), 0) as batch from batches")
    return Edge(day, found[0]["batch"], now)


def parts(ask: Ask) -> dict[int, dict[str, rows.Parts]]:
    """Return the parts by the number of their line and by kind; to be held against its digest."""
    found: dict[int, dict[str, rows.Parts]] = {}
    for row in ask("select number, kind, part, n, digest from seal_parts"):
        kinds = found.setdefault(row["number"], {rows.EVENT: {}, rows.TWIN: {}})
        kinds.setdefault(row["kind"], {})[row["part"]] = (row["n"], row["digest"])
    return found


def signing_key(where: Files, number: int) -> Ed25519PrivateKey:
    """Return the key; made before the first line, and never again, since that would hide a loss."""
    return keys.load(where.key) if number or where.key.exists() else keys.make(where.key)


def append(
    cursor: Cursor, where: Files, statements: Sequence[Statement], now: dt.datetime
) -> list[Line]:
    """Sign and chain *statements* in this transaction; return their lines. *now* is UTC."""
    ask = asking(cursor)
    number, text = last(ask)
    key = signing_key(where, number)
    prev = chain.read([text])[0].seal if number else chain.FIRST
    versions = {
        row["day"]: row["n"] for row in ask("select day, count(*) as n from seals group by all")
    }
    closed: list[Line] = []
    for body, _ in statements:
        number += 1
        day = dt.date.fromisoformat(body["day"])
        versions[day] = versions.get(day, 0) + 1
        closed.append(chain.close(body, number, prev, versions[day], now, key))
        prev = closed[-1].seal
    _insert(cursor, closed, [found for _, found in statements])
    return closed


def _insert(cursor: Cursor, closed: list[Line], found: list[DayRows]) -> None:
    table = pa.table(
        {
            "number": pa.array([line.number for line in closed], pa.int32()),
            "day": pa.array([line.day for line in closed], pa.date32()),
            "line": pa.array([line.text for line in closed], pa.string()),
        }
    )
    pieces = [
        (line.number, line.day, kind, part, n, digest)
        for line, day in zip(closed, found, strict=True)
        for kind in (rows.EVENT, rows.TWIN)
        for part, (n, digest) in sorted(day.tally(kind).parts.items())
    ]
    columns = list(zip(*pieces, strict=True)) or [()] * 6
    types = (pa.int32(), pa.date32(), pa.string(), pa.string(), pa.int64(), pa.string())
    names = ("number", "day", "kind", "part", "n", "digest")
    made = pa.table(
        {
            name: pa.array(column, type_)
            for name, column, type_ in zip(names, columns, types, strict=True)
        }
    )
    cursor.register("new_seals", table)
    cursor.register("new_parts", made)
    cursor.execute("insert into seals select * from new_seals")
    cursor.execute("delete from seal_parts where day in (select day from new_seals)")
    cursor.execute("insert into seal_parts select * from new_parts")
    cursor.unregister("new_seals")
    cursor.unregister("new_parts")


def replace(cursor: Cursor, holding: Sequence[Line]) -> None:
    """Let the chain be *holding*, in this transaction; parts of other lines go."""
    cursor.execute("delete from seals")
    if holding:
        table = pa.table(
            {
                "number": pa.array([line.number for line in holding], pa.int32()),
                "day": pa.array([line.day for line in holding], pa.date32()),
                "line": pa.array([line.text for line in holding], pa.string()),
            }
        )
        cursor.register("holding", table)
        cursor.execute("insert into seals select * from holding")
        cursor.unregister("holding")
    cursor.execute("delete from seal_parts where number not in (select number from seals)")
