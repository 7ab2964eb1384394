"""The objects that the running process shares: settings, store, users and sessions.

Streamlit runs page files by path, so pages cannot take arguments; they call `current`. Set by
`startup.start`.
"""

from dataclasses import dataclass, field

from trail.accounts.api_tokens import Tokens
from trail.accounts.login_throttle import Throttle
from trail.accounts.sessions import Sessions
from trail.accounts.users import Users
from trail.core.limits import Limits
from trail.core.settings import Settings
from trail.ingest.receiver import Intake
from trail.runtime.fair_share import Shares
from trail.runtime.scheduler import Schedule
from trail.storage.duckdb import Store


@dataclass(frozen=True, slots=True)
class Runtime:
    """The objects that pages and routes share."""

    settings: Settings
    store: Store
    users: Users
    sessions: Sessions
    intake: Intake
    schedule: Schedule
    demo: bool
    tokens: Tokens | None = None
    throttle: Throttle = field(default_factory=Throttle)
    shares: Shares = field(default_factory=lambda: Shares(Limits()))


_current: list[Runtime] = []


def start(runtime: Runtime) -> None:
    """Set the runtime that `current` returns."""
    _current[:] = [runtime]


def is_started() -> bool:
    """Return whether this process has a runtime: True in a server, False in a command."""
    return bool(_current)


def current() -> Runtime:
    """Return the runtime of this process; raises `LookupError` before the start."""
    if not _current:
        raise LookupError("the process has not started")
    return _current[0]
