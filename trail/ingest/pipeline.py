"""From raw records to rows: parse, validate, deduplicate and store, one transaction per chunk.

Every loader ends here, so that the rules hold for all of them: read = kept + duplicates +
quarantined; an event id is kept once; a bad record never costs a good one.
"""

import contextlib
import datetime as dt
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import zstandard

from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.core.limits import Limits
from trail.core.model import QUARANTINE_BYTES, Batch, Chunk, Reject
from trail.incidents import materialize
from trail.ingest import commit_entry, dedup, identities, parsing, proofs, refusals
from trail.storage import cold_views, cube, cursors, dimensions, search_text
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.event_flags import AHEAD
from trail.storage.schema import ROW_GROUP

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
    quarantine: bool = True,
    progress: Callable[[float, Batch], None] | None = None,
) -> Batch:
    """Load *chunks* into *store* and return *batch* with its counts.

    If a source fails midway, records read before are kept; `batch.error` says why it stopped. With
    *dry_run*, everything is parsed and counted and nothing is stored. Without *quarantine*,
    unreadable records are not stored.
    """
    rehearsal = _Rehearsal(store) if dry_run else None
    if not rehearsal:
        start(store, batch)
    try:
        for chunk in chunks:
            if rehearsal:
                rehearsal.run(chunk, batch, limits)
            else:
                add(store, batch, chunk, limits, quarantine=quarantine)
            if progress:
                progress(chunk.progress, batch)
            del chunk  # its memory is for the next one
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
    *,
    quarantine: bool = True,
) -> None:
    """Store *chunk* in one transaction, and update the counts of *batch* to match.

    *first* runs before it in the same transaction. Without *quarantine*, unreadable records are
    only counted in `batch.left_out`.
    """
    job = _Job([(batch, chunk)], limits, quarantine=quarantine)
    job.read(store)

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
    job.read(store)
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
        job.parse(self._cursor)
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

    def __init__(
        self, parts: Sequence[tuple[Batch, Chunk]], limits: Limits, *, quarantine: bool = True
    ) -> None:
        self._has_quarantine = quarantine
        self._batches = [batch for batch, _ in parts]
        self._chunk = parts[0][1]
        self._limits = limits
        self._given = _together([chunk.records for _, chunk in parts])
        # The part of each given record by its position.
        self._part_of = np.repeat(np.arange(len(parts)), [c.records.num_rows for _, c in parts])
        self._rejects = [(n, reject) for n, (_, c) in enumerate(parts) for reject in c.rejects]
        self._staged, self._fresh, self._linked, self._proofs = np.zeros((4, len(parts)), np.int64)

    def read(self, store: Store) -> None:
        """Read the records, ahead of the transaction."""
        with contextlib.closing(store.cursor()) as cursor:
            self.parse(cursor)

    def parse(self, cursor: Cursor) -> None:
        """Read the records, with a *cursor* that is not inside a transaction."""
        named, mapped = self._chunk.named, self._chunk.mapped
        parsed = parsing.parse(cursor, self._given, self._limits, named=named, mapped=mapped)
        self._records, self._events = parsed.records, parsed.events
        self._rejects += [(self._part_of[pos], reject) for pos, reject in parsed.rejects]
        self._part_of = self._part_of[parsed.origin]

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
            commit_entry.record(
                cursor,
                now,
                self._batches[-1].batch_id or 0,
                self._kept if self._fresh.any() else None,
                twins=bool(self._linked.any() or self._proofs.any()),
            )
        if self._rejects and self._has_quarantine:
            self._quarantine(cursor)
        if self._chunk.mark is not None:
            cursors.put(cursor, self._batches[0].loader, self._chunk.mark)
        for name in ("records", "parsed", "fresh", "keyed", "possible"):
            cursor.unregister(name)

    def count_into(self, batch: Batch, part: int = 0) -> None:
        """Add to *batch* what became of the records of *part*, once they are kept."""
        staged, linked = int(self._staged[part]), int(self._linked[part])
        kept = int(self._fresh[part]) - linked
        linked += int(self._proofs[part])
        unread = len(self._rejects_of(part))
        rejects = unread if self._has_quarantine else 0
        batch.left_out += unread - rejects
        batch.read += staged + rejects
        batch.kept += kept
        batch.duplicates += staged - kept
        batch.linked += linked
        batch.quarantined += rejects

    def explain_into(self, batch: Batch, part: int = 0) -> None:
        """Add to *batch* why records of *part* were refused."""
        refusals.note(batch, self._rejects_of(part))

    def _rejects_of(self, part: int) -> list[Reject]:
        return [reject for number, reject in self._rejects if number == part]

    def _by_part(self, places: Iterable[int]) -> np.ndarray:
        """Return how many of the records at *places* each part has."""
        chosen = np.asarray(places, np.int64)
        return np.bincount(self._part_of[chosen], minlength=len(self._batches))

    def _batch_ids(self, parts: np.ndarray) -> pa.Array:
        """Return the number of the batch of each of *parts*."""
        ids = pa.array([batch.batch_id for batch in self._batches], pa.int32())
        if len(ids) == 1:
            return pa.repeat(ids[0], len(parts))
        return ids.take(pa.array(parts))

    def _workspaces(self, recorded: pa.ChunkedArray, places: np.ndarray) -> pa.ChunkedArray:
        """Return the workspaces of the records at *places*: as *recorded*, else of the batch."""
        known = pa.array([batch.workspace_id for batch in self._batches], pa.string())
        of_batch = known.take(pa.array(self._part_of[places]))
        recorded = recorded.cast(pa.string())
        return pc.if_else(pc.equal(recorded, ""), of_batch, recorded)

    def stage(self, cursor: Cursor, known: str = "") -> None:
        """Tell the new events from those that are known, in the temporary view `fresh`.

        *known* selects event ids that count as known besides the store's. Makes the views `records`
        (pos, line, raw, verified, batch_id) and `parsed` (see `parse_sql.read`), too.
        """
        ids = self._batch_ids(self._part_of)
        records = self._records.append_column("batch_id", ids)
        cursor.register("records", records.append_column("pos", pa.array(np.arange(len(ids)))))
        cursor.register("parsed", self._events)
        unverified = pc.any(pc.invert(self._records["verified"])).as_py()
        order = "pos in (select pos from records where verified = false), pos"
        dropped = _known(cursor, known, order if unverified else "pos")
        self._new = _without(self._events, dropped)
        cursor.register("fresh", self._new)
        if cursor.execute("select 1 from events where unverified limit 1").fetchall():
            conflicts = proofs.find(cursor, self._limits)
            for pos, line, raw, verified in conflicts:
                reject = Reject(line, proofs.CONFLICT, raw.encode(), 0, verified)
                self._rejects.append((self._part_of[pos], reject))
            self._events = _without(self._events, [pos for pos, *_ in conflicts])
            self._proofs = self._by_part(_column(cursor, "select pos from proofs"))
        self._staged = self._by_part(self._events["pos"])
        self._fresh = self._by_part(self._new["pos"])

    def _insert(self, cursor: Cursor, now: dt.datetime) -> bool:
        """Insert the new events; return whether actors may be the same person now."""
        events = self._new
        places = events["pos"].to_numpy()
        verified = self._records["verified"].take(pa.array(places))
        untrusted = pc.fill_null(pc.invert(verified), False)
        future = pc.greater(events["occurred_at"], pa.scalar(now + AHEAD, pa.timestamp("us")))
        proven = pc.invert(pc.or_(untrusted, future)).to_numpy()
        people, may_merge = identities.assign(cursor, events, proven)
        keys = dimensions.assign(cursor, events)
        columns = {name: events[name] for name in _EVENT}
        columns |= {name: people[name] for name in people.column_names}
        columns |= {name: keys[name] for name in keys.column_names}
        columns["workspace_id"] = self._workspaces(events["workspace_id"], places)
        columns |= {"unverified": untrusted, "future_dated": future, "verified": verified}
        columns["batch_id"] = self._batch_ids(self._part_of[places])
        columns["search_key"] = search_text.add(cursor, events["search_text"])
        keyed = pa.table(columns)
        cursor.register("keyed", keyed)
        if linked := dedup.link(cursor, now):
            self._linked = self._by_part(linked)
            keyed = _without(keyed, linked)
        texts = parsing.texts_at(self._records, keyed["pos"].to_numpy())
        self._kept = keyed = keyed.append_column("raw", texts)
        # One thread writes a batch: a whole row group goes to disk directly.
        batches = keyed.combine_chunks().to_batches(max_chunksize=ROW_GROUP)
        cursor.register("keyed", pa.Table.from_batches(batches, keyed.schema))
        cursor.execute(_INSERT, {"now": now})
        cube.add(cursor, "keyed")
        materialize.mark_stale(cursor)
        return may_merge

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


# What an event takes over from what its record says.
_EVENT = (
    *("pos", "event_id", "occurred_at", "target_type", "workspace_id"),
    *("forwarded", "echo"),
)

_INSERT = """
insert into events
select event_id, occurred_at, $now, action_key, actor_key, target_key, target_type, workspace_id,
 verified, batch_id, raw, forwarded, echo, identity_key, unverified, future_dated, search_key
from keyed
"""


def _known(cursor: Cursor, known: str, order: str) -> list[int]:
    """Return the pos of those of `parsed` that are known, and fill the table `dropped` with them.

    Of those with one id that is not known, all but the first by *order* are listed.
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
        if archived := cold_views.known_ids(cursor, first, last):
            conditions.append(f"event_id in ({archived})")
        if _column(cursor, "select 1 from twins limit 1"):
            conditions.append("event_id in (select event_id from twins)")
    cursor.execute(
        "create or replace temp table dropped as select pos from parsed where "
        + (" or ".join(conditions) or "false")
    )
    return _column(cursor, "select pos from dropped")


def _without(events: pa.Table, places: list[int]) -> pa.Table:
    """Return *events* without those whose pos is in *places*."""
    if not places:
        return events
    return events.filter(pc.invert(pc.is_in(events["pos"], pa.array(places, pa.int64()))))


def _column(cursor: Cursor, sql: str) -> list[int]:
    # All of it, since a result that is left open holds on to what is registered.
    return [row[0] for row in cursor.execute(sql).fetchall()]


def _together(tables: list[pa.Table]) -> pa.Table:
    """Return the records of *tables* as one."""
    if len(tables) == 1:
        return tables[0]
    return pa.concat_tables([parsing.as_records(table) for table in tables])


def _insert_ended(cursor: Cursor, batches: list[Batch], started: dt.datetime) -> None:
    names = (
        *("batch_id", "loader", "source", "workspace_id", "error"),
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
        "insert into batches (batch_id, loader, source, workspace_id, started_at) "
        "select coalesce(max(batch_id), 0) + 1, $loader, $source, $workspace, $now from batches "
        "returning batch_id",
        {
            "loader": batch.loader,
            "source": batch.source,
            "workspace": batch.workspace_id,
            "now": utc_now(),
        },
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
