"""The access log of this product: sign-ins, views, downloads, changes and refusals.

Stored apart from the audit events, with its own retention (`auth.access_days`). `record` returns
within microseconds, and a clean stop loses nothing. `access_entry.KINDS` lists what is recorded.
"""

import contextlib
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from trail.access_log.entry import Entry
from trail.access_log.writer import Place, Trims, Writer, always
from trail.core import csv_safety
from trail.storage.engine import Engine
from trail.storage.filters import Window

COMMAND_LINE = "command line"
PAGE_ROWS = 200
_FLUSH_S = 2.0
_BATCH_ROWS = 5_000
_COLUMNS = (
    *("entry_id", "first_at", "last_at", "times", "kind", "username", "role", "address"),
    *("what", "detail", "file_format", "row_count", "byte_count", "digest"),
)
# The columns that a list of entries may be ordered by.
ORDERS = tuple(name for name in _COLUMNS if name not in ("entry_id", "last_at", "file_format"))
_current: list[Writer] = []


def start(place: Place | None, spool: Path, days: int, trims: Trims = always) -> None:
    """Start recording: into the store of *place*, or as files in the spool folder.

    Entries older than *days* are removed daily while *trims* returns true for store and time.
    """
    stop()
    _current[:] = [Writer(place, spool, days, trims=trims)]


def stop() -> None:
    """Store all entries and stop recording; the store must still be open."""
    for writer in _current:
        writer.close()
    _current.clear()


@contextlib.contextmanager
def spooled(spool: Path) -> Iterator[None]:
    """Record into the spool folder during the block, unless this process records already."""
    if _current:
        yield
        return
    start(None, spool, 0)
    try:
        yield
    finally:
        stop()


def flush() -> None:
    """Wait briefly until all recorded entries can be read."""
    for writer in _current:
        writer.flush(_FLUSH_S)


def record(
    kind: str,
    username: str = "",
    role: str = "",
    *,
    what: str = "",
    detail: str = "",
    address: str = "",
    file_format: str = "",
    rows: int | None = None,
    size: int | None = None,
    digest: str = "",
    merge: bool = False,
) -> None:
    """Record one entry of a kind of `KINDS`.

    With *merge*, identical entries within ten minutes are counted in one row; refusals are always
    counted, see `refused`. Before `start`, only the process log is written.
    """
    entry = Entry(kind, username, role, address, what, detail, file_format, rows, size, digest)
    if _current:
        _current[0].record(entry, merge=merge)
    else:
        entry.log()


def entries(
    engine: Engine,
    window: Window,
    user: str = "",
    kind: str = "",
    after: int | None = None,
    rows: int = PAGE_ROWS,
    order: str = "",
    skip: int = 0,
) -> list[dict[str, Any]]:
    """Return the entries in *window*, newest first; *after* is the ID of the last one seen.

    *order* is one of `ORDERS`, with `-` for descending, and *skip* the number of rows before.
    """
    where, params = _chosen(window, user, kind)
    if after is not None:
        where += " and entry_id < $after"
        params["after"] = after
    result: list[dict[str, Any]] = engine.table(
        f"select {', '.join(_COLUMNS)} from access_log where {where} "
        f"order by {_order_sql(order)}entry_id desc limit $rows offset $skip",
        {**params, "rows": rows, "skip": skip},
    ).to_pylist()
    return result


def _order_sql(order: str) -> str:
    name = order.removeprefix("-")
    if name not in ORDERS:
        return ""
    direction = "desc" if order.startswith("-") else "asc"
    empty = f"{name} is null or {name}::varchar = '', "  # what is empty comes last
    return f"{empty}{name} {direction}, "


def count(engine: Engine, window: Window, user: str = "", kind: str = "") -> int:
    """Return the number of entries."""
    where, params = _chosen(window, user, kind)
    return int(
        engine.table(f"select count(*) as n from access_log where {where}", params)["n"][0].as_py()
    )


def users(engine: Engine) -> list[str]:
    """Return the usernames in the log, in order."""
    names: list[str] = engine.table(
        "select distinct username from access_log where username <> '' order by username"
    )["username"].to_pylist()
    return names


def last_times(engine: Engine, kind: str) -> dict[str, dt.datetime]:
    """Return the time of the latest entry of *kind* (naive UTC) by username."""
    rows = engine.table(
        "select username, max(last_at) as at from access_log where kind = $kind group by username",
        {"kind": kind},
    ).to_pylist()
    return {row["username"]: row["at"] for row in rows}


def stream(
    engine: Engine, window: Window, zone: ZoneInfo, user: str = "", kind: str = ""
) -> Iterator[bytes]:
    """Yield the entries as CSV, newest first, with times in *zone*; one chunk per row."""
    where, params = _chosen(window, user, kind)
    yield csv_safety.line(
        [f"{name} ({zone.key})" if name in ("first_at", "last_at") else name for name in _COLUMNS]
    )
    order = f"select {', '.join(_COLUMNS)} from access_log where {where} order by entry_id desc"
    with engine.reading() as reading:
        for batch in reading.batches(order, params, _BATCH_ROWS):
            for row in batch.to_pylist():
                yield csv_safety.line([_cell(row[name], zone) for name in _COLUMNS])


def _cell(value: Any, zone: ZoneInfo) -> Any:
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=dt.UTC).astimezone(zone).isoformat(timespec="milliseconds")
    return value


def _chosen(window: Window, user: str, kind: str) -> tuple[str, dict[str, Any]]:
    parts, params = ["true"], dict[str, Any]()
    for part, name, value in (
        ("last_at >= $start", "start", window.start),
        ("first_at < $end", "end", window.end),
        ("username = $user", "user", user),
        ("kind = $kind", "kind", kind),
    ):
        if value:
            parts.append(part)
            params[name] = value
    return " and ".join(parts), params
