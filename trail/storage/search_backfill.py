"""Give the events of an earlier release their search text, a part at a time, newest first.

Until an event has it, a search reads its record. An interrupted run continues where it stopped.
"""

import datetime as dt
from collections.abc import Callable

import pyarrow as pa

from trail.core.limits import Limits
from trail.storage import cursors, parse_sql, record_text, search_text
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store

_PART_ROWS = 100_000
# Until a checkpoint, DuckDB holds changed rows in memory.
_CHECKPOINT_ROWS = 2_000_000
_HOUR = dt.timedelta(hours=1)

# Where an earlier release read the record in another way, all of its values are kept.
_SAME = f"""p.reason = '' and a.action_raw = p.action_raw
 and p.workspace_id in ('', e.workspace_id)
 and t.target_type = p.target_type and t.target_id = p.target_id and t.target_name = p.target_name
 and i.actor_email = p.email and {search_text.SUBJECT} in ('', i.recorded_actor_id)"""


def mark_missing(cursor: Cursor) -> None:
    """Note that no event has its search text yet."""
    cursor.execute("select max(occurred_at) from events")
    if last := cursor.fetchall()[0][0]:
        cursors.put(cursor, search_text.BACKFILL, (last + _HOUR).isoformat())


def run(
    store: Store,
    limits: Limits,
    stopping: Callable[[], bool] = lambda: False,
    progress: Callable[[float], None] | None = None,
) -> int:
    """Fill in what is missing until *stopping* says so; return the number of events."""
    done = 0
    while not stopping() and (end := search_text.missing_until(store)):
        hours = store.table(
            "select hour, sum(n)::bigint as n from cube where hour < $end group by 1 order by 1",
            {"end": end},
        ).to_pylist()
        start, rows = None, 0
        for row in reversed(hours):
            start, rows = row["hour"], rows + row["n"]
            if rows >= _PART_ROWS:
                break
        part = start
        store.write(lambda cursor, part=part, end=end: _fill(cursor, limits, part, end))  # type: ignore[misc]
        if (done + rows) // _CHECKPOINT_ROWS > done // _CHECKPOINT_ROWS:
            store.checkpoint()
        done += rows
        left = sum(row["n"] for row in hours) - rows
        if progress:
            progress(done / (done + left) if done + left else 1.0)
    return done


def _fill(cursor: Cursor, limits: Limits, start: dt.datetime | None, end: dt.datetime) -> None:
    """Fill in the events from *start*, or of all earlier times, to *end*."""
    if start is None:
        cursors.put(cursor, search_text.BACKFILL, "")
        return
    within = f"occurred_at >= timestamp '{start}' and occurred_at < timestamp '{end}'"
    # Records that were accepted are read whatever today's limit of a line is.
    wide = limits.model_copy(update={"line_bytes": 1 << 40})
    parsed = parse_sql.read("chosen", wide, trusted=True, named=True, mapped=True)
    every = f"nullif({record_text.fold(record_text.values('e.raw'))}, '')"
    filled = cursor.sql(
        "with chosen as (select rowid as pos, 0 as line, raw, null::varchar as content_id "
        f"from events where {within}), parsed as ({parsed}) "
        "select e.rowid as place, "
        f"case when coalesce({_SAME}, false) then p.search_text else {every} end as text "
        "from parsed p join events e on e.rowid = p.pos "
        "left join actions a using (action_key) left join targets t using (target_key) "
        f"left join identities i using (identity_key) where {within.replace('occ', 'e.occ')}"
    ).to_arrow_table()
    keys = search_text.add(cursor, filled["text"])
    cursor.register("filled", pa.table({"place": filled["place"], "key": keys}))
    cursor.execute(
        f"update events set search_key = key from filled where events.rowid = place and {within} "
        "and (search_key is not null or key is not null)"
    )
    cursor.unregister("filled")
    cursors.put(cursor, search_text.BACKFILL, start.isoformat())
