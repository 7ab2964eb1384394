"""What the running server does by itself: ask feeds, look into drops, note that it listens, tidy.

Each job has a thread of its own, so that a slow one holds up no other. Pages and `status` read
how each is doing in `health`, and can ask for a run at once.
"""

import contextlib
import datetime as dt
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from trail import coverage, pulling, registry, retention
from trail.alerts import firing
from trail.backup import daily, making
from trail.errors import IntegrityError, TrailError, UnavailableError
from trail.filters import Filter
from trail.findings import queries as unusual
from trail.findings.refresh import refresh
from trail.incidents import keeping
from trail.loading import load_drop
from trail.model import Batch, Drop, Feed, Receiver
from trail.outgoing import EVERY_S, Outgoing
from trail.queries.incident_records import records
from trail.seals import checking, sealing, standing
from trail.settings import Settings
from trail.store import Store, utc_now

_log = logging.getLogger("trail.schedule")

_LISTEN_S = 60.0
# What alerts are offered again and again reaches back so far; each is told once.
_RECENT = "3d"
_TIDY_S = 3600.0
# Whoever has just started it with old events can see what would go before it goes.
_BEFORE_TIDYING_S = 600.0
_JUDGE_S = 300.0
_SEAL_S = 3600.0
_BEFORE_SEALING_S = 120.0
_BACKUP_S = 3600.0
_VERIFY_EVERY = dt.timedelta(hours=24)


@dataclass(slots=True)
class Health:
    """How a job is doing: times are UTC without zone; `error` is that of the last run, or empty."""

    name: str
    title: str
    every_s: float
    running: bool = False
    last_at: dt.datetime | None = None
    good_at: dt.datetime | None = None
    error: str = ""
    said: str = ""
    share: float = 0.0


@dataclass(slots=True)
class _Job:
    health: Health
    run: Callable[["_Job"], str]
    after_s: float = 0.0
    due: threading.Event = field(default_factory=threading.Event)


class Schedule:
    """The running jobs. *shown* gives the store of the pages, *real* the workspace's own."""

    def __init__(
        self, settings: Settings, shown: Callable[[], Store], real: Callable[[], Store]
    ) -> None:
        self._settings = settings
        self._shown = shown
        self._real = real
        self._ending = threading.Event()
        self._verify = threading.Event()
        self._jobs: dict[str, _Job] = {}
        self._listened: dt.datetime | None = None
        self._tidied: dt.date | None = None
        self._add_all()
        self._threads = [
            threading.Thread(target=self._loop, args=(job,), name=f"trail-{name}", daemon=True)
            for name, job in self._jobs.items()
        ]

    def begin(self) -> None:
        """Start the jobs; separate from making them, since they ask for the running process."""
        for thread in self._threads:
            thread.start()

    def health(self) -> list[Health]:
        """Return how each job is doing."""
        return [job.health for job in self._jobs.values()]

    def run_now(self, name: str) -> None:
        """Let the job *name* run as soon as it is free."""
        self._jobs[name].due.set()

    def verify_now(self) -> None:
        """Let the seals be verified as soon as that job is free, however lately they were."""
        self._verify.set()
        self.run_now("seals")

    @property
    def verifying(self) -> bool:
        """Return whether somebody asked for the seals to be verified, and waits for it."""
        return self._verify.is_set()

    def close(self) -> None:
        """Stop; what runs is given a moment, and goes on at the next start where it stopped."""
        self._ending.set()
        for job in self._jobs.values():
            job.due.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(2)
        self.outgoing.close()

    def _add_all(self) -> None:
        settings = self._settings
        for feed in registry.of_kind(Feed):
            if feed.configured(settings):
                every = settings.segment.every_minutes * 60
                self._add(feed.name, feed.title, every, self._pull(feed))
        for drop in registry.of_kind(Drop):
            if drop.configured(settings):
                self._add(drop.name, drop.title, drop.every_s(settings), self._look(drop))
        self._add("retention", "Retention", _TIDY_S, self._retain(), _BEFORE_TIDYING_S)
        self.outgoing = Outgoing(settings, self._shown)
        self._add("outgoing", "Alerts and forwarding", EVERY_S, lambda _: self.outgoing.run())
        self._add("findings", "Unusual changes", _JUDGE_S, self._judge)
        self._add("seals", "Seals", _SEAL_S, self._seal(), _BEFORE_SEALING_S)
        if settings.backup.path:
            self._add("backup", "Daily backup", _BACKUP_S, self._back_up, _BEFORE_SEALING_S)
        receivers = [each for each in registry.of_kind(Receiver) if each.configured(settings)]
        if receivers:
            self._add("listen", "Listening", _LISTEN_S, self._listen(receivers))

    def _add(
        self,
        name: str,
        title: str,
        every_s: float,
        run: Callable[[_Job], str],
        after_s: float = 0.0,
    ) -> None:
        self._jobs[name] = _Job(Health(name, title, every_s), run, after_s)

    def _loop(self, job: _Job) -> None:
        health = job.health
        job.due.wait(job.after_s)
        while not self._ending.is_set():
            job.due.clear()
            health.running, health.last_at, health.share = True, utc_now(), 0.0
            try:
                health.said, health.error = job.run(job), ""
                health.good_at = utc_now()
            except TrailError as problem:
                health.error = str(problem)
                _log.warning("%s: %s", health.name, problem)
            except Exception:
                health.error = "It failed for a reason of its own; the server's log tells more."
                _log.exception("the job %s failed", health.name)
            health.running = False
            job.due.wait(health.every_s)

    def _pull(self, feed: Feed) -> Callable[[_Job], str]:
        def run(job: _Job) -> str:
            store, now = self._real(), utc_now()
            with contextlib.suppress(TrailError):  # names can wait; the events say what is wrong
                pulling.refresh_directory(store, self._settings, feed, now)

            def progress(share: float, _: Batch) -> None:
                job.health.share = share

            def ask(*, sweep: bool) -> Batch:
                batch = pulling.pull(
                    store,
                    self._settings,
                    feed,
                    now,
                    sweep=sweep,
                    progress=progress,
                    stopping=self._ending.is_set,
                )
                if batch.error:
                    raise UnavailableError(batch.error)
                return batch

            batch = ask(sweep=False)
            if pulling.last_sweep(store, feed) is None:
                pulling.note_sweep(store, feed, now, None)
            elif pulling.sweep_due(store, feed, now):
                # After an ordinary pull, so that what it finds is what those have missed.
                pulling.note_sweep(store, feed, now, ask(sweep=True).kept)
            return f"{batch.read:,} read, {batch.kept:,} new"

        return run

    def _look(self, drop: Drop) -> Callable[[_Job], str]:
        def run(job: _Job) -> str:
            files = kept = 0
            for batch in load_drop(self._real(), self._settings, drop):
                files, kept = files + 1, kept + batch.kept
                if self._ending.is_set():
                    break
            now = utc_now()
            start = job.health.good_at or now
            self._real().write(
                lambda cursor: coverage.note(cursor, drop.name, "looked", start, now)
            )
            return f"{files:,} files, {kept:,} new events" if files else "Nothing new"

        return run

    def _retain(self) -> Callable[[_Job], str]:
        def run(_: _Job) -> str:
            now = utc_now()
            if not self._is_real():
                return "Nothing of one's own yet"
            if self._tidied == now.date():
                return "Done for today"
            done = retention.retain(self._shown(), self._settings, now)
            self._tidied = now.date()
            return f"{done.events:,} removed, {done.archived:,} archived, {done.held:,} held"

        return run

    def _judge(self, _: _Job) -> str:
        # So that whoever asks for findings waits for little: what is new since the last time.
        done = refresh(self._shown(), utc_now())
        self._offer()
        return f"{done.folded:,} days counted anew" if done.folded else "Nothing new"

    def _offer(self) -> None:
        """Let alerts look at what the budget shows, and at the open incidents, of the last days."""
        store, now = self._shown(), dt.datetime.now(dt.UTC)
        recent = Filter(start=_RECENT)
        found = unusual.queue(store, recent, now)
        keeping.catch_up(store)
        rows = {
            "findings": [
                finding.said(ids) for finding, ids in unusual.event_ids(store, found.findings)
            ],
            "incidents": list(records(store, recent, now)),
        }
        for kind, told in rows.items():
            store.write(
                lambda cursor, kind=kind, told=told: firing.offer(  # type: ignore[misc]
                    cursor, kind, told, utc_now()
                )
            )

    def _seal(self) -> Callable[[_Job], str]:
        def run(job: _Job) -> str:
            try:
                if not self._is_real():
                    return "Nothing of one's own yet"
                self._verify_seals(job)
            finally:
                self._verify.clear()
            store = self._shown()
            sealed = sealing.seal(store, self._settings, utc_now())
            last = standing.standing(store)
            if last.problem_count:
                raise IntegrityError(
                    f"Verify found {last.problem_count:,} problems.", "Run: python -m trail verify"
                )
            return f"{sealed:,} days sealed, {last.checked_days:,} verified"

        return run

    def _verify_seals(self, job: _Job) -> None:
        """Verify where that was asked for, or the last time is long ago."""
        store = self._shown()
        at = standing.standing(store).verified_at
        if at is not None and utc_now() - at < _VERIFY_EVERY and not self._verify.is_set():
            return

        def progress(share: float) -> None:
            job.health.share = share

        standing.note(store, checking.verify(store, self._settings, progress=progress))

    def _back_up(self, _: _Job) -> str:
        if not self._is_real():
            return "Nothing of one's own yet"
        path = daily.due(self._settings, utc_now())
        if path is None:
            return "Done for today"
        made = daily.make(self._shown(), self._settings, path)
        making.note(made, "schedule")
        return f"{made.manifest.events:,} events, {made.bytes:,} bytes"

    def _is_real(self) -> bool:
        """Return whether the pages show the workspace's own database, not the demo's."""
        return self._shown().path == self._settings.store.path.absolute()

    def _listen(self, receivers: list[Receiver]) -> Callable[[_Job], str]:
        def run(_: _Job) -> str:
            now = utc_now()
            start = self._listened or now
            for receiver in receivers:
                self._real().write(
                    lambda cursor, receiver=receiver: coverage.note(  # type: ignore[misc]
                        cursor, receiver.name, coverage.WATCHED, start, now
                    )
                )
            self._listened = now
            return "Listening"

        return run
