"""SQL that reads the parts of the archive as events, alone and together with the database.

Parts that this database wrote have its keys besides the texts. Others have texts only, or keys of
another database, and are joined to the tables of names when they are read.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from itertools import groupby
from pathlib import Path

import pyarrow as pa

from trail.core.clock import shifted
from trail.storage import archive_place, cold_tier, cold_times, cursors
from trail.storage.archive_place import Place
from trail.storage.cold_tier import KEPT, ColdPart
from trail.storage.connection import Cursor, arrow
from trail.storage.cube import KEYS
from trail.storage.event_flags import FUTURE_DATED
from trail.storage.inside import Inside
from trail.storage.search_pattern import quoted

# The columns of `events`, in order.
COLUMNS = (
    *("event_id", "occurred_at", "ingested_at", "action_key", "actor_key", "target_key"),
    *("target_type", "workspace_id", "verified", "batch_id", "raw", "forwarded", "echo"),
    *("identity_key", "unverified", "future_dated", "search_key"),
)
# `at` is occurred_at without zone: only comparisons without conversion skip parts of a file.
_KEYED = {"occurred_at": "at", "ingested_at": "arrived"}
_TEXTS = ("target_type", "workspace_id")
# The batch of archived events whose part does not say it.
_UNSTATED_BATCH = 0
_NO_RECORDED_ID = "select null::varchar as recorded_actor_id where false"
_DAY = dt.timedelta(days=1)
# Of so many days of earlier versions the tables are filled at once.
_FILLED_DAYS = 90
# What a scan that has to be registered is called.
_SCANNED = "cold_scan_"

# How the texts of a record `r` lead to keys.
JOINS = """
join trail.actions a using (action_raw)
join (select recorded_actor_id, actor_email, actor_name, min(identity_key) as identity_key
 from trail.identities group by all) n
 on n.recorded_actor_id = coalesce(r.recorded_actor_id, r.actor_id)
 and n.actor_email = coalesce(r.actor_email, '') and n.actor_name = coalesce(r.actor_name, '')
join trail.identities i on i.identity_key = n.identity_key
join trail.targets t on t.target_type = coalesce(r.target_type, '')
 and t.target_id = coalesce(r.target_id, '') and t.target_name = coalesce(r.target_name, '')
"""
_FORWARDED = """contains(r.raw, '"messageId"')"""
_UNKEYED = f"""
select r.event_id, r.occurred_at, r.ingested_at, a.action_key, i.actor_key, t.target_key,
 coalesce(r.target_type, '') as target_type, coalesce(r.workspace_id, '') as workspace_id,
 r.verified, {{batch}} as batch_id, r.raw, {_FORWARDED} as forwarded,
 false as echo, i.identity_key, r.verified is not distinct from false as unverified,
 {FUTURE_DATED} as future_dated, null::integer as search_key
from (select * replace (occurred_at at time zone 'UTC' as occurred_at,
  ingested_at at time zone 'UTC' as ingested_at) from {{files}}) r
{JOINS}
"""


def archived(
    cursor: Cursor, place: Place, *, opened: bool = False, without: Collection[dt.date] = ()
) -> str:
    """Return the SELECT of the `events` in the archive for *cursor*; "" if there are none.

    Those of the days *without* are left out. Parts are read by calendar quarter: DuckDB leaves out
    a quarter that a query does not touch when it plans the query, and opens the files of the
    others. Files that are missing or damaged are left out; whether a file of the right size is,
    only if all are *opened* for it.
    """
    engine = Inside(cursor)
    parts = cold_tier.readable(engine, place, opened=opened)
    listed = [part for part in parts if part.day not in without]
    moved = bool(cursors.get(engine, cold_tier.MOVED))
    repeats = engine.table("select distinct file from cold_repeats")["file"].to_pylist()
    columns = ", ".join(COLUMNS)
    events: list[str] = []

    def by(part: ColdPart) -> tuple[int, int, bool, str]:
        alone = part.file if part.file in repeats else ""
        return part.day.year, (part.day.month - 1) // 3, part.keyed, alone

    for (_, _, keyed, alone), group in groupby(sorted(listed, key=by), by):
        present = list(group)
        name = f"{_SCANNED}{'rest_' if without else ''}{len(events)}"
        files = place.scan(cursor, name, [part.file for part in present], keyed=keyed)
        first, last = min(p.day for p in present), max(p.day for p in present) + _DAY
        source = _keyed(files, moved=moved) if keyed else _unkeyed(files)
        where = f"occurred_at >= timestamp '{first}' and occurred_at < timestamp '{last}'"
        if alone:
            where += (
                " and event_id not in (select event_id from trail.cold_repeats "
                f"where file = {quoted(alone)})"
            )
        events.append(f"select {columns} from ({source}) where {where}")
    return " union all ".join(events)


def views(cursor: Cursor, place: Place, *, opened: bool = False) -> dict[str, str]:
    """Return the SELECTs of both tiers by the name of the table that they stand for.

    See `archived` for *opened*.
    """
    cold = archived(cursor, place, opened=opened)
    result = {"events": _both(cold)}
    for table, keys in KEYS.items():
        both = (f"select hour, {keys}, n from trail.{prefix}{table}" for prefix in ("", "cold_"))
        result[table] = " union all ".join(both)
    result |= cold_times.views(cold, cold_times.pending(Inside(cursor)))
    unstated = any(not part.keyed for part in cold_tier.parts(Inside(cursor)))
    result["batches"] = (
        f"select * from trail.batches union all by name select {_UNSTATED_BATCH} as batch_id, "
        f"'archive' as loader, 'archive' as source where {unstated}"
    )
    return result


def events(cursor: Cursor, first: dt.date) -> str:
    """Return the SELECT of the events of both tiers, for a cursor of the database alone.

    Of archived days it has those from *first* on whose files can be opened.
    """
    older = {part.day for part in cold_tier.parts(Inside(cursor)) if part.day < first}
    return _both(archived(cursor, place_of(cursor), opened=True, without=older))


def _both(cold: str) -> str:
    hot = f"select {', '.join(COLUMNS)} from trail.events"
    return f"{hot} union all {cold}" if cold else hot


def records(paths: Sequence[Path]) -> str:
    """Return the SELECT of the distinct events in the parts at *paths*, in any order.

    Of an event that is in several it is the record in the first one. Times are without zone.
    """
    scans = [
        f"select *, {number} as place from {archive_place.scan([path], keyed=True)}"
        for number, path in enumerate(paths)
    ]
    more = (
        "select null::varchar as recorded_actor_id, null::boolean as forwarded, "
        "null::integer as batch_id where false"
    )
    first = " qualify row_number() over (partition by event_id order by place) = 1"
    return (
        "select * replace (occurred_at at time zone 'UTC' as occurred_at, "
        "ingested_at at time zone 'UTC' as ingested_at, "
        f"coalesce(forwarded, {_FORWARDED}) as forwarded) "
        f"from ({' union all by name '.join([*scans, more])}) r{first if len(paths) > 1 else ''}"
    )


def known_ids(cursor: Cursor, first: dt.datetime, last: dt.datetime) -> str:
    """Return the SELECT of the ids of archived events of some days; "" if there are none.

    The days are those from *first* to *last* (UTC, without zone), and one more on each side.
    """
    after, before = shifted(first, -_DAY).date(), shifted(last, _DAY).date()
    listed = [p for p in cold_tier.parts(Inside(cursor)) if after <= p.day <= before]
    if not listed:
        return ""
    place = place_of(cursor)
    files = [part.file for part in listed if cold_tier.is_present(place, part)]
    return f"select event_id from {place.known(cursor, f'{_SCANNED}ids', files)}" if files else ""


def recount(cursor: Cursor) -> None:
    """Count the hours of archived days again, from the parts."""
    columns = f"select {', '.join(COLUMNS)} from trail.events limit 0"
    events = archived(cursor, place_of(cursor)) or columns
    cold_tier.count(cursor, f"({events})", again=True)


def fill_pending(cursor: Cursor) -> bool:
    """Fill the tables of `cold_times` for days of earlier versions, from the parts.

    Of some days at a time, the oldest first; returns whether there are more. Days with a part that
    cannot be opened wait.
    """
    waiting = cold_times.pending(Inside(cursor))
    first = waiting[:_FILLED_DAYS]
    days = sorted(set(first) - unreadable(cursor, first))
    others = {part.day for part in cold_tier.parts(Inside(cursor))} - set(days)
    if days and (cold := archived(cursor, place_of(cursor), without=others)):
        cold_times.remove(cursor, days)
        cold_times.add(cursor, f"({cold})")
    return bool(days) and len(waiting) > len(first)


def unreadable(cursor: Cursor, days: Collection[dt.date]) -> set[dt.date]:
    """Return those of *days* of which an archived part cannot be opened."""
    place = place_of(cursor)
    return {
        part.day
        for part in cold_tier.parts(Inside(cursor))
        if part.day in days and not cold_tier.is_present(place, part, opened=True)
    }


def rows_of(cursor: Cursor, files: Sequence[str]) -> pa.Table:
    """Return the columns `KEPT`, and the hour, of the events in keyed parts."""
    if not files:
        return pa.table({})
    moved = bool(cursors.read(cursor, cold_tier.MOVED))
    scan = place_of(cursor).scan(cursor, f"{_SCANNED}rows", files, keyed=True)
    source = _keyed(scan, moved=moved)
    return arrow(
        cursor, f"select {KEPT}, date_trunc('hour', e.occurred_at) as hour from ({source}) e"
    )


def _keyed(files: str, *, moved: bool) -> str:
    """Return the SELECT of the `events` in keyed parts.

    Once actors were *moved*, an event's actor is that of its identity.
    """
    columns = []
    for name in COLUMNS:
        if name in _KEYED:
            columns.append(f"r.{_KEYED[name]} as {name}")
        elif name in _TEXTS:
            columns.append(f"coalesce(r.{name}, '') as {name}")
        elif name == "actor_key" and moved:
            columns.append("i.actor_key")
        else:
            columns.append(f"r.{name}")
    join = " join trail.identities i using (identity_key)" if moved else ""
    return f"select {', '.join(columns)} from {files} r{join}"


def _unkeyed(files: str) -> str:
    # The first ones did not say by which ID a record names its actor.
    files = f"(from {files} union all by name {_NO_RECORDED_ID})"
    return _UNKEYED.format(files=files, batch=_UNSTATED_BATCH)


def place_of(cursor: Cursor) -> Place:
    """Return the place of the archive of the database of *cursor*."""
    return archive_place.at(cursor.execute("select key from memory.main.archive").fetchall()[0][0])
