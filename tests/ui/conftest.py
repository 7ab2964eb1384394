"""Fixtures for tests that draw parts of pages without a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from trail.access_log import log, spool
from trail.accounts.sessions import Sessions
from trail.accounts.users import User, Users
from trail.core.settings import Settings
from trail.ingest.receiver import into_store
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.runtime.scheduler import Schedule
from trail.storage.duckdb import Store
from ui import page


@pytest.fixture
def runtime(
    store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runtime]:
    """Return the current runtime, whose jobs do not run."""
    monkeypatch.setattr(process, "_current", [])
    schedule = Schedule(settings, lambda: store, lambda: store)
    users, intake = Users(tmp_path / "users.yaml"), into_store(settings, lambda: store)
    made = Runtime(settings, store, users, Sessions(12, 30), intake, schedule, False)
    process.start(made)
    log.start(lambda: (store, True), spool.folder_of(settings), 400)
    yield made
    log.stop()
    schedule.close()
    intake.close()


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the role of Maya, who is signed in wherever an action asks; changes count at once."""
    role = ["owner"]
    monkeypatch.setattr(page, "current_user", lambda: User("maya", "Maya Lind", "", role[0]))
    return role
