"""The cold tier: archived days as Parquet, read in place together with the events in the database.

`cold_parts` lists the parts (`day=YYYY-MM-DD/part-….parquet` below the archive folder). The hourly
counts of archived days stay in the database, with the names that their events point to, so that
only rows, searches and choices of targets read Parquet. `cold_views` reads it.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

import pyarrow as pa

from trail.storage import archive_place, cold_changes, cold_times, cursors, search_text
from trail.storage.archive_place import Place
from trail.storage.connection import Cursor
from trail.storage.cube import ACTOR_CUBE, CUBE, KEYS, counted
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import Window

# The mark that archived events point to actors that are merged into others since.
MOVED = "cold_actors_moved"
_DAY = dt.timedelta(days=1)
_NAMES = {"targets": "target_key", "actors": "actor_key", "batches": "batch_id"}
# Each of these has rows that archived events point to by the column.
POINTED_TO = {**_NAMES, "search_texts": "search_key"}

# What is counted and kept of events that are archived, as columns of `events e`.
KEPT = ", ".join(
    f"e.{name}"
    for name in (
        *("event_id", "occurred_at", "action_key", "actor_key", "target_key", "target_type"),
        *("workspace_id", "batch_id", "search_key", "unverified", "future_dated"),
    )
)


@dataclass(frozen=True, slots=True)
class ColdPart:
    """One Parquet file of the archive, its name below the archive folder, and its rows."""

    day: dt.date
    file: str
    rows: int
    bytes: int
    keyed: bool
    searchable: bool


def parts(engine: Engine) -> list[ColdPart]:
    """Return the parts of the archive that are read, by day and file."""
    table = engine.table(
        "select day, file, rows, bytes, keyed, searchable from cold_parts order by day, file"
    )
    return [ColdPart(**row) for row in table.to_pylist()]


def parts_by_day(engine: Engine) -> dict[dt.date, list[ColdPart]]:
    """Return the `parts` of each archived day."""
    result: dict[dt.date, list[ColdPart]] = {}
    for part in parts(engine):
        result.setdefault(part.day, []).append(part)
    return result


def archived_days(engine: Engine) -> list[tuple[dt.date, int, int]]:
    """Return the archived days, newest first: (day, events, bytes)."""
    repeats = "(select file, count(*) as n from cold_repeats group by file)"
    rows = engine.table(
        "select day, sum(rows - coalesce(n, 0))::bigint as n, sum(bytes)::bigint as bytes "
        f"from cold_parts left join {repeats} using (file) group by day order by day desc"
    ).to_pylist()
    return [(row["day"], row["n"], row["bytes"]) for row in rows]


def touches(engine: Engine, window: Window) -> bool:
    """Return whether *window* has archived days."""
    first = window.start.date() if window.start else dt.date.min
    last = window.end.date() if window.end else dt.date.max
    days = engine.table("select min(day) as first, max(day) as last from cold_parts").to_pylist()[0]
    return days["first"] is not None and first <= days["last"] and last >= days["first"]


class _WithArchive(Engine, Protocol):
    @property
    def archive(self) -> Place: ...


def missing(engine: _WithArchive, window: Window | None = None) -> list[str]:
    """Return the listed parts that are not in the archive folder any more, or damaged, by day.

    With a *window*, those of the days that it touches.
    """
    first, last = (window.start, window.end) if window else (None, None)
    return [
        part.file
        for part in parts(engine)
        if (first is None or part.day >= first.date())
        and (last is None or part.day <= last.date())
        and not is_present(engine.archive, part)
    ]


def is_present(place: Place, part: ColdPart, *, opened: bool = False) -> bool:
    """Return whether *part* is in the archive at *place* and can be read.

    Unless the file is *opened* for it, one of the right size can.
    """
    return place.is_readable(part.file, None if opened else part.bytes, keyed=part.keyed)


def readable(engine: Engine, place: Place, *, opened: bool = False) -> list[ColdPart]:
    """Return the parts that any engine can read now, by day; a part's address is `Place.url`/file.

    See `is_present` for *opened*.
    """
    return [part for part in parts(engine) if is_present(place, part, opened=opened)]


def missing_text(files: Sequence[str], place: Place) -> str:
    """Return the sentences about *files* of *place* that are `missing`."""
    if problem := place.problem():
        days = sorted({str(archive_place.day_of(file)) for file in files})
        span = f"{days[0]} to {days[-1]}" if len(days) > 1 else days[0]
        return (
            f"The archive cannot be reached: events of {len(days):,} archived "
            f"day{'s' * (len(days) > 1)} ({span}) are counted and cannot be shown. {problem}"
        )
    if len(files) == 1:
        named, verb, its, it = f"file {files[0]}", "is", "its", "it"
    else:
        more = f"{files[0]} and {len(files) - 1:,} more"
        named, verb, its, it = f"files {more}", "are", "their", "them"
    return (
        f"Archive {named} {verb} missing or damaged: {its} events are counted and cannot be "
        f"shown. Restore {it} from a copy of the archive."
    )


def count(cursor: Cursor, rows: str, *, again: bool = False) -> None:
    """Add the hourly counts of *rows*, as `add` has them, and when their actors were seen.

    With *again* in place of all.
    """
    for table in KEYS:
        if again:
            cursor.execute(f"delete from cold_{table}")
        names = " join actors using (actor_key)" if table == CUBE else ""
        cursor.execute(
            f"insert into cold_{table} by name {counted(table, f'{rows} r{names}')} order by hour"
        )
    if again:
        cold_times.remove(cursor)
    cold_times.add(cursor, rows)


def miscounted(table: str) -> str:
    """Return the SELECT of the archived days whose hourly counts differ from their parts: day, n.

    *table* is one of `cube.KEYS`; n is the number of events by which they differ.
    """
    repeats = "(select file, count(*) as n from cold_repeats group by file)"
    return (
        "select day, abs(sum(n))::bigint as n from ("
        "select day, rows - coalesce(n, 0) as n from cold_parts "
        f"left join {repeats} using (file) "
        f"union all select hour::date, -n from cold_{table}) group by day having sum(n) <> 0"
    )


def first_day(cursor: Cursor) -> dt.date | None:
    """Return the oldest archived day inside a transaction, or None."""
    found: dt.date | None = cursor.execute("select min(day) from cold_parts").fetchall()[0][0]
    return found


def add(cursor: Cursor, added: list[ColdPart], rows: str) -> None:
    """Note that the events of the table *rows* are now in the parts *added*.

    *rows* has the columns `KEPT` and the hour of events that are removed from `events` in the same
    transaction, or that were never there.
    """
    for part in added:
        cursor.execute(
            "insert into cold_parts values ($day, $file, $rows, $bytes, $keyed, $searchable)",
            asdict(part),
        )
    count(cursor, rows)
    for name, key in POINTED_TO.items():
        cursor.execute(
            f"insert into cold_keys select distinct '{name}', {key} from {rows} "
            f"where {key} is not null "
            f"and {key} not in (select key from cold_keys where name = '{name}')"
        )
    cold_changes.changed(cursor, [part.day for part in added])


def remove(cursor: Cursor, days: Sequence[dt.date]) -> None:
    """Take the archived *days* off the list, with their counts; their files stay."""
    listed = cold_times.listed(days)
    cursor.execute(
        "delete from cold_repeats where file in "
        f"(select file from cold_parts where day in ({listed}))"
    )
    cursor.execute(f"delete from cold_parts where day in ({listed})")
    for table in KEYS:
        cursor.execute(f"delete from cold_{table} where hour::date in ({listed})")
    cold_times.remove(cursor, days)
    cursor.execute(f"delete from cold_attempts where occurred_at::date in ({listed})")
    cold_changes.changed(cursor, days)


def list_again(cursor: Cursor, day: dt.date, present: Mapping[str, int]) -> None:
    """List the parts of *day* as they are now: *present* are the files that can be read, with rows.

    The counts follow by `cold_views.recount`.
    """
    here = {"day": day}
    files = cursor.execute("select file from cold_parts where day = $day", here).fetchall()
    for (file,) in files:
        rows = present.get(file)
        if rows is None:
            cursor.execute("delete from cold_parts where file = $file", {"file": file})
            cursor.execute("delete from cold_repeats where file = $file", {"file": file})
        else:
            cursor.execute(
                "update cold_parts set rows = $rows where file = $file",
                {"rows": rows, "file": file},
            )
    if files:
        cold_changes.changed(cursor, [day])


def expire_files(cursor: Cursor, days: Sequence[dt.date]) -> None:
    """Let the files of *days* wait in `cold_expired` until they can be deleted."""
    listed = cold_times.listed(days)
    cursor.execute(f"insert into cold_expired select file from cold_parts where day in ({listed})")


def expired_files(engine: Engine) -> list[str]:
    """Return the files of removed days that are not deleted yet."""
    table = engine.table("select file from cold_expired order by file")
    found: list[str] = table["file"].to_pylist()
    return found


def forget_expired(cursor: Cursor, files: Sequence[str]) -> None:
    """Forget *files* of removed days, which are deleted."""
    cursor.execute(
        "delete from cold_expired where list_contains($files, file)", {"files": list(files)}
    )


def forget_unused(store: Store, both: Engine) -> None:
    """Forget the names that no archived event points to any more; reads their keys in all parts.

    *both* reads the tiers of *store*.
    """
    for name, key in POINTED_TO.items():
        used = both.table(
            f"select distinct {key} as key from tiers_events where {key} is not null"
        )["key"]

        def job(cursor: Cursor, name: str = name, used: pa.ChunkedArray = used) -> None:
            cursor.register("used_keys", pa.table({"key": used}))
            cursor.execute(
                f"delete from cold_keys where name = '{name}' "
                "and key not in (select key from used_keys)"
            )
            cursor.unregister("used_keys")

        store.write(job)


def not_pointed_to(name: str) -> str:
    """Return the condition on a row of the table *name* that no archived event points to it."""
    return f"{POINTED_TO[name]} not in (select key from cold_keys where name = '{name}')"


def move_actors(cursor: Cursor, moved: str) -> None:
    """Let the counts of archived events go over from old_key to new_key of the table *moved*.

    The events themselves follow by their identity.
    """
    if not cursor.execute(
        f"select 1 from cold_actor_cube where actor_key in (select old_key from {moved}) limit 1"
    ).fetchall():
        return
    cursor.execute(
        f"update cold_actor_cube set actor_key = new_key from {moved} where actor_key = old_key"
    )
    cursor.execute(
        f"insert into cold_keys select distinct 'actors', new_key from {moved} where old_key in "
        "(select key from cold_keys where name = 'actors') "
        "and new_key not in (select key from cold_keys where name = 'actors')"
    )
    cursor.execute(
        f"update cold_attempts set actor_key = new_key from {moved} where actor_key = old_key"
    )
    cold_times.move_actors(cursor, moved)
    cursor.execute("delete from cold_cube")
    cursor.execute(
        f"insert into cold_cube by name select hour, {KEYS[CUBE]}, sum(n)::bigint as n "
        f"from cold_{ACTOR_CUBE} join actors using (actor_key) group by all order by hour"
    )
    cursors.put(cursor, MOVED, "yes")
    cold_changes.changed(cursor)


def note_moved(cursor: Cursor, rows: str, written: str) -> None:
    """Note if an actor was merged into another since a part was *written*.

    *rows* and *written* name tables with event_id and actor_key, as it is now and in the part.
    """
    if cursor.execute(
        f"select 1 from {rows} r join {written} w using (event_id) "
        "where r.actor_key <> w.actor_key limit 1"
    ).fetchall():
        cursors.put(cursor, MOVED, "yes")


def unsearchable_until(engine: Engine) -> dt.datetime | None:
    """Return the time (UTC, without zone) up to which, exclusive, some event has no search text.

    Of both tiers; None if all have it.
    """
    table = engine.table("select max(day) as day from cold_parts where not searchable")
    day = table["day"][0].as_py()
    times = (search_text.missing_until(engine), day and dt.datetime.combine(day + _DAY, dt.time()))
    return max((time for time in times if time), default=None)
