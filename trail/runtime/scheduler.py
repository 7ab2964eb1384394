"""Run the jobs, each in its own thread so that a slow job does not delay the others.

Pages and `status` read the state of each job, and can request an immediate run. The jobs are
defined in `collection`, `maintenance` and `notification_job`.
"""

import logging
import threading
import time
from collections.abc import Callable

from trail.core.clock import utc_now
from trail.core.errors import TrailError
from trail.core.settings import Settings
from trail.runtime import collection, demo_feed, maintenance
from trail.runtime.demo_feed import DemoFeed
from trail.runtime.job import Health, Job, JobContext
from trail.runtime.notification_job import EVERY_S, NotificationJob
from trail.runtime.upload_job import UploadDesk
from trail.storage import failures
from trail.storage.duckdb import Store

_log = logging.getLogger("trail.schedule")
_CLOSE_S = 2


class Schedule:
    """The running jobs. *shown* returns the store of the pages, *real* the workspace's own.

    *feed* is what keeps arriving in the demo's database, if that is shown.
    """

    def __init__(
        self,
        settings: Settings,
        shown: Callable[[], Store],
        real: Callable[[], Store],
        feed: DemoFeed | None = None,
    ) -> None:
        self._stopping = threading.Event()
        self._verify_requested = threading.Event()
        self.notifications = NotificationJob(settings, shown)
        self._context = context = JobContext(settings, shown, real, self._stopping)
        self.uploads = UploadDesk(context)
        self._collecting = {job.health.name: job for job in collection.jobs(context)}
        other_jobs = [
            *demo_feed.jobs(context, feed),
            collection.take_parts(context),
            *maintenance.jobs(context, self._verify_requested),
            self.uploads.job,
            Job.of(
                "outgoing", "Alerts and forwarding", EVERY_S, lambda _: self.notifications.run()
            ),
        ]
        self._jobs = self._collecting | {job.health.name: job for job in other_jobs}
        self._threads: list[threading.Thread] = []
        self._started = False

    def start(self) -> None:
        """Start the jobs. Call it after `process.start`, because they use the running process."""
        self._started = True
        for job in self._jobs.values():
            self._start(job)

    def _start(self, job: Job) -> None:
        name = f"trail-{job.health.name}"
        thread = threading.Thread(target=self._loop, args=(job,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def configure(self, settings: Settings) -> None:
        """Use *settings* from now on; jobs of changed sources start or end immediately."""
        before, self._context.settings = self._context.settings, settings
        self.notifications.configure(settings)
        names_before = set(self._collecting)
        wanted = {job.health.name: job for job in collection.jobs(self._context)}
        changed = collection.changed(before, settings)
        for name, job in self._collecting.items():
            if name not in wanted or name in changed:
                job.end()
        kept = {name: job for name, job in self._collecting.items() if not job.ended}
        self._collecting = {name: kept.get(name, job) for name, job in wanted.items()}
        others = {name: job for name, job in self._jobs.items() if name not in names_before}
        self._jobs = self._collecting | others
        for name, job in self._collecting.items():
            if name not in kept and self._started and not self._stopping.is_set():
                self._start(job)

    def health(self) -> list[Health]:
        """Return the state of each job."""
        return [job.health for job in self._jobs.values()]

    def run_now(self, name: str) -> None:
        """Run the job *name* now, or again when its current run ends."""
        self._jobs[name].due.set()

    def verify_now(self) -> None:
        """Verify the seals now, or when the current run of their job ends."""
        self._verify_requested.set()
        self.run_now("seals")

    @property
    def verifying(self) -> bool:
        """Return whether a verification of the seals is requested and not finished."""
        return self._verify_requested.is_set()

    def close(self) -> None:
        """Stop. Running jobs get two seconds in total, and resume at the next start."""
        self._stopping.set()
        for job in self._jobs.values():
            job.due.set()
        deadline = time.monotonic() + _CLOSE_S
        if running := [job.health.title for job in self._jobs.values() if job.health.running]:
            _log.info("Stopping; waiting up to %s seconds for: %s", _CLOSE_S, ", ".join(running))
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(deadline - time.monotonic(), 0))
        self.notifications.close()

    def _loop(self, job: Job) -> None:
        health = job.health
        job.due.wait(job.first_delay_s)
        while not self._stopping.is_set() and not job.ended:
            job.due.clear()
            health.running, health.last_at, health.share = True, utc_now(), 0.0
            try:
                health.status_text, health.error = job.run(job), ""
                health.succeeded_at = utc_now()
            except TrailError as error:
                health.error = str(error)
                _log.warning("%s: %s", health.name, error)
            except Exception as error:
                explained = failures.explain(error, self._context.settings.store.path.name)
                health.error = str(explained or "Internal error. See the server log.")
                _log.exception("Job %s failed", health.name)
            health.running = False
            job.due.wait(health.every_s)
