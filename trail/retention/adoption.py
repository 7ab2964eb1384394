"""Make parts of the archive readable that this database does not list, without converting them.

An earlier release wrote them, or the database is restored from a backup that is older than they
are. Their names get keys, and their events are counted; the files stay as they are.
"""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trail.core.errors import UnavailableError
from trail.core.settings import Settings
from trail.incidents import materialize
from trail.integrity import archive_manifest
from trail.retention import archive
from trail.storage import archive_place, cold_files, cold_tier, cold_views, dimensions, ledger
from trail.storage.cold_files import SCHEMA
from trail.storage.cold_tier import ColdPart
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.event_flags import FUTURE_DATED
from trail.storage.search_text import TARGET

# What is read of a part: all but the records.
_COLUMNS = [name for name in SCHEMA.names if name != "raw"]

_ADOPTED = """
create or replace temp table adopting as
select r.* replace (r.occurred_at at time zone 'UTC' as occurred_at,
 r.ingested_at at time zone 'UTC' as ingested_at, coalesce(l.actor_id, r.actor_id) as actor_id,
 case when l.actor_id is null then r.actor_type else 'user' end as actor_type)
from arrived r left join actor_aliases l on l.recorded_id = r.actor_id
where r.event_id not in (select event_id from repeated)
"""
# Ids that are there already: of the database, and of other parts of the day.
_REPEATED = """
create or replace temp table repeated as
select distinct event_id from arrived where event_id in (select event_id from events
 where occurred_at >= $start and occurred_at < $end) or event_id in (select event_id from others)
"""
_NAMES = (
    """
insert into actors
select coalesce((select max(actor_key) from actors), 0) + row_number() over (order by actor_id),
 actor_id, any_value(actor_type),
 coalesce(max_by(actor_name, occurred_at) filter (actor_name <> ''), ''), '', null
from adopting where actor_id not in (select actor_id from actors) group by actor_id
""",
    # The latest proven e-mail by event time wins, as for events that arrive.
    f"""
update actors set actor_email = seen.email, email_at = seen.at_time
from (select actor_id, max_by(actor_email, occurred_at) as email, max(occurred_at) as at_time
 from adopting where actor_email <> '' and verified is distinct from false and not {FUTURE_DATED}
 group by actor_id) seen
where actors.actor_id = seen.actor_id
 and (actors.email_at is null or actors.email_at < seen.at_time)
""",
    """
insert into identities
select coalesce((select max(identity_key) from identities), 0)
 + row_number() over (order by actor_key, recorded, email, name), recorded, email, name,
 actor_key, proven
from (select p.actor_key, coalesce(r.recorded_actor_id, r.actor_id) as recorded,
  coalesce(r.actor_email, '') as email, coalesce(r.actor_name, '') as name,
  bool_or(r.verified is distinct from false) as proven
 from adopting r join actors p using (actor_id) group by all) f
where not exists (select 1 from identities i where i.recorded_actor_id = f.recorded
 and i.actor_email = f.email and i.actor_name = f.name)
""",
    f"""
insert into targets
select coalesce((select max(target_key) from targets), 0)
 + row_number() over (order by target_type, target_id, target_name), *, {TARGET}
from (select distinct coalesce(target_type, '') as target_type,
 coalesce(target_id, '') as target_id, coalesce(target_name, '') as target_name from adopting) f
where not exists (select 1 from targets t where t.target_type = f.target_type
 and t.target_id = f.target_id and t.target_name = f.target_name)
""",
)


# As the view of such parts reads them: see `cold_tier`.
_KEYED = f"""
create or replace temp table adopted as
select r.event_id, r.occurred_at, date_trunc('hour', r.occurred_at) as hour, a.action_key,
 i.actor_key, t.target_key, coalesce(r.target_type, '') as target_type,
 coalesce(r.workspace_id, '') as workspace_id, null::integer as batch_id,
 null::integer as search_key, r.verified is not distinct from false as unverified,
 {FUTURE_DATED} as future_dated
from adopting r {cold_views.JOINS}
"""
_DAY = dt.timedelta(days=1)
_NO_IDS = SCHEMA.empty_table().select(["event_id"])


def adopt(store: Store, settings: Settings) -> int:
    """List the parts of the archive folder that are not listed; return the number of their events.

    Events that are stored already, in the database or in another part, are counted once. Raises
    `UnavailableError` with the name of a file that is damaged, or not a part of its day, after all
    others were listed.
    """
    with archive.changing:
        try:
            return _adopt_unlisted(store, settings)
        finally:
            archive_manifest.renew(store, settings)


def _adopt_unlisted(store: Store, settings: Settings) -> int:
    place = archive_place.of(settings)
    count, problem = 0, None
    expired = set(cold_tier.expired_files(store))
    others = cold_tier.parts_by_day(store)
    for file in place.files():
        day = archive_place.day_of(file)
        assert day
        known = others.setdefault(day, [])
        if file in expired or any(part.file == file for part in known):
            continue
        try:
            with archive.readable(file), place.local(file) as path:
                table, size = _read(path, day), path.stat().st_size
                ids = [place.ids(p.file) for p in known if cold_tier.is_present(place, p)]
        except UnavailableError as error:
            problem = problem or error
            continue
        part = ColdPart(day, file, table.num_rows, size, keyed=False, searchable=False)
        count += store.write(
            lambda cursor, read=table, part=part, ids=ids: _adopt(  # type: ignore[misc]
                cursor, read, part, pa.concat_tables([_NO_IDS, *ids])
            )
        )
        known.append(part)
    if problem:
        raise problem
    return count


def _read(path: Path, day: dt.date) -> pa.Table:
    """Return the part of *day* at *path* without its records; null where it lacks a column.

    Raises `pa.ArrowInvalid` for a file that is not a part of this day, whoever put it there.
    """
    if problem := cold_files.schema_problem(path, keyed=False):
        raise pa.ArrowInvalid(problem)
    known = pq.read_schema(path).names
    table = pq.read_table(path, columns=[name for name in _COLUMNS if name in known])
    for name in _COLUMNS:
        if name not in known:
            table = table.append_column(name, pa.nulls(table.num_rows, SCHEMA.field(name).type))
    times = table["occurred_at"].cast(pa.timestamp("us"))
    start = dt.datetime.combine(day, dt.time())
    of_day = pc.and_(pc.greater_equal(times, start), pc.less(times, start + _DAY))
    ids = table["event_id"]
    if ids.null_count or times.null_count or not pc.all(of_day, min_count=0).as_py():
        raise pa.ArrowInvalid("events of other days")
    if len(pc.unique(ids)) != len(ids):
        raise pa.ArrowInvalid("repeated events")
    return table


def _adopt(cursor: Cursor, arrived: pa.Table, part: ColdPart, others: pa.Table) -> int:
    """List *part*, whose columns but the record are *arrived*; return the number of new events.

    *others* are the ids of the other parts of the day.
    """
    start = dt.datetime.combine(part.day, dt.time())
    cursor.register("arrived", arrived)
    cursor.register("others", others)
    cursor.execute(_REPEATED, {"start": start, "end": start + _DAY})
    cursor.execute(
        "insert into cold_repeats select $file, event_id from repeated", {"file": part.file}
    )
    cursor.execute(_ADOPTED)
    names = cursor.execute(
        "select distinct action_raw from adopting "
        "where action_raw not in (select action_raw from actions) order by all"
    ).fetchall()
    if names:
        dimensions.add_actions(cursor, [name for (name,) in names])
    last = cursor.execute("select coalesce(max(identity_key), 0) from identities").fetchall()[0][0]
    with ledger.changing(cursor, "identities", "identity_key > $last", {"last": last}):
        for statement in _NAMES:
            cursor.execute(statement)
    cursor.execute(_KEYED)
    materialize.keep_attempts(cursor, "adopted")
    materialize.mark_stale(cursor, "adopted")
    cold_tier.add(cursor, [part], "adopted")
    (count,) = cursor.execute("select count(*) from adopted").fetchall()[0]
    for name in ("arrived", "others"):
        cursor.unregister(name)
    for name in ("repeated", "adopting", "adopted"):
        cursor.execute(f"drop table {name}")
    return int(count)
