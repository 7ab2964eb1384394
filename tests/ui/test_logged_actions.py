"""Actions on pages: each is in the access log, with who, when and what."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import Load
from tests.receiver import Receiver
from tests.trail.notifications.conftest import forward, hook
from tests.trail.random_trail import event
from trail.access_log import log, spool
from trail.accounts.sessions import Sessions
from trail.accounts.users import User, Users
from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.ingest.receiver import into_store
from trail.notifications import deliveries, delivery_log, destinations
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.runtime.scheduler import Schedule
from trail.storage.duckdb import Store
from trail.storage.filters import Window
from ui import page as ui_page

OWNER = User("maya", "Maya Lind", "", "owner")

pytestmark = pytest.mark.usefixtures("signed_in")


@pytest.fixture
def runtime(
    store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runtime]:
    """Return the current runtime; its jobs do not run by themselves."""
    monkeypatch.setattr(process, "_current", [])
    monkeypatch.setattr(ui_page, "current_user", lambda: OWNER)
    using = settings.model_copy(update={"forward": forward()})
    schedule = Schedule(using, lambda: store, lambda: store)
    users = Users(tmp_path / "users.yaml")
    intake = into_store(using, lambda: store)
    made = Runtime(using, store, users, Sessions(12, 30), intake, schedule, False)
    process.start(made)
    log.start(lambda: (store, True), spool.folder_of(using), 400)
    yield made
    log.stop()
    schedule.close()
    intake.close()


def _page(module: str) -> None:
    """Draw one tab; runs as a script of its own, so it has its own imports."""
    import importlib

    from trail.accounts.users import User
    from trail.runtime import process
    from ui.page import Context

    user = User("maya", "Maya Lind", "", "owner")
    importlib.import_module(module).draw(Context(user, process.current()))


def page(module: str) -> AppTest:
    return AppTest.from_function(_page, args=(module,), default_timeout=30).run()


def press(app: AppTest, label: str) -> AppTest:
    [button] = [button for button in app.button if button.label == label]
    button.click().run()
    assert not app.exception
    return app


def entries(store: Store, kind: str) -> list[tuple[Any, ...]]:
    """Return who did what, with which detail; the time is that of the test."""
    log.flush()
    rows = log.entries(store, Window(), kind=kind)
    assert all(utc_now() - row["last_at"] < dt.timedelta(minutes=1) for row in rows)
    assert {(row["username"], row["role"]) for row in rows} <= {("maya", "owner")}
    return [(row["what"], row["detail"]) for row in rows]


def test_sending_again_counts_asks_and_is_logged(
    runtime: Runtime, store: Store, load: Load
) -> None:
    noon = dt.datetime.combine(utc_now().date(), dt.time()) - dt.timedelta(hours=12)
    for n in range(3):
        load(event(f"e{n}", noon - n * dt.timedelta(days=1)).encode(), f"{n}.ndjson")
    number = hook(store, "https://hooks.example.com/", streams=True).destination_id
    app = press(page("ui.alerts.destinations_tab"), "Count")
    assert [row.value for row in app.text if "sent again" in row.value] == [
        f"1 event and 0 other messages from {noon.isoformat()}Z to {noon.isoformat()}Z "
        "would be sent again."
    ]
    assert deliveries.head(store, number)[0] == 0
    app = press(app, "Send 1 message again")
    assert [row.value for row in app.success] == ["1 message queued with their original IDs"]
    assert deliveries.head(store, number)[0] == 1
    [(what, detail)] = entries(store, "replayed")
    assert what == "destination hook"
    assert detail.endswith(": 1")
    press(app, "Count")
    assert not [button for button in app.button if button.label.startswith("Send 1")]


def test_changes_and_messages_of_destinations_are_logged(runtime: Runtime, store: Store) -> None:
    with Receiver() as receiver:
        number = hook(store, receiver.url).destination_id
        app = press(page("ui.alerts.destinations_tab"), "Send test message")
        assert len(receiver.taken) == 1
    assert entries(store, "tested") == [("destination hook", "")]
    store.write(
        lambda cursor: deliveries.enqueue(cursor, number, "notice", "a", {"title": "A"}, utc_now())
    )
    store.write(lambda cursor: cursor.execute("update deliveries set state = 'dead'"))
    log_tab = press(page("ui.alerts.delivery_log_tab"), "Retry 1 dead letter")
    assert entries(store, "resent") == [("hook", "1")]
    assert deliveries.head(store, number)[0] == 1
    store.write(lambda cursor: cursor.execute("update deliveries set state = 'dead'"))
    press(log_tab.run(), "Delete 1 dead letter")
    assert delivery_log.counts(store) == {}
    press(press(app, "Pause"), "Delete")
    assert destinations.list_all(store) == []
    assert entries(store, "settings") == [
        ("destination hook", "deleted"),
        ("destination hook", "paused"),
        ("deliveries to hook", "1 deleted"),
    ]


def test_retries_of_the_quarantine_are_logged(runtime: Runtime, store: Store, load: Load) -> None:
    batch = load(b'{"broken": 1}\n')
    press(page("ui.admin.quarantine_tab"), "Retry batch")
    [(what, detail)] = entries(store, "retried")
    assert what == f"batch {batch.batch_id}"
    assert detail.endswith("1 quarantined again")


def test_an_owner_links_an_account_and_sees_which_are_not(runtime: Runtime, store: Store) -> None:
    for name, role in (("rita", "reviewer"), ("jon", "manager")):
        runtime.users.add(name, "", "rita@example.com", role, "correct-horse-9")
    app = page("ui.admin.users_tab")
    hint = "▲ 1 reviewing account without a linked actor: rita. "
    assert any(row.value.startswith(hint) for row in app.text)
    app.selectbox(key="users-change").set_value("rita").run()
    app.text_input(key="users-actors-rita-").set_value("users/a1, tokens/t1")
    app = press(app, "Save link")
    assert [row.value for row in app.success] == ["rita is linked to users/a1, tokens/t1"]
    assert not any("▲" in row.value for row in app.text)
    assert entries(store, "linked") == [("rita", "users/a1, tokens/t1")]
