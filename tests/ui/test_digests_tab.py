"""Scheduled digests on the Alerts page: made, tested, paused and deleted by owners only."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.receiver import Receiver
from tests.trail import random_trail
from tests.trail.notifications.conftest import hook
from tests.ui.test_logged_actions import entries, page, press, runtime
from trail.accounts.users import User
from trail.attention import digest_schedules
from trail.notifications import destinations
from trail.runtime.process import Runtime
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from ui import page as ui_page

__all__ = ["runtime"]
MODULE = "ui.alerts.digests_tab"


@pytest.fixture
def role(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the role of the session, which may change."""
    current = ["owner"]
    monkeypatch.setattr(ui_page, "current_user", lambda: User("maya", "Maya Lind", "", current[0]))
    return current


def make(app: AppTest, name: str) -> AppTest:
    app.text_input(key="new-digest-name").input(name)
    [button] = [item for item in app.button if item.label == "Save digest"][:1]
    button.click().run()
    assert not app.exception
    return app


def test_a_digest_is_made_tested_paused_and_deleted_and_that_is_logged(
    role: list[str], store: Store, tmp_path: Path
) -> None:
    random_trail.add(store, tmp_path, [row.raw for row in random_trail.random_rows(3, 30)])
    with Receiver() as receiver:
        hook(store, receiver.url)
        app = make(page(MODULE), "Team *x*")
        [kept] = digest_schedules.list_all(store)
        assert (kept.name, kept.made_by, kept.when) == (
            "Team *x*",
            "maya",
            "Mondays at 08:00, UTC",
        )
        app = press(app, "Send now as a test")
        assert [item.value for item in app.success] == ["Test digest delivered"]
        [taken] = receiver.taken
        assert taken.json["type"] == "audit.digest"
        assert taken.json["data"]["test"] is True
    [again] = digest_schedules.list_all(store)
    assert again == kept, "a test changes nothing"
    app = press(app, "Pause")
    assert digest_schedules.list_all(store)[0].active is False
    app = press(app, "Resume")
    role[0] = "manager"
    app = press(app, "Delete")
    assert len(digest_schedules.list_all(store)) == 1, "the role is checked again"
    role[0] = "owner"
    press(app, "Delete")
    assert digest_schedules.list_all(store) == []
    assert [detail for _, detail in entries(store, "settings")] == [
        "deleted",
        "resumed",
        "paused",
        "Mondays at 08:00, UTC",
    ]
    assert entries(store, "tested") == [("digest Team *x*", "")]


def test_a_deleted_destination_is_named(role: list[str], store: Store) -> None:
    number = hook(store, "https://hooks.example.com/a").destination_id
    make(page(MODULE), "Team")

    def remove(cursor: Cursor) -> None:
        destinations.remove(cursor, number)

    store.write(remove)
    app = page(MODULE)
    assert not app.exception
    assert any("a deleted destination" in item.value for item in app.caption)
