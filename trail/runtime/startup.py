"""Start and stop the product: choose and open the database, create the first owner, run jobs.

Pages, commands and tests all start here, so that everything starts in the same order.
"""

import logging
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from trail.access_log import log, spool
from trail.accounts import api_tokens, oidc
from trail.accounts.api_tokens import Tokens
from trail.accounts.login_throttle import Throttle
from trail.accounts.sessions import Sessions
from trail.accounts.users import FIRST_OWNER, Users
from trail.backup import swapping
from trail.core import server_link
from trail.core import settings as settings_of_process
from trail.core.settings import Settings
from trail.ingest import pipeline, receiver
from trail.integrity import clock_check, loss_monitor, mirror
from trail.runtime import demo_database, process
from trail.runtime.demo_feed import DemoFeed
from trail.runtime.fair_share import Shares
from trail.runtime.idle_memory import IdleMemory
from trail.runtime.process import Runtime
from trail.runtime.scheduler import Schedule
from trail.storage import dimensions, ledger, tiers
from trail.storage.duckdb import Store

SESSIONS_FILE, TRIES_FILE = "sessions.json", "sign-in-tries.json"  # beside the users

_log = logging.getLogger("trail.startup")
_lock = threading.RLock()
_starts = 0
_retired: list[Store] = []
_early: list[Runtime] = []
_idle_memory: list[IdleMemory] = []

LOCK_WAIT_S = 30.0
_LOCK_POLL_S = 0.2


class LockWait:
    """Waits up to `LOCK_WAIT_S` seconds for the process that has the database open.

    Reports the wait on standard error. Does not wait for a server, which keeps the database open
    until it stops.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._deadline = 0.0

    def __call__(self) -> bool:
        """Wait a moment; return whether to try again."""
        if server_link.find(self._settings):
            return False
        now = time.monotonic()
        if not self._deadline:
            self._deadline = now + LOCK_WAIT_S
            waits = (
                f"Another command has the database open; waiting up to {LOCK_WAIT_S:.0f} seconds."
            )
            _tell(self._settings, f"trail: {waits}", waits)
        time.sleep(_LOCK_POLL_S)
        return now < self._deadline


def start(settings: Settings) -> Runtime:
    """Open everything that pages and routes share, and make it the current runtime.

    A second start in one process returns what the first one opened, since a database has one
    writer. The `stop` that matches the first `start` closes it.
    """
    global _starts  # noqa: PLW0603 - one process, one runtime
    with _lock:
        if _starts == 0:
            opened = _early.pop() if _early else _opened(settings)
            process.start(opened)
            log.start(
                lambda: (process.current().store, not process.current().demo),
                spool.folder_of(settings),
                settings.auth.access_days,
                clock_check.is_plausible,
            )
            opened.schedule.start()
            _idle_memory.append(IdleMemory(shown_store))
            _idle_memory[-1].start()
            tiers.prepare(opened.store)
        _starts += 1
        return process.current()


def open_early(settings: Settings) -> None:
    """Open what the next `start` takes over, so that a failure can be reported before it.

    Raises what `start` raises.
    """
    with _lock:
        if _starts == 0 and not _early:
            _early.append(_opened(settings))
            process.start(_early[0])


def reconfigure() -> Settings:
    """Read the settings again, apply them to everything that runs, and return them.

    Raises `SettingError` and changes nothing if they cannot be read.
    """
    loaded = settings_of_process.load()
    with _lock:
        now = process.current()
        process.start(replace(now, settings=loaded))
        now.schedule.configure(loaded)
    return loaded


def close_early() -> None:
    """Close what `open_early` opened and no `start` took over."""
    with _lock:
        while _early:
            opened = _early.pop()
            opened.intake.close()
            opened.store.close()


def stop() -> None:
    """Undo one `start`; the last one stops the workers and closes the store."""
    global _starts  # noqa: PLW0603 - as above
    with _lock:
        if _starts == 0:
            return
        _starts -= 1
        if _starts:
            return
        now = process.current()
    # Outside the lock: while closing, they may call `real_store`.
    while _idle_memory:
        _idle_memory.pop().close()
    now.schedule.close()
    now.intake.close()
    log.stop()
    now.sessions.save()
    with _lock:
        for store in (process.current().store, *_retired):
            store.close()
        _retired.clear()


def database(settings: Settings) -> tuple[Path, bool]:
    """Return the path of the database to open, and whether it is the demo's."""
    real = settings.store.path
    configured = "path" in settings.store.model_fields_set
    has_received = any(receiver.folder_of(settings).glob("*"))
    was_used = mirror.files(real, settings).known.exists()
    if real.exists() or was_used or has_received or configured or settings.store.demo == "never":
        return real, False
    return settings.store.demo_path, True


def shown_store() -> Store:
    """Return the store that the pages show."""
    return process.current().store


def reading_store() -> Store:
    """Return the store that the pages show, with the archived days; see `tiers.both`."""
    return tiers.both(process.current().store)


def real_store() -> Store:
    """Return the store of the real workspace; if the demo is shown, switch the pages to it."""
    with _lock:
        now = process.current()
        if not now.demo:
            return now.store
        store = open_real(now.settings)
        # Stays open until the end, for readers that still use it.
        _retired.append(now.store)
        process.start(replace(now, store=store, demo=False))
        return store


def open_real(settings: Settings) -> Store:
    """Open the workspace's own database and compare it with its high-water mark.

    Waits while another command has it open; see `LockWait`. A database with lost events opens too;
    see `trail.integrity.high_water_mark.shortfalls`.
    """
    store = Store.open(settings.store.path, settings, LockWait(settings))
    try:
        store.write(ledger.begin_if_due)
        loss_monitor.watch(store, mirror.files(store.path, settings).known)
    except BaseException:
        store.close()
        raise
    return store


def _tell(settings: Settings, shown: str, logged: str) -> None:
    """Print a text to the terminal, or log one event if the log is JSON."""
    if settings.server.log_format == "json":
        _log.warning("%s", logged)
    else:
        print(shown, file=sys.stderr, flush=True)


def _opened(settings: Settings) -> Runtime:
    for problem in settings.problems:
        _log.warning("%s", problem)
    swapping.finish(settings)
    path, demo = database(settings)
    store = demo_database.open_store(path, settings) if demo else open_real(settings)
    store.write(dimensions.refresh_if_changed)
    store.write(pipeline.end_abandoned)
    if not demo:
        receiver.recover(settings, lambda: store)
    users = Users(settings.auth.users_path)
    if settings.auth.by_password and (password := users.first_owner()) is not None:
        change = f"python -m trail users passwd {FIRST_OWNER}"
        _tell(
            settings,
            f"\n  First start. Sign in as:  {FIRST_OWNER}\n"
            f"  with the password:        {password}\n"
            f"  The password is not shown again. Change it: {change}\n",
            # Collected logs are stored and read by others.
            f"First start. The user {FIRST_OWNER} has a random password. Set one: {change}",
        )
    sessions = Sessions(
        settings.auth.session_hours,
        settings.auth.idle_minutes,
        path=settings.auth.users_path.with_name(SESSIONS_FILE),
        provider=oidc.settings_digest(settings.auth),
        by_password=settings.auth.by_password,
    )
    return Runtime(
        settings,
        store,
        users,
        sessions,
        receiver.into_store(settings, real_store),
        Schedule(settings, shown_store, real_store, DemoFeed.of(store, settings)),
        demo,
        Tokens(api_tokens.path_of(settings)),
        Throttle(path=settings.auth.users_path.with_name(TRIES_FILE)),
        Shares(settings.limits),
    )
