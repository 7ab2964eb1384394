"""The job that makes scheduled exports: a file in a folder, or a message to a destination."""

import datetime as dt
from collections.abc import Callable

from trail.access_log import log
from trail.core.clock import local_text, naive_utc
from trail.core.errors import InputError, TrailError, UnavailableError
from trail.core.settings import Settings
from trail.core.text import count as counted
from trail.events import counts
from trail.notifications import deliveries, destinations
from trail.runtime.job import Job, JobContext
from trail.storage import tiers
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.views import export_files, scheduled_exports
from trail.views.export_files import TooLargeError
from trail.views.scheduled_exports import Result, ScheduledExport

EVERY_S = 300.0
# Of one scheduled export in one run, so that a long stop does not delay the others.
_MAX_PERIODS = 40


def job(context: JobContext) -> Job:
    """Return the job."""

    def run(_: Job) -> str:
        now = dt.datetime.now(dt.UTC)
        return run_due(tiers.both(context.shown()), context.settings, now, context.stopping.is_set)

    return Job.of("exports", "Scheduled exports", EVERY_S, run)


def run_due(
    store: Store, settings: Settings, now: dt.datetime, stopping: Callable[[], bool]
) -> str:
    """Make every export that is due at *now* (aware); return the status text.

    A period of which the file is too large is skipped with its error; after other errors it is
    tried again in the next run. Raises `UnavailableError` at the end if some failed.
    """
    made = failed = 0
    for export in scheduled_exports.list_all(store):
        try:
            made += _catch_up(store, settings, export, now, stopping)
        except TrailError as error:
            failed += 1
            result = Result(naive_utc(now), error=str(error))
            go_on = isinstance(error, TooLargeError)
            current = _stored(store, export)
            if current:
                _finish(store, current, result, go_on=go_on)
    if failed:
        raise UnavailableError(f"{counted(failed, 'export')} failed.", "See the scheduled exports.")
    return f"{made:,} made" if made else "Nothing due"


def _catch_up(
    store: Store,
    settings: Settings,
    export: ScheduledExport,
    now: dt.datetime,
    stopping: Callable[[], bool],
) -> int:
    """Make the periods of *export* that are due, oldest first; return their number."""
    made = 0
    following: ScheduledExport | None = export
    while following and made < _MAX_PERIODS and not stopping():
        if following.due_at > naive_utc(now):
            break
        _make(store, settings, following, now, stopping)
        made += 1
        following = _stored(store, export)  # None if it was deleted meanwhile
    return made


def _stored(store: Store, export: ScheduledExport) -> ScheduledExport | None:
    listed = scheduled_exports.list_all(store)
    return next((item for item in listed if item.export_id == export.export_id), None)


def _make(
    store: Store,
    settings: Settings,
    export: ScheduledExport,
    now: dt.datetime,
    stopping: Callable[[], bool],
) -> None:
    if export.destination_id is not None:
        _notify(store, export, now)
        return
    folder = settings.export.folder
    if folder is None:
        raise InputError("No folder for scheduled exports.", "Set export.folder.")
    tally = export_files.write(
        store,
        export,
        folder.absolute(),
        now,
        max_bytes=settings.export.max_bytes,
        csv_bom=settings.export.csv_bom,
        stopping=stopping,
    )
    result = Result(naive_utc(now), export.file_name, tally.rows, tally.size)
    _finish(store, export, result, go_on=True)
    _record(export, result, tally.digest)
    export_files.prune(export, folder.absolute(), settings.export.keep)


def _notify(store: Store, export: ScheduledExport, now: dt.datetime) -> None:
    """Queue a message with the number of events and a link to them, which asks for a sign-in."""
    assert export.destination_id is not None
    destination = destinations.get(store, export.destination_id)
    filter_ = export.export().filter
    rows = counts.count(store, filter_, now)
    start, end = (
        local_text(at, export.zone) for at in (export.period.start, export.period.end) if at
    )
    at = naive_utc(now)
    body = {
        "title": f"Scheduled export: {export.name}",
        "text": f"{counted(rows, 'event')} from {start} to {end} ({export.zone.key}). "
        f"Open them to download the file.",
        "severity": "info",
        "at": at,
        "query": filter_.query(),
    }
    key = f"export-{export.export_id}-{export.next_from.isoformat()}"
    result = Result(at, f"message to {destination.name}", rows)

    def write(cursor: Cursor) -> None:
        deliveries.enqueue(cursor, destination.destination_id, "notice", key, body, at)
        scheduled_exports.finish(cursor, export, result, go_on=True)

    store.write(write)
    _record(export, result)


def _finish(store: Store, export: ScheduledExport, result: Result, *, go_on: bool) -> None:
    store.submit(
        lambda cursor: scheduled_exports.finish(cursor, export, result, go_on=go_on),
        versioned=False,
    ).result()


def _record(export: ScheduledExport, result: Result, digest: str = "") -> None:
    log.record(
        "exported",
        export.made_by,
        what=f"scheduled export {export.name}: {result.file}",
        detail=export.export().filter.query(),
        file_format=export.format,
        rows=result.rows,
        size=result.size,
        digest=digest,
    )
