"""Read the records of a source: what each says, or why it is refused.

Most records pass the fast reader, in SQL; the strict reader decides about those that are doubtful.
Nothing here depends on what is stored, so that it runs ahead of the transaction.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trail.core.limits import Limits
from trail.core.model import Reject
from trail.ingest.json_records import Record, extract_records
from trail.storage import parse_sql
from trail.storage.connection import Cursor

# An element of Arrow's string views: the length, and the text or where it is.
_VIEW = "V16"
_RECORD = pa.schema({"line": pa.int64(), "raw": pa.string_view(), "verified": pa.bool_()})


@dataclass(slots=True)
class Parsed:
    """Records as they came, and what those of them say that are events.

    `records` has line, raw and verified: the given ones, then those that the strict reader found
    inside them; the position of a record there is its `pos`. `origin` is the position of the given
    record that each comes from. `events` has the columns of `parse_sql.read`, nearly by pos.
    `rejects` are the refused records, each with the position of the given one.
    """

    records: pa.Table
    events: pa.Table
    origin: npt.NDArray[np.int64]
    rejects: list[tuple[int, Reject]] = field(default_factory=list)


def parse(cursor: Cursor, given: pa.Table, limits: Limits, *, named: bool, mapped: bool) -> Parsed:
    """Read the records *given* (line, raw, and verified where it is known).

    *named* and *mapped* are those of `Chunk`. The cursor must not be inside a transaction.
    """
    given = as_records(given)
    events = _read(cursor, given, None, limits, trusted=False, named=named, mapped=mapped)
    parsed = Parsed(given, events, np.arange(given.num_rows))
    doubtful = _refused(events)
    if pc.any(doubtful).as_py():
        parsed.events = events.filter(pc.invert(doubtful))
        ids = _reread(parsed, np.sort(events["pos"].filter(doubtful).to_numpy()), limits)
        if len(ids):
            found = parsed.records.slice(given.num_rows)
            events = _read(cursor, found, ids, limits, trusted=True, named=named, mapped=mapped)
            _add(parsed, events, given.num_rows)
    return parsed


def as_records(given: pa.Table) -> pa.Table:
    """Return *given* with the columns line, raw (as a view) and verified."""
    if "verified" not in given.column_names:
        given = given.append_column("verified", pa.nulls(given.num_rows, pa.bool_()))
    return given.select(_RECORD.names).cast(_RECORD)


def texts_at(records: pa.Table, places: npt.NDArray[np.int64]) -> pa.Array:
    """Return the raw text of the records at *places*; the text itself is not copied."""
    if not len(places):
        return pa.array([], pa.string_view())
    column = records["raw"].combine_chunks()
    _, heads, *texts = column.buffers()
    chosen = np.frombuffer(heads, _VIEW)[column.offset :][places]
    return pa.Array.from_buffers(
        pa.string_view(), len(places), [None, pa.py_buffer(chosen), *texts]
    )


def _read(
    cursor: Cursor,
    records: pa.Table,
    content_ids: pa.Array | None,
    limits: Limits,
    *,
    trusted: bool,
    named: bool,
    mapped: bool,
) -> pa.Table:
    """Return what `parse_sql.read` says of *records*, whose positions begin at 0."""
    count = records.num_rows
    ids = pa.nulls(count, pa.string()) if content_ids is None else content_ids
    numbered = records.append_column("pos", pa.array(np.arange(count)))
    cursor.register("given", numbered.append_column("content_id", ids))
    try:
        return parse_sql.table(
            cursor, "given", count, limits, trusted=trusted, named=named, mapped=mapped
        )
    finally:
        cursor.unregister("given")


def _reread(parsed: Parsed, places: npt.NDArray[np.int64], limits: Limits) -> pa.Array:
    """Read the records at *places* strictly; add those found; return their ids by content."""
    found: list[dict[str, object]] = []
    origin: list[int] = []
    for place in places.tolist():
        line, raw, verified = _row(parsed.records, place)
        for item in extract_records(raw.encode(), limits):
            if isinstance(item, Record):
                found.append(
                    {"line": line, "raw": item.raw, "verified": verified, "id": item.content_id}
                )
                origin.append(place)
            else:
                reject = Reject(line, item.reason, item.raw, item.size, verified)
                parsed.rejects.append((place, reject))
    columns = {
        name: pa.array([row[name] for row in found], _RECORD.field(name).type)
        for name in _RECORD.names
    }
    parsed.records = pa.concat_tables([parsed.records, pa.table(columns)])
    parsed.origin = np.append(parsed.origin, np.array(origin, np.int64))
    return pa.array([row["id"] or None for row in found], pa.string())


def _add(parsed: Parsed, events: pa.Table, start: int) -> None:
    """Add the *events* of the records from position *start*, or the reason why one is none."""
    refused = _refused(events)
    for row in events.filter(refused).sort_by("pos").select(["pos", "reason"]).to_pylist():
        pos = start + row["pos"]
        line, raw, verified = _row(parsed.records, pos)
        reject = Reject(line, row["reason"], raw.encode(), 0, verified)
        parsed.rejects.append((int(parsed.origin[pos]), reject))
    good = events.filter(pc.invert(refused))
    place = good.column_names.index("pos")
    good = good.set_column(place, "pos", pc.add(good["pos"], start))
    parsed.events = pa.concat_tables([parsed.events, good])


def _refused(events: pa.Table) -> pa.ChunkedArray:
    return pc.or_(events["slow"], pc.not_equal(events["reason"], ""))


def _row(records: pa.Table, pos: int) -> tuple[int, str, bool | None]:
    line, raw, verified = (records[name][pos].as_py() for name in _RECORD.names)
    return line, raw, verified
