"""Every button of the Alerts page checks the role itself, whoever drew the page."""

from typing import Any

import pytest

from tests.trail.notifications.conftest import hook
from tests.ui.test_logged_actions import entries, page, runtime
from trail.accounts.users import User
from trail.attention import digest_schedules
from trail.attention.digest_schedules import DigestSchedule
from trail.core.clock import utc_now
from trail.notifications import deliveries, maintenance, rule_store
from trail.notifications.maintenance import MaintenanceWindow
from trail.notifications.rule import Rule
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from ui import page as ui_page

__all__ = ["runtime"]
URL = "https://hooks.example.com/services/T1/B1/x"
TABLES = ("rules", "maintenance_windows", "destinations", "deliveries", "tries", "digest_schedules")
ADDING = {"Count", "Test before adding", "Add destination"}
# The buttons that must be there, so that the test cannot pass by finding none.
EXPECTED = {
    "rules_tab": {"Import", "Delete rule", "Snooze 1 h", "Save rule"},
    "digests_tab": {"Save digest", "Send now as a test", "Pause", "Delete", "Import"},
    "destinations_tab": {"Send test message", "Pause", "Delete destination", "Replace", *ADDING},
    "maintenance_tab": {"Save window", "Delete"},
    "delivery_log_tab": {"Retry 1 dead letter", "Delete 1 dead letter"},
}
# One function checks for all: another role, and nobody.
OTHERS = ("manager", "")


@pytest.fixture
def content(store: Store) -> None:
    """Store a destination with a dead letter, a rule and a digest."""
    number = hook(store, "https://hooks.example.com/").destination_id

    def write(cursor: Cursor) -> None:
        now = utc_now()
        rule_store.save(cursor, Rule("Any", destinations=("hook",)), "maya")
        digest_schedules.save(cursor, DigestSchedule("Weekly", number), "maya", now)
        maintenance.add(cursor, MaintenanceWindow("Sunday", weekly=True, weekday=6), "maya")
        deliveries.enqueue(cursor, number, "notice", "a", {"title": "A"}, now)
        cursor.execute("update deliveries set state = 'dead', ended_at = created_at")

    store.write(write)


def stored(store: Store) -> dict[str, list[dict[str, Any]]]:
    made = {name: store.table(f"select * from {name}").to_pylist() for name in TABLES}
    secrets = process.current().settings.forward.secrets
    return {**made, "secrets": [{"name": name} for name in secrets]}


@pytest.mark.parametrize("tab", EXPECTED)
@pytest.mark.usefixtures("content")
def test_no_button_acts_for_another_role(
    tab: str, runtime: Runtime, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(f"ui.alerts.{tab}")
    if tab == "rules_tab":
        app.query_params["edit"] = "1"
        app.run()
    if tab == "destinations_tab":
        app.text_input(key="new-destination-name-slack").input("Other").run()
        app.text_input(key="new-destination-value-slack-url").input(URL).run()
    before = stored(store)
    assert EXPECTED[tab] <= {button.label for button in app.button}
    for role in OTHERS:
        user = User("maya", "Maya Lind", "", role) if role else None
        monkeypatch.setattr(ui_page, "current_user", lambda user=user: user)
        index = 0
        while index < len(app.button):  # a press may add buttons
            button = app.button[index]
            button.click().run()
            assert not app.exception
            assert stored(store) == before, (role, button.label)
            index += 1
        for switch in range(len(app.toggle)):
            app.toggle[switch].set_value(not app.toggle[switch].value).run()
            assert not app.exception
            assert stored(store) == before, (role, "switch")
    for kind in ("settings", "resent", "tested", "replayed"):
        assert entries(store, kind) == []
