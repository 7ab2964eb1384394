"""The settings that owners store: what they set, what wins over them, and what cannot be read."""

import json
from pathlib import Path

import pytest

from trail.core import settings as source
from trail.core import stored_settings
from trail.core.errors import SettingError
from trail.core.secret_box import SecretBox
from trail.core.settings import CONFIG_VARIABLE
from trail.core.stored_settings import Entry


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of the stored settings of the process, which does not exist yet."""
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "trail.toml"))
    monkeypatch.setenv("TRAIL_STORE__PATH", str(tmp_path / "trail.duckdb"))
    return tmp_path / "trail.settings.json"


def keep(path: Path, **entries: Entry) -> None:
    with stored_settings.changing(path) as stored:
        stored |= {name.replace("__", "."): entry for name, entry in entries.items()}


def secret(path: Path, name: str, value: object) -> Entry:
    box = SecretBox(path.with_name("trail.secrets.key"))
    return Entry(
        secret=box.encrypt(name, value, new_key=True), by="maya", at="2026-11-01T10:00:00Z"
    )


def test_stored_settings_replace_defaults_and_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(
        path,
        workspace=Entry("Stored"),
        store__retention_days=Entry(30),
        store__archive=Entry(True),
        forward__secrets__slack=secret(path, "forward.secrets.slack", "stored"),
        forward__secrets__mail=secret(path, "forward.secrets.mail", "stored"),
        push__webhook_secrets=secret(path, "push.webhook_secrets", ["one", "two"]),
    )
    path.with_name("trail.toml").write_text("[store]\nretention_days = 60\n")
    monkeypatch.setenv("TRAIL_FORWARD__SECRETS__SLACK", "environment")
    settings = source.load()
    assert (settings.workspace, settings.store.archive) == ("Stored", True)
    assert settings.store.retention_days == 60
    values = {name: item.get_secret_value() for name, item in settings.forward.secrets.items()}
    assert values == {"slack": "environment", "mail": "stored"}
    hidden = source.value_of(settings, "push.webhook_secrets")
    assert [item.get_secret_value() for item in hidden] == ["one", "two"]
    assert settings.problems == ()
    assert source.fixed_by("store.retention_days") == "trail.toml"
    assert source.fixed_by("forward.secrets.slack") == "TRAIL_FORWARD__SECRETS__SLACK"
    for name in ("workspace", "forward.secrets.mail", "store.archive", "store.path.x"):
        assert source.fixed_by(name) == ""
    text = path.read_text()
    assert "stored" not in text.replace('"Stored"', "")
    assert "two" not in text


@pytest.mark.parametrize("damage", ["missing", "wrong", "broken"])
def test_a_secret_without_its_key_stays_and_counts_as_not_set(path: Path, damage: str) -> None:
    keep(path, segment__token=secret(path, "segment.token", "sgp_1"), workspace=Entry("Stored"))
    key, before = path.with_name("trail.secrets.key"), path.read_text()
    good = key.read_text()
    if damage == "missing":
        key.unlink()
    else:
        key.write_text("not a key" if damage == "broken" else f"{'A' * 43}=")
    settings = source.load()
    assert settings.workspace == "Stored"
    assert source.value_of(settings, "segment.token").get_secret_value() == ""
    (problem,) = settings.problems
    assert problem.startswith("Stored secrets that cannot be read: segment.token. The key")
    assert path.read_text() == before
    key.write_text(good)
    assert source.value_of(source.load(), "segment.token").get_secret_value() == "sgp_1"


def test_a_stored_value_that_is_no_longer_valid_is_left_out(path: Path) -> None:
    keep(path, store__retention_days=Entry(0), workspace=Entry("Stored"), gone__setting=Entry(1))
    settings = source.load()
    assert (settings.workspace, settings.store.retention_days) == ("Stored", 90)
    assert len(settings.problems) == 2
    assert all("is not used: " in problem for problem in settings.problems)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"version": 9}', "\0"])
def test_a_file_that_cannot_be_read_stops_the_start(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(SettingError, match=r"trail\.settings\.json"):
        source.load()


def test_only_some_settings_can_be_changed_in_the_browser() -> None:
    for name in ("store.path", "server.host", "forward.allow_loopback", "nothing", "store.x.y"):
        assert not source.is_editable(name)
    for name in source.editable_settings():
        assert source.is_editable(name)
    assert source.is_editable("forward.secrets.slack")
    assert not source.is_editable("forward.secrets.two.names")
    assert not source.is_editable("store.retention_days.x")
    assert source.is_secret("forward.secrets.slack")
    assert not source.is_secret("store.retention_days")


def test_an_entry_keeps_who_changed_it(path: Path) -> None:
    keep(path, workspace=Entry("Stored", by="maya", at="2026-11-01T10:00:00Z"))
    document = json.loads(path.read_text())
    assert document["settings"]["workspace"]["by"] == "maya"
    assert stored_settings.read(path)["workspace"].at == "2026-11-01T10:00:00Z"
    assert path.stat().st_mode & 0o077 == 0
