"""Prove an unverified event once the same change arrives by a way that proves it.

That is a record with the same id and content, or one that `dedup` links, from a source that is
verified or that no signature covers. Its record is kept in `twins`; the event then loses its flag
and counts like any other. A proven record that has the id of an unverified event, but other
content, is refused: one of the two was made up.
"""

import datetime as dt

from trail.core.limits import Limits
from trail.findings import refresh
from trail.incidents import materialize
from trail.ingest import identities
from trail.storage import cube, parse_sql
from trail.storage.connection import Cursor

CONFLICT = "An unverified event with this ID and other content is already stored"

_SUSPECTS = """
create or replace temp table suspects as
select row_number() over () - 1 as pos, e.event_id, e.raw, r.pos as record_pos
from dropped d join parsed f using (pos) join records r using (pos)
join events e on e.event_id = f.event_id
where e.unverified and r.verified is distinct from false
"""

_STORED = """
create or replace temp view stored_records as
select pos, pos as line, raw, null::varchar as content_id from suspects
"""

_CONTENT = "action_raw, who, email, target_type, target_id, target_name, workspace_id"

_PROOFS = f"""
create or replace temp table proofs as
select s.record_pos as pos, s.event_id, f.occurred_at,
 f.occurred_at = o.occurred_at and {
    " and ".join(f"f.{name} is not distinct from o.{name}" for name in _CONTENT.split(", "))
} as same
from suspects s join stored_parsed o using (pos) join parsed f on f.pos = s.record_pos
"""

_KEEP = """
insert into twins
select p.event_id, p.event_id, p.occurred_at, $now, r.batch_id, r.verified, r.raw
from proofs p join records r using (pos)
"""

_PROVEN = """
create or replace temp table proven_events as
select event_id, occurred_at, action_key, target_key, identity_key, future_dated,
 date_trunc('hour', occurred_at) as hour
from events where unverified and event_id in (
 select twin_of from twins where ingested_at = $now and verified is distinct from false)
"""


def find(cursor: Cursor, limits: Limits) -> list[tuple[int, int, str, bool | None]]:
    """Make the temporary table `proofs` (pos, event_id, occurred_at) of records in `dropped`.

    Returns the records (pos, line, raw, verified) that contradict the event whose id they have.
    """
    cursor.execute(_SUSPECTS)
    cursor.execute(_STORED)
    sql = parse_sql.parse(
        "stored_records", "stored_parsed", limits, trusted=True, named=True, mapped=True
    )
    cursor.execute(sql)
    cursor.execute(_PROOFS)
    conflicts = cursor.execute(
        "select pos, f.line, r.raw, r.verified from proofs p join parsed f using (pos) "
        "join records r using (pos) where not same order by pos"
    ).fetchall()
    if conflicts:
        cursor.execute("delete from proofs where not same")
    # Of several copies in one chunk, the first is the proof; the others are duplicates.
    cursor.execute(
        "delete from proofs where pos not in (select min(pos) from proofs group by event_id)"
    )
    return conflicts


def keep(cursor: Cursor, now: dt.datetime) -> None:
    """Keep the records of `proofs` beside the events that they prove; *now* is `ingested_at`."""
    cursor.execute(_KEEP, {"now": now})


def apply(cursor: Cursor, now: dt.datetime) -> bool:
    """Clear the flag of the events that a record kept at *now* proves; return whether any was.

    Counts, names, incidents and findings follow.
    """
    cursor.execute(_PROVEN, {"now": now})
    days = cursor.execute("select distinct hour::date from proven_events").fetchall()
    if not days:
        return False
    cursor.execute(
        "update events set unverified = false "
        "where event_id in (select event_id from proven_events) and unverified"
    )
    cube.rebuild_listed(cursor, "proven_events")
    identities.prove(cursor)
    materialize.mark_stale(cursor, "proven_events")
    refresh.invalidate(cursor, [day for (day,) in days])
    return True
