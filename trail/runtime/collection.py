"""Jobs that collect events: poll feeds, check drops, record that the server listens."""

import contextlib
import datetime as dt
from collections.abc import Callable

from trail.core import registry
from trail.core.clock import utc_now
from trail.core.errors import TrailError, UnavailableError
from trail.core.model import Batch, Drop, Feed, Receiver
from trail.ingest import coverage, polling
from trail.ingest.files import load_drop
from trail.runtime.job import Job, Work

_LISTEN_S = 60.0


def jobs(work: Work) -> list[Job]:
    """Return a job for each source that the settings name, and one for all that is sent."""
    settings = work.settings
    result = [
        Job.of(feed.name, feed.title, feed.every_s(settings), _pull(work, feed))
        for feed in registry.of_kind(Feed)
        if feed.configured(settings)
    ]
    result += [
        Job.of(drop.name, drop.title, drop.every_s(settings), _look(work, drop))
        for drop in registry.of_kind(Drop)
        if drop.configured(settings)
    ]
    receivers = [item for item in registry.of_kind(Receiver) if item.configured(settings)]
    if receivers:
        result.append(Job.of("listen", "Listening", _LISTEN_S, _listen(work, receivers)))
    return result


def _pull(work: Work, feed: Feed) -> Callable[[Job], str]:
    def run(job: Job) -> str:
        store, now = work.real(), utc_now()
        with contextlib.suppress(TrailError):  # names can wait; the events say what is wrong
            polling.refresh_directory(store, work.settings, feed, now)

        def progress(share: float, _: Batch) -> None:
            job.health.share = share

        def ask(*, sweep: bool) -> Batch:
            batch = polling.pull(
                store,
                work.settings,
                feed,
                now,
                sweep=sweep,
                progress=progress,
                stopping=work.ending.is_set,
            )
            if batch.error:
                raise UnavailableError(batch.error)
            return batch

        batch = ask(sweep=False)
        if polling.last_sweep(store, feed) is None:
            polling.note_sweep(store, feed, now, None)
        elif polling.sweep_due(store, feed, now):
            # After an ordinary pull, so that what it finds is what those have missed.
            polling.note_sweep(store, feed, now, ask(sweep=True).kept)
        return f"{batch.read:,} read, {batch.kept:,} new"

    return run


def _look(work: Work, drop: Drop) -> Callable[[Job], str]:
    def run(job: Job) -> str:
        files = kept = 0
        for batch in load_drop(work.real(), work.settings, drop):
            files, kept = files + 1, kept + batch.kept
            if work.ending.is_set():
                break
        now = utc_now()
        start = job.health.good_at or now
        work.real().write(lambda cursor: coverage.note(cursor, drop.name, "looked", start, now))
        return f"{files:,} files, {kept:,} new events" if files else "Nothing new"

    return run


def _listen(work: Work, receivers: list[Receiver]) -> Callable[[Job], str]:
    listened: dt.datetime | None = None

    def run(_: Job) -> str:
        nonlocal listened
        now = utc_now()
        start = listened or now
        for receiver in receivers:
            work.real().write(
                lambda cursor, receiver=receiver: coverage.note(  # type: ignore[misc]
                    cursor, receiver.name, coverage.WATCHED, start, now
                )
            )
        listened = now
        return "Listening"

    return run
