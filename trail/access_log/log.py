"""The product's own log: who signed in, looked, downloaded, changed or was refused, and when.

Apart from the events, and kept for its own time (`auth.access_days`). `note` costs a request
microseconds; a clean stop loses nothing. What may be noted stands in `access_entry.KINDS`.
"""

import contextlib
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from trail.access_log.entry import Entry
from trail.access_log.writer import Keeper, Place
from trail.core import csv_safety
from trail.storage.database import Engine
from trail.storage.filters import Window

COMMAND_LINE = "command line"
PAGE_ROWS = 200
_SETTLE_S = 2.0
_BATCH_ROWS = 5_000
_COLUMNS = (
    *("entry_id", "first_at", "last_at", "times", "kind", "username", "role", "address"),
    *("what", "detail", "file_format", "row_count", "byte_count", "digest"),
)
_current: list[Keeper] = []


def start(place: Place | None, waiting: Path, days: int) -> None:
    """Keep what is noted from now on: in the store of *place*, or as files in *waiting*."""
    stop()
    _current[:] = [Keeper(place, waiting, days)]


def stop() -> None:
    """Keep what has been noted, and stop; the store must still be open."""
    for each in _current:
        each.close()
    _current.clear()


@contextlib.contextmanager
def aside(waiting: Path) -> Iterator[None]:
    """Keep what a command notes as files in *waiting*, unless this process keeps it already."""
    if _current:
        yield
        return
    start(None, waiting, 0)
    try:
        yield
    finally:
        stop()


def settle() -> None:
    """Wait a moment for what has been noted to be readable."""
    for each in _current:
        each.settle(_SETTLE_S)


def note(
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
    together: bool = False,
) -> None:
    """Note one thing of `KINDS`: by whom, on what, in which words.

    With *together*, the same again within ten minutes counts up one row. Before `start` only the
    log of the process is written.
    """
    entry = Entry(kind, username, role, address, what, detail, file_format, rows, size, digest)
    if _current:
        _current[0].note(entry, together=together)
    else:
        entry.say()


def entries(
    engine: Engine,
    window: Window,
    user: str = "",
    kind: str = "",
    after: int | None = None,
    rows: int = PAGE_ROWS,
) -> list[dict[str, Any]]:
    """Return entries that touch *window*, the newest first; *after* is the id of the last seen."""
    where, params = _chosen(window, user, kind)
    if after is not None:
        where += " and entry_id < $after"
        params["after"] = after
    found: list[dict[str, Any]] = engine.table(
        f"select {', '.join(_COLUMNS)} from access_log where {where} "
        "order by entry_id desc limit $rows",
        {**params, "rows": rows},
    ).to_pylist()
    return found


def count(engine: Engine, window: Window, user: str = "", kind: str = "") -> int:
    """Return how many entries there are in all."""
    where, params = _chosen(window, user, kind)
    return int(
        engine.table(f"select count(*) as n from access_log where {where}", params)["n"][0].as_py()
    )


def users(engine: Engine) -> list[str]:
    """Return who is named in the log, in order."""
    names: list[str] = engine.table(
        "select distinct username from access_log where username <> '' order by username"
    )["username"].to_pylist()
    return names


def stream(
    engine: Engine, window: Window, zone: ZoneInfo, user: str = "", kind: str = ""
) -> Iterator[bytes]:
    """Yield the chosen entries as CSV, the newest first, times in *zone*; one chunk a row."""
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
