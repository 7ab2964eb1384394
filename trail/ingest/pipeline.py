"""From raw records to rows: parse, validate, deduplicate and store, one transaction per chunk.

Every loader ends here, so that the rules hold for all of them: read = kept + duplicates +
quarantined; an event id is kept once; a bad record never costs a good one.
"""

import datetime as dt
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import zstandard

from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.core.model import QUARANTINE_BYTES, Batch, Chunk, Reject
from trail.core.settings import Limits
from trail.incidents import materialize
from trail.ingest import commit_entry, dedup, identities, proofs, refusals
from trail.ingest.json_records import Record, extract_records
from trail.storage import cube, cursors, dimensions, parse_sql
from trail.storage.database import Cursor, Store
from trail.storage.event_flags import AHEAD

# Repeated events are searched this far around the times of their chunk. Producers do not
# change an event's time, so the id with another time is another event past that.
_LOOK_AROUND = "interval 1 day"

# What a source that breaks half-way raises.
SOURCE_FAILURES = (InputError, OSError, EOFError, zlib.error, zstandard.ZstdError)


def load(
    store: Store,
    batch: Batch,
    chunks: Iterator[Chunk],
    limits: Limits,
    *,
    dry_run: bool = False,
    progress: Callable[[float, Batch], None] | None = None,
) -> Batch:
    """Load *chunks* into *store* and return *batch* with its counts.

    A source that breaks half-way keeps what was read before; `batch.error` says why it stopped.
    With *dry_run* everything is parsed and counted, and nothing is kept.
    """
    rehearsal = _Rehearsal(store) if dry_run else None
    if not rehearsal:
        start(store, batch)
    try:
        for chunk in chunks:
            if rehearsal:
                rehearsal.run(chunk, batch, limits)
            else:
                add(store, batch, chunk, limits)
            if progress:
                progress(chunk.progress, batch)
    except SOURCE_FAILURES as error:
        batch.error = failure_text(error)
    finally:
        if rehearsal:
            rehearsal.close()
        else:
            end(store, batch)
    return batch


def start(store: Store, batch: Batch) -> None:
    """Open *batch* in the store; it gets its number."""
    batch.batch_id = store.write(lambda cursor: _open_batch(cursor, batch))


def add(
    store: Store,
    batch: Batch,
    chunk: Chunk,
    limits: Limits,
    first: Callable[[Cursor], None] | None = None,
) -> None:
    """Keep *chunk*, in one transaction with the counts of *batch*, which are then true.

    *first* runs ahead of it in the same transaction.
    """
    job = _Job([(batch, chunk)], limits)

    def keep(cursor: Cursor) -> None:
        if first:
            first(cursor)
        job.keep(cursor)
        counted = replace(batch)
        job.count_into(counted)
        _note(cursor, counted)

    store.write(keep)
    job.count_into(batch)
    job.explain_into(batch)


def add_together(
    store: Store,
    parts: Sequence[tuple[Batch, Chunk]],
    limits: Limits,
    last: Callable[[Cursor], None],
) -> None:
    """Keep several small sources, each whole with its batch, in one transaction.

    The chunks have no marks and are alike in `named` and `mapped`. *last* runs at the end of the
    transaction, when the batches have their numbers.
    """
    job = _Job(parts, limits)
    started = utc_now()

    def keep(cursor: Cursor) -> None:
        number = cursor.execute("select coalesce(max(batch_id), 0) from batches").fetchall()[0][0]
        for number, (batch, _) in enumerate(parts, number + 1):  # noqa: B020
            batch.batch_id = number
        job.keep(cursor)
        counted = [replace(batch) for batch, _ in parts]
        for part, batch in enumerate(counted):
            job.count_into(batch, part)
        _insert_ended(cursor, counted, started)
        last(cursor)

    store.write(keep)
    for part, (batch, _) in enumerate(parts):
        job.count_into(batch, part)
        job.explain_into(batch, part)


def end_abandoned(cursor: Cursor) -> None:
    """Close the batches that a killed process left open; their counts are right as they are."""
    cursor.execute("update batches set ended_at = $now where ended_at is null", {"now": utc_now()})


def end(store: Store, batch: Batch, *, keep_empty: bool = True) -> None:
    """Close *batch*. Without *keep_empty* a batch without new events is deleted."""
    empty = not (batch.kept or batch.linked or batch.quarantined or batch.error)

    def close(cursor: Cursor) -> None:
        if empty and not keep_empty:
            cursor.execute("delete from batches where batch_id = $id", {"id": batch.batch_id})
        else:
            _note(cursor, batch, ended=True)

    store.write(close)


class _Rehearsal:
    """A dry run: its own cursor, and a list of the ids that would have been kept."""

    def __init__(self, store: Store) -> None:
        self._cursor = store.cursor()
        self._cursor.execute("create temp table rehearsed (event_id varchar)")

    def run(self, chunk: Chunk, batch: Batch, limits: Limits) -> None:
        job = _Job([(batch, chunk)], limits)
        job.stage(self._cursor, "select event_id from rehearsed")
        job.count_into(batch)
        job.explain_into(batch)
        self._cursor.execute("insert into rehearsed select event_id from fresh")

    def close(self) -> None:
        self._cursor.close()


class _Job:
    """Chunks, each of another batch, on their way into the store, and what became of the records.

    A part is the number of a chunk, from 0.
    """

    def __init__(self, parts: Sequence[tuple[Batch, Chunk]], limits: Limits) -> None:
        self._batches = [batch for batch, _ in parts]
        self._chunk = parts[0][1]
        self._limits = limits
        self._records = _together([chunk.records for _, chunk in parts])
        # The part of each record by its position; those of the strict reader follow.
        self._part_of = np.repeat(np.arange(len(parts)), [c.records.num_rows for _, c in parts])
        self._reread: list[dict[str, pa.ChunkedArray]] = []  # those of the strict reader
        self._rejects = [(n, reject) for n, (_, c) in enumerate(parts) for reject in c.rejects]
        self._staged, self._fresh, self._linked, self._proofs = np.zeros((4, len(parts)), np.int64)
        self._unverified = "verified" in self._records.column_names and bool(
            pc.any(pc.invert(self._records["verified"])).as_py()
        )

    def keep(self, cursor: Cursor) -> None:
        """Write the records, and where their source stands."""
        self.stage(cursor)
        if self._fresh.any() or self._proofs.any():
            now = cursors.next_moment(cursor)
            may_merge = self._fresh.any() and self._insert(cursor, now)
            if self._proofs.any():
                proofs.keep(cursor, now)
            if self._linked.any() or self._proofs.any():
                may_merge |= proofs.apply(cursor, now)
            if may_merge:
                identities.merge(cursor)
            texts = [_columns(self._records), *self._reread]
            commit_entry.record(
                cursor,
                now,
                self._batches[-1].batch_id or 0,
                texts,
                events=bool(self._fresh.any()),
                twins=bool(self._linked.any() or self._proofs.any()),
            )
        if self._rejects:
            self._quarantine(cursor)
        if self._chunk.mark is not None:
            cursors.put(cursor, self._batches[0].loader, self._chunk.mark)

    def _insert(self, cursor: Cursor, now: dt.datetime) -> bool:
        """Insert the events of `fresh`; return whether actors may be the same person now."""
        latest = now + AHEAD
        may_merge = identities.assign(cursor, latest)
        dimensions.assign(cursor, latest, unverified=self._unverified)
        if linked := dedup.link(cursor, now):
            self._linked = self._linked_by_part(cursor, linked)
        cursor.execute(_INSERT, {"now": now})
        cube.add(cursor, "keyed")
        materialize.mark_stale(cursor)
        return may_merge

    def count_into(self, batch: Batch, part: int = 0) -> None:
        """Add to *batch* what became of the records of *part*, once they are kept."""
        staged, linked = int(self._staged[part]), int(self._linked[part])
        kept = int(self._fresh[part]) - linked
        linked += int(self._proofs[part])
        rejects = len(self._rejects_of(part))
        batch.read += staged + rejects
        batch.kept += kept
        batch.duplicates += staged - kept
        batch.linked += linked
        batch.quarantined += rejects

    def explain_into(self, batch: Batch, part: int = 0) -> None:
        """Add to *batch* why records of *part* were refused."""
        refusals.note(batch, self._rejects_of(part))

    def _reject(self, pos: int, reject: Reject) -> None:
        self._rejects.append((self._part_of[pos], reject))

    def _rejects_of(self, part: int) -> list[Reject]:
        return [reject for number, reject in self._rejects if number == part]

    def _by_part(self, cursor: Cursor, table: str) -> np.ndarray:
        """Return how many rows of *table* (pos) each part has."""
        parts = len(self._batches)
        if parts == 1:
            return np.array([_count(cursor, table)])
        places = [row[0] for row in cursor.execute(f"select pos from {table}").fetchall()]
        return np.bincount(self._part_of[places], minlength=parts)

    def _linked_by_part(self, cursor: Cursor, linked: int) -> np.ndarray:
        ids = [batch.batch_id for batch in self._batches]
        if len(ids) == 1:
            return np.array([linked])
        rows = cursor.execute(
            "select batch_id, count(*) from twins "
            "where batch_id between $first and $last group by 1",
            {"first": ids[0], "last": ids[-1]},
        ).fetchall()
        counts = dict(rows)
        return np.array([counts.get(number, 0) for number in ids])

    def _batch_ids(self, parts: np.ndarray) -> pa.Array:
        """Return the number of the batch of each of *parts*."""
        ids = pa.array([batch.batch_id for batch in self._batches], pa.int32())
        if len(ids) == 1:
            return pa.repeat(ids[0], len(parts))
        return ids.take(pa.array(parts))

    def stage(self, cursor: Cursor, known: str = "") -> None:
        """Make the temporary views `records` and `fresh` (new events, pos).

        `records` has pos, raw, verified and batch_id.

        *known* selects event ids that count as known besides the store's.
        """
        records = self._records
        count = records.num_rows
        ids = self._batch_ids(self._part_of)
        fast = pa.table({"pos": np.arange(count), "batch_id": ids, **_columns(records)})
        cursor.register(
            "fast_records", fast.append_column("content_id", pa.nulls(count, pa.string()))
        )
        options = {"named": self._chunk.named, "mapped": self._chunk.mapped}
        cursor.execute(
            parse_sql.parse("fast_records", "parsed", self._limits, trusted=False, **options)
        )
        slow = cursor.execute(
            "select pos, line, raw, verified from parsed join fast_records using (pos, line) "
            "where slow or reason <> '' order by pos"
        ).fetchall()
        relation = "fast_records"
        if slow:
            cursor.execute("delete from parsed where slow or reason <> ''")
            self._strict(cursor, slow, count)
            relation = (
                f"(select {_RECORD} from fast_records union all select {_RECORD} from strict)"
            )
        cursor.execute(f"create or replace temp view records as select {_RECORD} from {relation}")
        order = "pos in (select pos from records where verified = false), pos"
        _drop_known(cursor, known, order if self._unverified else "pos")
        if cursor.execute("select 1 from events where unverified limit 1").fetchall():
            for pos, line, raw, verified in proofs.find(cursor, self._limits):
                self._reject(pos, Reject(line, proofs.CONFLICT, raw.encode(), 0, verified))
            self._proofs = self._by_part(cursor, "proofs")
        self._staged = self._by_part(cursor, "parsed")
        self._fresh = self._by_part(cursor, "fresh")

    def _strict(
        self, cursor: Cursor, slow: list[tuple[int, int, str, bool | None]], start: int
    ) -> None:
        """Read the doubtful records one by one; add the good ones to `parsed`."""
        result: list[tuple[int, Record]] = []
        proved: list[bool | None] = []
        parts: list[int] = []
        for pos, line, raw, verified in slow:
            for item in extract_records(raw.encode(), self._limits):
                if isinstance(item, Record):
                    result.append((line, item))
                    proved.append(verified)
                    parts.append(self._part_of[pos])
                else:
                    self._reject(pos, Reject(line, item.reason, item.raw, item.size, verified))
        self._part_of = np.append(self._part_of, np.array(parts, np.int64))
        table = pa.table(
            {
                "pos": np.arange(start, start + len(result)),
                "line": pa.array([line for line, _ in result], pa.int64()),
                "raw": pa.array([record.raw for _, record in result], pa.string()),
                "content_id": pa.array(
                    [record.content_id or None for _, record in result], pa.string()
                ),
                "verified": pa.array(proved, pa.bool_()),
                "batch_id": self._batch_ids(np.array(parts, np.int64)),
            }
        )
        self._reread.append(_columns(table))
        cursor.register("strict", table)
        options = {"named": self._chunk.named, "mapped": self._chunk.mapped}
        cursor.execute(parse_sql.parse("strict", "reparsed", self._limits, trusted=True, **options))
        for pos, line, reason, raw, verified in cursor.execute(
            "select pos, line, reason, raw, verified from reparsed join strict using (pos, line) "
            "where reason <> '' order by pos"
        ).fetchall():
            self._reject(pos, Reject(line, reason, raw.encode(), 0, verified))
        cursor.execute("insert into parsed select * from reparsed where reason = ''")

    def _quarantine(self, cursor: Cursor) -> None:
        rejects = [reject for _, reject in self._rejects]
        longest = max(QUARANTINE_BYTES, self._limits.line_bytes)
        table = pa.table(
            {
                "batch_id": self._batch_ids(np.array([part for part, _ in self._rejects])),
                "line": pa.array([reject.line for reject in rejects], pa.int64()),
                "reason": pa.array([reject.reason for reject in rejects], pa.string()),
                "raw": pa.array([r.raw[:longest] for r in rejects], pa.binary()),
                "raw_bytes": pa.array([r.size or len(r.raw) for r in rejects], pa.int64()),
                "verified": pa.array([reject.verified for reject in rejects], pa.bool_()),
            }
        )
        cursor.register("rejected", table)
        cursor.execute(
            "insert into quarantine by name "
            "select *, $now as seen_at, $named as named, $mapped as mapped from rejected",
            {"now": utc_now(), "named": self._chunk.named, "mapped": self._chunk.mapped},
        )


_RECORD = "pos, raw, verified, batch_id"

_INSERT = """
insert into events
select event_id, occurred_at, $now, action_key, actor_key, target_key, target_type, workspace_id,
 verified, batch_id, raw, forwarded, echo, identity_key, unverified, future_dated
from records join keyed using (pos)
"""


def _drop_known(cursor: Cursor, known: str, order: str) -> None:
    """Make the view `fresh`: of `parsed`, the first by *order* of each id that is not yet known.

    What is dropped is listed in the temporary table `dropped` (pos), since it is little beside what
    is kept and nothing is then copied.
    """
    conditions = [f"event_id in ({known})"] if known else []
    repeated = cursor.execute(
        "select 1 from parsed group by hash(event_id) having count(*) > 1 limit 1"
    ).fetchall()
    if repeated:
        conditions.append(
            "pos not in (select pos from parsed "
            f"qualify row_number() over (partition by event_id order by {order}) = 1)"
        )
    first, last = cursor.execute(
        "select min(occurred_at), max(occurred_at) from parsed"
    ).fetchall()[0]
    if first is not None:
        # Literal bounds let the scan skip all row groups of other days; a join would not.
        conditions.append(
            "event_id in (select event_id from events "
            f"where occurred_at >= timestamp '{first}' - {_LOOK_AROUND} "
            f"and occurred_at <= timestamp '{last}' + {_LOOK_AROUND})"
        )
        if _count(cursor, "twins"):
            conditions.append("event_id in (select event_id from twins)")
    cursor.execute(
        "create or replace temp table dropped as select pos from parsed where "
        + (" or ".join(conditions) or "false")
    )
    rest = " where pos not in (select pos from dropped)" if _count(cursor, "dropped") else ""
    cursor.execute(f"create or replace temp view fresh as select * from parsed{rest}")


def _columns(records: pa.Table) -> dict[str, pa.ChunkedArray]:
    if "verified" in records.column_names:
        verified = records["verified"]
    else:
        verified = pa.nulls(records.num_rows, pa.bool_())
    return {"line": records["line"], "raw": records["raw"], "verified": verified}


def _count(cursor: Cursor, table: str) -> int:
    # All of it, since a result that is left open holds on to what is registered.
    return int(cursor.execute(f"select count(*) from {table}").fetchall()[0][0])


def _together(tables: list[pa.Table]) -> pa.Table:
    """Return the records of *tables*; of several, all as plain text."""
    if len(tables) == 1:
        return tables[0]
    plain = [
        pa.table({name: values.cast(_PLAIN[name]) for name, values in _columns(table).items()})
        for table in tables
    ]
    return pa.concat_tables(plain)


_PLAIN = {"line": pa.int64(), "raw": pa.string(), "verified": pa.bool_()}


def _insert_ended(cursor: Cursor, batches: list[Batch], started: dt.datetime) -> None:
    names = (
        *("batch_id", "loader", "source", "error"),
        *("read", "kept", "duplicates", "linked", "quarantined"),
    )
    rows = [{name: getattr(batch, name) for name in names} for batch in batches]
    cursor.register("ended", pa.Table.from_pylist(rows))
    columns = ", ".join(names)
    cursor.execute(
        f"insert into batches ({columns}, started_at, ended_at) "
        f"select {columns}, $started, $now from ended",
        {"started": started, "now": utc_now()},
    )


def _open_batch(cursor: Cursor, batch: Batch) -> int:
    rows = cursor.execute(
        "insert into batches (batch_id, loader, source, started_at) "
        "select coalesce(max(batch_id), 0) + 1, $loader, $source, $now from batches "
        "returning batch_id",
        {"loader": batch.loader, "source": batch.source, "now": utc_now()},
    ).fetchall()
    return int(rows[0][0])


def _note(cursor: Cursor, batch: Batch, *, ended: bool = False) -> None:
    cursor.execute(
        "update batches set ended_at = $ended, read = $read, kept = $kept, "
        "duplicates = $duplicates, linked = $linked, quarantined = $quarantined, error = $error "
        "where batch_id = $batch",
        {
            "ended": utc_now() if ended else None,
            "read": batch.read,
            "kept": batch.kept,
            "duplicates": batch.duplicates,
            "linked": batch.linked,
            "quarantined": batch.quarantined,
            "error": batch.error,
            "batch": batch.batch_id,
        },
    )


def failure_text(error: Exception) -> str:
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, OSError) and not isinstance(error, EOFError) and error.strerror:
        return f"The file cannot be read: {error.strerror}."
    return "The compressed file is damaged or cut short. Records before the damage were read."
