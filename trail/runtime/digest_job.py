"""The job that sends digests by schedule: it queues each one that is due in the outbox, once."""

import datetime as dt

from trail.attention import digest_schedules
from trail.attention.digest import digest
from trail.attention.digest_schedules import DigestSchedule
from trail.core.clock import naive_utc
from trail.core.errors import TrailError, UnavailableError
from trail.core.settings import Settings
from trail.core.text import count as counted
from trail.findings.refresh import refresh
from trail.notifications import deliveries, destinations
from trail.runtime.job import Job, JobContext
from trail.storage import tiers
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store

EVERY_S = 60.0


def job(context: JobContext) -> Job:
    """Return the job."""

    def run(_: Job) -> str:
        return run_due(tiers.both(context.shown()), context.settings, dt.datetime.now(dt.UTC))

    return Job.of("digests", "Digests", EVERY_S, run)


def run_due(store: Store, settings: Settings, now: dt.datetime) -> str:
    """Queue every digest that is due at *now* (aware); return the status text.

    One that fails is tried again in the next run. Raises `UnavailableError` at the end if some
    failed.
    """
    moment = naive_utc(now)
    queued = failed = 0
    for schedule in digest_schedules.list_all(store):
        occasion = schedule.due(moment)
        if occasion is None:
            continue
        try:
            queued += _queue(store, settings, schedule, occasion, now)
        except TrailError as error:
            failed += 1
            if str(error) != schedule.last_error:  # each write makes the pages compute again
                _fail(store, schedule, moment, str(error))
    if failed:
        raise UnavailableError(f"{counted(failed, 'digest')} failed.", "See Alerts, Digests.")
    return f"{queued:,} queued" if queued else "Nothing due"


def _queue(
    store: Store,
    settings: Settings,
    schedule: DigestSchedule,
    occasion: dt.datetime,
    now: dt.datetime,
) -> bool:
    destination = destinations.get(store, schedule.destination_id)
    period = schedule.period(occasion)
    if schedule.findings:
        refresh(store, now)  # however long it takes: what is sent is not corrected later
    made = digest(store, settings, period, now, findings=schedule.findings)
    body = {**made.to_dict(), "schedule": schedule.name}
    key = f"digest-{schedule.schedule_id}-{period.first.isoformat()}"

    def write(cursor: Cursor) -> bool:
        # In one transaction, so that neither a crash nor a change meanwhile sends it twice.
        if not digest_schedules.finish(cursor, schedule, naive_utc(now), period):
            return False
        number = destination.destination_id
        deliveries.enqueue(cursor, number, "digest", key, body, naive_utc(now))
        return True

    return store.write(write)


def _fail(store: Store, schedule: DigestSchedule, now: dt.datetime, error: str) -> None:
    store.write(lambda cursor: digest_schedules.finish(cursor, schedule, now, None, error))
