"""Jobs that collect events: poll feeds, check file drops, record that the receivers listen."""

import contextlib
import datetime as dt
from collections.abc import Callable
from functools import partial

from trail.core import registry
from trail.core.clock import utc_now
from trail.core.errors import TrailError, UnavailableError
from trail.core.model import Batch, Drop, Feed, Receiver
from trail.core.settings import Settings
from trail.core.text import count
from trail.events import coverage
from trail.ingest import compaction, feeds, polling, source_health
from trail.ingest.files import load_drop
from trail.runtime.job import Job, JobContext

_LISTEN_EVERY_S = 60.0
_PARTS_EVERY_S, _PARTS_PAUSE_S = 1.0, 30.0
# A check that fails may take as long.
_REACH = dt.timedelta(minutes=2)


def jobs(context: JobContext) -> list[Job]:
    """Return a job for each configured feed and file drop, and one for all receivers."""
    settings = context.settings
    result = [
        Job.of(feed.name, feed.title, feed.every_s(settings), _poll(context, feed))
        for feed in feeds.configured(settings)
    ]
    result += [
        Job.of(drop.name, drop.title, drop.every_s(settings), _check_drop(context, drop))
        for drop in registry.of_kind(Drop)
        if drop.configured(settings)
    ]
    if receivers(settings):
        result.append(Job.of("listen", "Listening", _LISTEN_EVERY_S, _listen(context)))
    return result


def take_parts(context: JobContext) -> Job:
    """Return the job that stores what ingest processes have received."""
    compactor = compaction.Compactor(context.settings)

    def run(job: Job) -> str:
        if compactor.is_idle():
            return "No ingest process"
        job.health.every_s = _PARTS_PAUSE_S  # if it fails
        taken = compactor.run(context.real, context.stopping.is_set)
        job.health.every_s = _PARTS_EVERY_S
        return f"{count(taken, 'part')} stored"

    return Job.of("ingest", "Ingest processes", _PARTS_EVERY_S, run)


def receivers(settings: Settings) -> list[Receiver]:
    """Return the configured receivers."""
    return [item for item in registry.of_kind(Receiver) if item.configured(settings)]


def changed(before: Settings, after: Settings) -> set[str]:
    """Return the names of the jobs of feeds and file drops whose settings differ."""
    sources = (*feeds.configured(before), *feeds.configured(after), *registry.of_kind(Drop))
    return {
        source.name for source in sources if before.of(source.section) != after.of(source.section)
    }


def _poll(context: JobContext, feed: Feed) -> Callable[[Job], str]:
    def run(job: Job) -> str:
        store, now = context.real(), utc_now()

        def progress(share: float, _: Batch) -> None:
            job.health.share = share

        def poll(*, sweep: bool) -> Batch:
            batch = polling.pull(
                store,
                context.settings,
                feed,
                now,
                sweep=sweep,
                progress=progress,
                stopping=lambda: context.stopping.is_set() or job.ended,
            )
            if batch.error:
                raise UnavailableError(batch.error)
            return batch

        batch = poll(sweep=False)
        if polling.last_sweep(store, feed) is None:
            polling.note_sweep(store, feed, now, None)
        elif feed.fills_gaps(context.settings) and polling.sweep_due(store, feed, now):
            # After an ordinary poll, so that the sweep finds only what polls have missed.
            polling.note_sweep(store, feed, now, poll(sweep=True).kept)
        with contextlib.suppress(TrailError):  # names can wait; the poll reports errors
            polling.refresh_directory(store, context.settings, feed, now)
        return f"{batch.read:,} read, {batch.kept:,} new"

    return run


def _check_drop(context: JobContext, drop: Drop) -> Callable[[Job], str]:
    def run(job: Job) -> str:
        files = kept = 0
        try:
            for batch in load_drop(context.real(), context.settings, drop):
                files, kept = files + 1, kept + batch.kept
                if context.stopping.is_set() or job.ended:
                    break
        except TrailError as error:
            _note_failed_check(context, drop, str(error))
            raise
        now = utc_now()
        start = job.health.succeeded_at or now
        context.real().write(lambda cursor: coverage.note(cursor, drop.name, "looked", start, now))
        return f"{files:,} files, {kept:,} new events" if files else "Nothing new"

    return run


def _note_failed_check(context: JobContext, drop: Drop, detail: str) -> None:
    now, reach = utc_now(), 2 * dt.timedelta(seconds=drop.every_s(context.settings)) + _REACH
    context.real().write(
        lambda cursor: coverage.note_failure(cursor, drop.name, now, reach, detail)
    )


def _listen(context: JobContext) -> Callable[[Job], str]:
    listened_until: dt.datetime | None = None
    delivering: set[str] = set()

    def run(_: Job) -> str:
        nonlocal listened_until
        now = utc_now()
        start = listened_until or now
        store = context.real()
        listening = receivers(context.settings)
        for receiver in listening:
            # One that has never received anything is perhaps never reached, and covers no time.
            if receiver.name not in delivering:
                if not source_health.has_delivered(store, receiver.name):
                    if listened_until is None:  # an earlier version recorded it as covered
                        store.write(partial(coverage.withdraw, source=receiver.name))
                    continue
                delivering.add(receiver.name)
            store.write(
                lambda cursor, receiver=receiver: coverage.note(  # type: ignore[misc]
                    cursor, receiver.name, coverage.WATCHED, start, now
                )
            )
        listened_until = now
        return f"{len(delivering)} of {len(listening)} have received events"

    return run
