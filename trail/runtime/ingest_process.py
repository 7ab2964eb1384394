"""What an ingest process (`store.role = "ingest"`) shares: its settings and its intake.

It has no database, users or pages; `process` is that of the server.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from trail.core.settings import Settings
from trail.ingest import node
from trail.ingest.receiver import Intake
from trail.runtime import collection, preflight, shutdown


@dataclass(frozen=True, slots=True)
class IngestProcess:
    """The settings and the intake of this process."""

    settings: Settings
    intake: Intake


_current: list[IngestProcess] = []


def problems(settings: Settings, host: str) -> list[str]:
    """Return each problem of receiving on *host*, with its remedy."""
    found = [preflight.unwritable(settings.store.path.parent, "store.path")]
    if not settings.store.node:
        found.append(" ".join(node.NO_NAME))
    if not collection.receivers(settings):
        found.append(
            "Nothing can be received. Set push.webhook_secrets or push.write_keys, as the server "
            "has them."
        )
    return [*preflight.address_problems(settings, host), *filter(None, found)]


def warnings(settings: Settings) -> list[str]:
    """Return what keeps parts from being written; events wait in the log meanwhile."""
    problem = preflight.unwritable(settings.store.incoming, "store.archive_path")
    return [problem] if problem else []


@contextlib.contextmanager
def running(settings: Settings) -> Iterator[None]:
    """Receive events during the block; raises `SettingError` if the node is running already."""
    with node.running(settings) as intake:
        _current[:] = [IngestProcess(settings, intake)]
        try:
            yield
        finally:
            stop()
            _current.clear()


def stop() -> None:
    """Refuse what comes, and pass on what is here, as long as a stop may take."""
    with shutdown.bounded():
        current().intake.close()


def current() -> IngestProcess:
    """Return what this process shares; raises `LookupError` outside of `running`."""
    if not _current:
        raise LookupError("this is not an ingest process")
    return _current[0]
