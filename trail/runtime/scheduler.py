"""The running jobs, each on a thread of its own, so that a slow one holds up no other.

Pages and `status` read the state of each in `health`, and can request an immediate run. The jobs
are in `collection` and `maintenance`.
"""

import logging
import threading
from collections.abc import Callable

from trail.core.clock import utc_now
from trail.core.errors import TrailError
from trail.core.settings import Settings
from trail.runtime import collection, maintenance
from trail.runtime.job import Health, Job, Work
from trail.runtime.notification_job import EVERY_S, Outgoing
from trail.storage.database import Store

_log = logging.getLogger("trail.schedule")


class Schedule:
    """The running jobs. *shown* gives the store of the pages, *real* the workspace's own."""

    def __init__(
        self, settings: Settings, shown: Callable[[], Store], real: Callable[[], Store]
    ) -> None:
        self._ending = threading.Event()
        self._verify = threading.Event()
        self.outgoing = Outgoing(settings, shown)
        work = Work(settings, shown, real, self._ending)
        jobs = [
            *collection.jobs(work),
            *maintenance.jobs(work, self._verify),
            Job.of("outgoing", "Alerts and forwarding", EVERY_S, lambda _: self.outgoing.run()),
        ]
        self._jobs = {job.health.name: job for job in jobs}
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
        """Return whether a verification of the seals was requested and has not run."""
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

    def _loop(self, job: Job) -> None:
        health = job.health
        job.due.wait(job.after_s)
        while not self._ending.is_set():
            job.due.clear()
            health.running, health.last_at, health.share = True, utc_now(), 0.0
            try:
                health.status_text, health.error = job.run(job), ""
                health.good_at = utc_now()
            except TrailError as problem:
                health.error = str(problem)
                _log.warning("%s: %s", health.name, problem)
            except Exception:
                health.error = "Internal error. See the server log."
                _log.exception("the job %s failed", health.name)
            health.running = False
            job.due.wait(health.every_s)
