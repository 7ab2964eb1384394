"""Destinations whose secrets are entered in the page: tested, stored encrypted, replaced."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from streamlit.testing.v1 import AppTest

from tests.receiver import Receiver
from trail.access_log import log
from trail.core import settings as core_settings
from trail.notifications import destinations, rule_store
from trail.runtime import process, startup
from trail.runtime.process import Runtime
from trail.storage.filters import Window
from ui import setting_change

OLD, NEW = "/services/T1/B1/first-secret", "/services/T1/B1/second-secret"


@pytest.fixture
def receiver(
    runtime: Runtime, signed_in: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Receiver]:
    """Return a receiver on this machine, to which the server may send."""
    monkeypatch.setenv("TRAIL_STORE__PATH", str(runtime.settings.store.path))
    monkeypatch.setenv("TRAIL_FORWARD__ALLOW_LOOPBACK", "true")
    startup.reconfigure()
    with Receiver() as running:
        yield running


def _page(module: str) -> None:
    """Draw one tab; runs as a script of its own, so it has its own imports."""
    import importlib

    from trail.accounts.users import User
    from trail.runtime import process
    from ui.page import Context

    user = User("maya", "Maya Lind", "", "owner")
    importlib.import_module(module).draw(Context(user, process.current()))


def press(app: AppTest, label: str) -> AppTest:
    [button] = [button for button in app.button if button.label == label]
    button.click().run()
    assert not app.exception
    return app


def filled_in(app: AppTest, key: str, url: str) -> AppTest:
    app.text_input(key=f"{key}-name-slack").input("Team *x*").run()
    app.text_input(key=f"{key}-value-slack-url").input(url).run()
    return app


def test_a_destination_is_tested_added_and_its_secret_replaced(
    receiver: Receiver, tmp_path: Path
) -> None:
    address = f"http://127.0.0.1:{receiver.port}"
    app = AppTest.from_function(_page, args=("ui.alerts.destinations_tab",)).run(timeout=30)
    app = press(filled_in(app, "new-destination", address + OLD), "Test before adding")
    [result] = app.success
    assert result.value.startswith("Test message delivered in ")
    store = process.current().store
    assert destinations.list_all(store) == []
    assert process.current().settings.forward.secrets == {}
    app = press(app, "Add destination")
    [made] = destinations.list_all(store)
    assert dict(made.secrets) == {"url": "team_x_url"}
    assert app.text_input(key="new-destination-value-slack-url").value == ""
    app = press(app, "Send test message")
    app.text_input(key=f"replace-{made.destination_id}-url").input(address + NEW).run()
    press(press(app, "Replace"), "Send test message")
    assert [taken.path for taken in receiver.taken] == [OLD, OLD, NEW]
    secrets = core_settings.load().forward.secrets
    assert secrets["team_x_url"].get_secret_value() == address + NEW
    # Another one uses it, too, and is deleted first.
    other = dataclasses.replace(made, name="Other")
    number = store.write(
        lambda cursor: destinations.add(cursor, other, process.current().settings.forward, "maya")
    )
    app = app.run().button(key=f"delete-{made.destination_id}").click().run()
    assert process.current().settings.forward.secrets
    assert [one.destination_id for one in destinations.list_all(store)] == [number]
    assert "also be deleted" in str([item.value for item in app.text])
    press(app, "Delete destination")
    assert destinations.list_all(store) == []
    assert core_settings.load().forward.secrets == process.current().settings.forward.secrets == {}
    log.flush()
    rows = [*log.entries(store, Window(), kind="settings"), *log.entries(store, Window())]
    logged = [(row["what"], row["detail"]) for row in rows]
    assert ("forward.secrets.team_x_url", "set → replaced") in logged
    assert logged[:3] == [
        ("forward.secrets.team_x_url", "set → not set"),
        ("destination Other", "deleted"),
        ("destination Team *x*", "deleted"),
    ]
    texts = [str(rows), *(str(item.proto) for item in app.main)]
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for secret in ("first-secret", "second-secret"):
        assert not any(secret in text for text in texts)
        assert not any(secret.encode() in content for content in files)


def test_without_a_destination_no_secret_stays(receiver: Receiver) -> None:
    app = AppTest.from_function(_page, args=("ui.alerts.destinations_tab",)).run(timeout=30)
    app = press(filled_in(app, "new-destination", " "), "Add destination")
    assert any("URL is missing" in item.value for item in app.error)
    assert process.current().settings.forward.secrets == {}
    address = f"http://127.0.0.1:{receiver.port}"
    press(filled_in(app, "new-destination", address + OLD), "Add destination")
    app = press(filled_in(app, "new-destination", address + NEW), "Add destination")
    assert any("already exists" in item.value for item in app.error)
    assert list(process.current().settings.forward.secrets) == ["team_x_url"]


def test_a_destination_that_is_added_in_the_editor_is_chosen(receiver: Receiver) -> None:
    app = AppTest.from_function(_page, args=("ui.alerts.rules_tab",))
    app.query_params["edit"] = "new"
    app.run(timeout=30)
    key = "new"
    app.text_input(key="new-name").input("Any").run()
    address = f"http://127.0.0.1:{receiver.port}"
    press(filled_in(app, f"{key}-destination", address + OLD), "Add destination")
    assert app.multiselect(key=f"{key}-destinations").value == ["Team *x*"]
    press(app, "Save rule")
    [rule] = rule_store.list_all(process.current().store)
    assert (rule.name, rule.destinations) == ("Any", ("Team *x*",))
    # The next new rule starts empty.
    assert "edit" not in app.query_params
    app.query_params["edit"] = "new"
    app.run()
    assert (app.text_input(key="new-name").value, app.text_input(key="new-query").value) == ("", "")


def test_a_secret_that_cannot_be_read_is_not_overwritten(
    receiver: Receiver, tmp_path: Path
) -> None:
    setting_change.change("forward.secrets.team_x_url", "https://hooks.example.com/kept")
    path = process.current().settings.store.path
    key = path.with_name(f"{path.stem}.secrets.key")
    right = key.read_text()
    key.write_text(Fernet.generate_key().decode())
    startup.reconfigure()
    app = AppTest.from_function(_page, args=("ui.alerts.destinations_tab",)).run(timeout=30)
    address = f"http://127.0.0.1:{receiver.port}{OLD}"
    press(filled_in(app, "new-destination", address), "Add destination")
    [made] = destinations.list_all(process.current().store)
    assert dict(made.secrets) == {"url": "team_x_url_2"}
    key.write_text(right)
    kept = startup.reconfigure().forward.secrets["team_x_url"].get_secret_value()
    assert kept == "https://hooks.example.com/kept"
