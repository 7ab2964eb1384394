"""Settings changed while the server runs: effective at once, stored, never shown."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.segment_api_server import TOKEN, SegmentApi
from tests.segment_records import api_event
from trail.attention import items
from trail.core import settings as core_settings
from trail.core.clock import utc_now
from trail.core.errors import InputError, SettingError, UnavailableError
from trail.events import store_status
from trail.runtime import configuration, process, startup, stored_secrets
from trail.runtime.process import Runtime


@pytest.fixture
def api() -> Iterator[SegmentApi]:
    """Run Segment's API with three events."""
    with SegmentApi([api_event(number) for number in range(3)]) as running:
        yield running


@pytest.fixture
def runtime(
    api: SegmentApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Runtime]]:
    """Start the product on an empty database; return what gives its current runtime."""
    monkeypatch.setattr(process, "_current", [])
    for name, value in {
        "CONFIG": tmp_path / "trail.toml",
        "STORE__PATH": tmp_path / "trail.duckdb",
        "AUTH__USERS_PATH": tmp_path / "users.yaml",
        "SEGMENT__URL": api.url,
    }.items():
        monkeypatch.setenv(f"TRAIL_{name}", str(value))
    startup.start(core_settings.load())
    yield process.current
    startup.stop()


def wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def is_quiet(api: SegmentApi) -> bool:
    """Return whether nobody asks; a poll that was under way ends with its request."""
    asked = len(api.seen)
    time.sleep(0.5)
    return len(api.seen) == asked


def jobs(runtime: Runtime) -> dict[str, str]:
    return {health.name: health.error for health in runtime.schedule.health()}


def test_a_token_connects_the_workspace_without_a_restart(
    runtime: Callable[[], Runtime], api: SegmentApi, tmp_path: Path
) -> None:
    assert "segment_api" not in jobs(runtime())
    change = configuration.change("segment.token", "sgp_wrong", "maya")
    assert (change.before, change.after) == ("not set", "set")
    wait_for(lambda: "not accepted" in jobs(runtime())["segment_api"])

    configuration.change("segment.every_minutes", 0.003, "maya")
    change = configuration.change("segment.token", TOKEN, "maya")
    assert (change.before, change.after) == ("set", "replaced")
    wait_for(lambda: store_status.status(runtime().store)["events"] == 3)
    asked = len(api.seen)
    wait_for(lambda: len(api.seen) > asked + 2)
    wait_for(lambda: not jobs(runtime())["segment_api"])
    shown = configuration.describe("segment.token")
    assert (shown.is_set, shown.value, shown.by, shown.fixed_by) == (True, None, "maya", "")
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes(), path

    change = configuration.reset("segment.token")
    assert (change.before, change.after) == ("set", "not set")
    assert "segment_api" not in jobs(runtime())
    wait_for(lambda: is_quiet(api))


def test_a_changed_setting_counts_from_now_on_and_after_a_restart(
    runtime: Callable[[], Runtime],
) -> None:
    before = jobs(runtime())
    change = configuration.change("store.retention_days", 30, "maya")
    assert (change.before, change.after) == ("90", "30")
    assert runtime().settings.store.retention_days == 30
    assert core_settings.load().store.retention_days == 30
    assert jobs(runtime()).keys() == before.keys()


def test_what_cannot_be_changed_is_refused(
    runtime: Callable[[], Runtime], monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in (0, 4_000, "many", None, [1]):
        with pytest.raises(SettingError, match=r"store\.retention_days"):
            configuration.change("store.retention_days", value, "maya")
    for name in ("store.path", "server.port", "nothing", "forward.allow_loopback"):
        with pytest.raises(InputError, match="cannot be changed in the browser"):
            configuration.change(name, "x", "maya")
    monkeypatch.setenv("TRAIL_STORE__RETENTION_DAYS", "60")
    with pytest.raises(InputError, match="TRAIL_STORE__RETENTION_DAYS"):
        configuration.change("store.retention_days", 30, "maya")
    assert runtime().settings.store.retention_days == 90


def test_stored_secrets_are_listed_removed_and_get_a_new_key(
    runtime: Callable[[], Runtime], tmp_path: Path
) -> None:
    configuration.change("forward.secrets.slack", "https://hooks.example.com/a", "maya")
    configuration.change("push.write_keys", ["k1"], "jon")
    settings, key = runtime().settings, tmp_path / "trail.secrets.key"
    listed = stored_secrets.stored(settings)
    assert [(row.name, row.state, row.by) for row in listed] == [
        ("forward.secrets.slack", "In use", "maya"),
        ("push.write_keys", "In use", "jon"),
    ]
    before = key.read_text()
    rotation = stored_secrets.rotate_key(runtime().users, settings)
    assert rotation.sentence() == ("Encrypted with the new key: 2 secrets. The old key is removed.")
    assert key.read_text() != before
    value = core_settings.load().forward.secrets["slack"].get_secret_value()
    assert value == "https://hooks.example.com/a"
    stored_secrets.remove(settings, "push.write_keys")
    assert core_settings.value_of(runtime().settings, "push.write_keys") == ()
    with pytest.raises(InputError, match="no stored secret"):
        stored_secrets.remove(settings, "workspace")


def test_a_lost_key_is_one_sentence_and_loses_nothing(
    runtime: Callable[[], Runtime], tmp_path: Path
) -> None:
    configuration.change("forward.secrets.slack", "https://hooks.example.com/a", "maya")
    key = tmp_path / "trail.secrets.key"
    content = key.read_text()
    key.unlink()
    settings = startup.reconfigure()
    [row] = stored_secrets.stored(settings)
    assert row.state == "Cannot be read"
    found = items.items(runtime().store, settings, utc_now(), findings=True)
    [item] = [item for item in found if item.kind == "settings"]
    assert (item.title, item.reason) == (
        "Stored secrets that cannot be read: forward.secrets.slack",
        "Settings · The key file trail.secrets.key is missing. "
        "Restore the key, or enter them again",
    )
    assert not any(
        item.kind == "settings"
        for item in items.items(runtime().store, settings, utc_now(), findings=False)
    )
    for value in ("https://hooks.example.com/b", "https://hooks.example.com/c"):
        with pytest.raises(UnavailableError, match=r"trail\.secrets\.key is missing"):
            configuration.change("forward.secrets.slack", value, "maya")
    key.write_text(content)
    assert startup.reconfigure().problems == ()
    assert core_settings.load().forward.secrets["slack"].get_secret_value().endswith("/a")
