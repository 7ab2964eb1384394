"""What a job is, how it is doing, and what it is given.

Separate so that the jobs know nothing of threads, and the schedule nothing of what they do.
"""

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from trail.core.settings import Settings
from trail.storage.database import Store


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
    status_text: str = ""
    share: float = 0.0


@dataclass(slots=True)
class Job:
    """One job: *run* does it once and returns what to say of it; the first time *after_s*."""

    health: Health
    run: Callable[["Job"], str]
    after_s: float = 0.0
    due: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def of(
        cls,
        name: str,
        title: str,
        every_s: float,
        run: Callable[["Job"], str],
        after_s: float = 0.0,
    ) -> "Job":
        """Return the health of a job that has not run yet."""
        return cls(Health(name, title, every_s), run, after_s)


@dataclass(frozen=True, slots=True)
class Work:
    """What jobs are given: *shown* is the store of the pages, *real* the workspace's own."""

    settings: Settings
    shown: Callable[[], Store]
    real: Callable[[], Store]
    ending: threading.Event

    def is_real(self) -> bool:
        """Return whether the pages show the workspace's own database, not the demo's."""
        return self.shown().path == self.settings.store.path.absolute()
