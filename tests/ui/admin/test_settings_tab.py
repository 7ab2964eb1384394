"""Settings on Admin: what can be changed there, by whom, and what is said about it."""

import pytest
from streamlit.testing.v1 import AppTest

from trail.access_log import log
from trail.core import settings as core_settings
from trail.core.errors import InputError
from trail.runtime import configuration, process
from trail.runtime.process import Runtime
from trail.storage.filters import Window
from ui import setting_change, text
from ui.admin import settings_tab


@pytest.fixture
def role(runtime: Runtime, signed_in: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the role of the user, who uses a server that was started with the variables."""
    monkeypatch.setenv("TRAIL_STORE__PATH", str(runtime.settings.store.path))
    return signed_in


def _tab() -> None:
    """Draw the tab; runs as a script of its own, so it has its own imports."""
    from trail.accounts.users import User
    from trail.runtime import process
    from ui.admin import settings_tab
    from ui.page import Context

    settings_tab.draw(Context(User("maya", "Maya Lind", "", "owner"), process.current()))


def tab() -> AppTest:
    app = AppTest.from_function(_tab, default_timeout=30).run()
    assert not app.exception
    return app


def test_every_setting_that_owners_may_change_has_its_place() -> None:
    grouped = [name for names in settings_tab.GROUPS.values() for name in names]
    places = [*grouped, *settings_tab.RETENTION, *settings_tab.ELSEWHERE]
    assert len(places) == len(set(places))
    several = {name for name in core_settings.editable_settings() if name == "forward.secrets"}
    assert {*places, *several} == set(core_settings.editable_settings())
    assert all(core_settings.field_of(name).title for name in places)


def test_a_shorter_retention_is_previewed_stored_and_logged(role: list[str]) -> None:
    app = tab()
    app.number_input(key="setting-store.retention_days").set_value(30).run()
    assert any("With 30 days, the next run removes 0 events." in item.value for item in app.text)
    app.button(key="settings-retention-save").click().run()
    assert process.current().settings.store.retention_days == 30
    assert core_settings.load().store.retention_days == 30
    [result] = app.success
    assert result.value == text.escape("Days to keep events: 90 → 30")
    assert any(item.value.startswith("Changed by maya") for item in app.caption)
    log.flush()
    [entry] = log.entries(process.current().store, Window(), kind="settings")
    assert (entry["username"], entry["what"], entry["detail"]) == (
        "maya",
        "store.retention_days",
        "90 → 30",
    )


def test_a_change_of_somebody_else_is_not_undone(role: list[str]) -> None:
    app = tab()
    setting_change.change("backup.keep", 60)
    app.toggle(key="setting-export.csv_bom").set_value(False)
    app.button(key="FormSubmitter:settings-Exports and backups-Save").click().run()
    settings = process.current().settings
    assert (settings.export.csv_bom, settings.backup.keep) == (False, 60)
    assert app.number_input(key="setting-backup.keep").value == 60
    app.number_input(key="setting-backup.keep").set_value(5)
    setting_change.change("backup.keep", 30)
    app.button(key="FormSubmitter:settings-Exports and backups-Save").click().run()
    message = "The setting “Daily backups to keep” has changed in the meantime. Reload the page."
    assert [item.value for item in app.error] == [text.escape(message)]
    assert process.current().settings.backup.keep == 30


def test_what_a_variable_sets_is_shown_as_such(
    role: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAIL_STORE__RETENTION_DAYS", "60")
    app = tab()
    assert app.number_input(key="setting-store.retention_days").disabled
    assert text.escape("Set by TRAIL_STORE__RETENTION_DAYS") in [item.value for item in app.caption]


@pytest.mark.parametrize("given", ["reviewer", "manager"])
def test_only_owners_change_settings(role: list[str], given: str) -> None:
    role[0] = given
    with pytest.raises(InputError, match="Your role does not allow"):
        setting_change.change("store.retention_days", 30)
    with pytest.raises(InputError, match="Your role does not allow"):
        setting_change.reset("store.retention_days")
    assert configuration.describe("store.retention_days").value == 90


def test_stored_secrets_are_removed_and_their_key_replaced(role: list[str]) -> None:
    setting_change.change("forward.secrets.slack", "https://hooks.example.com/HushHush")
    app = tab()
    assert any("forward.secrets.slack\nIn use. Entered by maya" in item.value for item in app.text)
    assert "HushHush" not in str(app)
    app.button(key="rotate-key").click().run()
    done = "Encrypted with the new key: 1 secret. The old key is removed."
    assert [item.value for item in app.success] == [text.escape(done)]
    role[0] = "manager"
    app.button(key="remove-forward.secrets.slack").click().run()
    assert "slack" in process.current().settings.forward.secrets
    role[0] = "owner"
    app.button(key="remove-forward.secrets.slack").click().run()
    assert process.current().settings.forward.secrets == {}
    log.flush()
    entries = log.entries(process.current().store, Window(), kind="settings")
    assert [(entry["what"], entry["detail"]) for entry in entries] == [
        ("forward.secrets.slack", "set → not set"),
        ("key of the stored secrets", "replaced"),
        ("forward.secrets.slack", "not set → set"),
    ]
