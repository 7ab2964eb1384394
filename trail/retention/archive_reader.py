"""Open archived days as a temporary database that is deleted when it is closed.

Rows are inserted as they were archived. Loading them again would lose their time of arrival and
whether they were verified, and could link reports that were not linked before.
"""

import calendar
import datetime as dt
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.integrity import archive_check, chain_history, sealing
from trail.retention import archive
from trail.storage import cube, dimensions, search_backfill, search_text
from trail.storage.database import Cursor, Engine, Store
from trail.storage.event_flags import FUTURE_DATED

_MAX_OPEN_MONTHS = 2
_months: OrderedDict[str, Store] = OrderedDict()
_opening = threading.Lock()

# Times without zone, as in the database.
_ROWS = (
    "select * replace (occurred_at at time zone 'UTC' as occurred_at, "
    "ingested_at at time zone 'UTC' as ingested_at) from archived"
)

# Events that were archived twice, after a crash or a repeated load, appear once.
_DEDUPLICATE = """
create table once as select * from rows qualify row_number() over (
 partition by event_id, date_trunc('day', occurred_at) order by ingested_at) = 1;
drop table rows;
alter table once rename to rows
"""

_STEPS = (
    f"""
insert into actors
select row_number() over (order by actor_id), actor_id, any_value(actor_type),
 coalesce(max_by(actor_name, occurred_at) filter (actor_name <> ''), ''),
 coalesce(max_by(actor_email, occurred_at) filter (
  actor_email <> '' and verified is distinct from false and not {FUTURE_DATED}), ''),
 max(occurred_at)
from rows group by actor_id
""",
    """
insert into identities
select row_number() over (order by actor_id, recorded, email, name), recorded, email, name,
 actor_key, proven
from (select r.actor_id, coalesce(r.recorded_actor_id, r.actor_id) as recorded,
  coalesce(r.actor_email, '') as email, coalesce(r.actor_name, '') as name,
  bool_or(r.verified is distinct from false) as proven from rows r group by all)
join actors using (actor_id)
""",
    f"""
insert into targets
select row_number() over (order by target_type, target_id, target_name), *, {search_text.TARGET}
from (select distinct coalesce(target_type, '') as target_type,
 coalesce(target_id, '') as target_id, coalesce(target_name, '') as target_name from rows)
""",
    f"""
insert into events
select r.event_id, r.occurred_at, r.ingested_at, a.action_key, p.actor_key, t.target_key,
 coalesce(r.target_type, ''), coalesce(r.workspace_id, ''), r.verified, 1, r.raw,
 contains(r.raw, '"messageId"'), false, i.identity_key, r.verified is not distinct from false,
 {FUTURE_DATED}, null
from rows r join actions a using (action_raw) join actors p using (actor_id)
join identities i on i.actor_key = p.actor_key
 and i.recorded_actor_id = coalesce(r.recorded_actor_id, r.actor_id)
 and i.actor_email = coalesce(r.actor_email, '') and i.actor_name = coalesce(r.actor_name, '')
join targets t on t.target_type = coalesce(r.target_type, '')
 and t.target_id = coalesce(r.target_id, '') and t.target_name = coalesce(r.target_name, '')
order by r.occurred_at, r.event_id
""",
    """
insert into batches
select 1, 'archive', 'archive', min(ingested_at), max(ingested_at), count(*), count(*), 0, 0, '', 0
from events
""",
    "drop table rows",
)


def open_days(settings: Settings, first: dt.date, last: dt.date) -> Store:
    """Open a database with the archived events of the days *first* to *last* (UTC, inclusive).

    It is temporary, for reading only: `close` deletes it. Events in two parts appear once. Raises
    `InputError` if no event of these days is archived.
    """
    parts = archive.parts(settings, first, last)
    if not parts:
        raise InputError(
            f"No archived events from {first} to {last}.", "Choose from the archived days."
        )
    folder = tempfile.TemporaryDirectory(prefix="trail-archive-")
    store = Store.open(Path(folder.name) / "archive.duckdb", settings)
    store.afterwards.callback(folder.cleanup)
    try:
        store.write(lambda cursor: _fill(cursor, list(parts.values())))
    except BaseException:
        store.close()
        raise
    return store


def month(settings: Settings, name: str) -> Store:
    """Return the archive of a month, such as `2026-08`, shared by all readers.

    The two most recently used months stay open. Raises `InputError` for an invalid month, or one
    without archived events.
    """
    first, last = _days(name)
    with _opening:
        if name not in _months:
            _months[name] = open_days(settings, first, last)
        _months.move_to_end(name)
        while len(_months) > _MAX_OPEN_MONTHS:
            _months.popitem(last=False)[1].close()
        return _months[name]


def problems(engine: Engine, settings: Settings, name: str) -> list[str]:
    """Return how the archive of a month differs from what the seals in *engine* state, in words.

    Reads all files of the month. Raises `InputError` for an invalid month.
    """
    first, last = _days(name)
    with sealing.snapshot(engine) as ask:
        history = chain_history.own(ask)
    folder = settings.store.archive_path.absolute()
    return [p.text for p in archive_check.problems_of(history, folder, first, last)]


def _days(name: str) -> tuple[dt.date, dt.date]:
    """Return the first and the last day of a month."""
    try:
        first = dt.date.fromisoformat(f"{name}-01")
        last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    except ValueError:
        raise InputError(
            f"Invalid archive month {name[:20]!r}.", "Choose a month on Admin, such as 2026-08."
        ) from None
    return first, last


def close_months() -> None:
    """Close the months opened by `month`."""
    with _opening:
        while _months:
            _months.popitem()[1].close()


def _fill(cursor: Cursor, parts: list[list[Path]]) -> None:
    """Fill the empty tables from the *parts* of each day."""
    files = [file for day_parts in parts for file in day_parts]
    cursor.register("archived", archive.SCHEMA.empty_table())
    cursor.execute(f"create temp table rows as {_ROWS}")
    # Batch by batch and not as one stream, so that errors name the damaged part.
    for batch in _batches(files):
        cursor.register("archived", pa.Table.from_batches([batch]))
        cursor.execute(f"insert into rows by name {_ROWS}")
    cursor.unregister("archived")
    if any(len(day_parts) > 1 for day_parts in parts):
        cursor.execute(_DEDUPLICATE)
    names = cursor.execute("select distinct action_raw from rows order by all").fetchall()
    # Actions are resolved with the current catalogue.
    dimensions.add_actions(cursor, [name for (name,) in names])
    for step in _STEPS:
        cursor.execute(step)
    # An archived month is searched too seldom to prepare it when it is opened.
    search_backfill.mark_missing(cursor)
    cube.add(cursor)


def _batches(files: list[Path]) -> Iterator[pa.RecordBatch]:
    for path in files:
        with archive.readable(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield from file.iter_batches()
