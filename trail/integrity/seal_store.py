"""Store the seals in the database: the lines, and the parts of each day's newest statement."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trail.integrity import chain, key_file, row_digest
from trail.integrity.chain import Body, Line
from trail.integrity.mirror import Files
from trail.integrity.row_digest import Ask, DayRows, Edge
from trail.storage import ledger
from trail.storage.connection import Cursor, arrow

Statement = tuple[Body, DayRows]


def asking(cursor: Cursor) -> Ask:
    """Return a function that queries inside the transaction of *cursor*."""

    def ask(sql: str) -> list[dict[str, Any]]:
        result: list[dict[str, Any]] = arrow(cursor, sql).to_pylist()
        return result

    return ask


def lines(ask: Ask) -> list[str]:
    """Return all lines in the order of the chain."""
    return [
        row["line"]
        for row in ask("select coalesce(line, '') as line from seals order by number, line")
    ]


def last(ask: Ask) -> tuple[int, str]:
    """Return number and text of the newest line; 0 and an empty text without lines."""
    newest = ask("select number, line from seals order by number desc limit 1")
    return (newest[0]["number"], newest[0]["line"]) if newest else (0, "")


def edge(ask: Ask, now: dt.datetime, day: dt.date = dt.date.min) -> Edge:
    """Return the edge of what is committed at *now*; call it on the writer."""
    batch = ask("select coalesce(max(batch_id), 0) as batch from batches")[0]["batch"]
    return Edge(day, batch, now)


def parts(ask: Ask) -> dict[int, dict[str, row_digest.Parts]]:
    """Return the stored parts by the number of their line and by kind."""
    result: dict[int, dict[str, row_digest.Parts]] = {}
    for row in ask("select number, kind, part, n, digest from seal_parts"):
        kinds = result.setdefault(row["number"], {row_digest.EVENT: {}, row_digest.TWIN: {}})
        kinds.setdefault(row["kind"], {})[row["part"]] = (row["n"], row["digest"])
    return result


def signing_key(where: Files, number: int) -> Ed25519PrivateKey:
    """Return the key; created before line 1 only, since a new key would hide a loss."""
    return key_file.load(where.key) if number or where.key.exists() else key_file.make(where.key)


def append(
    cursor: Cursor, where: Files, statements: Sequence[Statement], now: dt.datetime
) -> list[Line]:
    """Sign and append *statements* in this transaction; return their lines. *now* is UTC."""
    ask = asking(cursor)
    number, text = last(ask)
    key = signing_key(where, number)
    prev = chain.read([text])[0].seal if number else chain.FIRST
    versions = {
        row["day"]: row["n"] for row in ask("select day, count(*) as n from seals group by all")
    }
    lines_: list[Line] = []
    heads = ledger.heads(cursor)
    for body, _ in statements:
        number += 1
        day = dt.date.fromisoformat(body["day"])
        versions[day] = versions.get(day, 0) + 1
        body = {**body, "ledger": heads}
        lines_.append(chain.sign(body, number, prev, versions[day], now, key))
        prev = lines_[-1].seal
    _insert(cursor, lines_, [day_rows for _, day_rows in statements])
    return lines_


_PARTS = pa.schema(
    [
        ("number", pa.int32()),
        ("day", pa.date32()),
        ("kind", pa.string()),
        ("part", pa.string()),
        ("n", pa.int64()),
        ("digest", pa.string()),
    ]
)


def _insert(cursor: Cursor, new: Sequence[Line], days: Sequence[DayRows]) -> None:
    parts = [
        dict(zip(_PARTS.names, (line.number, line.day, kind, part, n, digest), strict=True))
        for line, day_rows in zip(new, days, strict=True)
        for kind in (row_digest.EVENT, row_digest.TWIN)
        for part, (n, digest) in sorted(day_rows.tally(kind).parts.items())
    ]
    _insert_lines(cursor, new)
    numbers = ", ".join(str(line.number) for line in new) or "null"
    cursor.execute(
        f"delete from seal_parts where day in (select day from seals where number in ({numbers}))"
    )
    cursor.register("new_parts", pa.Table.from_pylist(parts, _PARTS))
    cursor.execute("insert into seal_parts select * from new_parts")
    cursor.unregister("new_parts")


def _insert_lines(cursor: Cursor, new: Sequence[Line]) -> None:
    table = pa.table(
        {
            "number": pa.array([line.number for line in new], pa.int32()),
            "day": pa.array([line.day for line in new], pa.date32()),
            "line": pa.array([line.text for line in new], pa.string()),
        }
    )
    cursor.register("new_seals", table)
    cursor.execute("insert into seals select * from new_seals")
    cursor.unregister("new_seals")


def replace(cursor: Cursor, chain_lines: Sequence[Line]) -> None:
    """Replace the chain by *chain_lines*, in this transaction; parts of other lines are deleted."""
    cursor.execute("delete from seals")
    _insert_lines(cursor, chain_lines)
    cursor.execute("delete from seal_parts where number not in (select number from seals)")
