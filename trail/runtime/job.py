"""A scheduled job, its health, and the context that it runs in."""

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from trail.core.settings import Settings
from trail.storage.duckdb import Store


@dataclass(slots=True)
class Health:
    """The state of a job. Times are UTC without zone; `error` is of the last run, or empty."""

    name: str
    title: str
    every_s: float
    running: bool = False
    last_at: dt.datetime | None = None
    succeeded_at: dt.datetime | None = None
    error: str = ""
    status_text: str = ""
    share: float = 0.0


@dataclass(slots=True)
class Job:
    """One job: `run` runs it once, first after `first_delay_s`, and returns a status text."""

    health: Health
    run: Callable[["Job"], str]
    first_delay_s: float = 0.0
    due: threading.Event = field(default_factory=threading.Event)
    ended: bool = False

    @classmethod
    def of(
        cls,
        name: str,
        title: str,
        every_s: float,
        run: Callable[["Job"], str],
        first_delay_s: float = 0.0,
    ) -> "Job":
        """Return a job that has not run yet."""
        return cls(Health(name, title, every_s), run, first_delay_s)

    def end(self) -> None:
        """Stop running; a run in progress finishes."""
        self.ended = True
        self.due.set()


@dataclass(slots=True)
class JobContext:
    """Shared by jobs: `shown` returns the store of the pages, `real` that of the workspace.

    `settings` is replaced when an owner changes one, so jobs read it in each run.
    """

    settings: Settings
    shown: Callable[[], Store]
    real: Callable[[], Store]
    stopping: threading.Event

    def is_real(self) -> bool:
        """Return whether the pages show the workspace's own database, not the demo's."""
        return self.shown().path == self.settings.store.path.absolute()
