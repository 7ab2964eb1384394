"""`doctor` finds what stops or endangers the server, says what to do, and changes nothing."""

import datetime as dt
import hashlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from pydantic import SecretStr

from loaders._segment_http import SegmentSettings
from trail.accounts.users import Users
from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.events import coverage
from trail.runtime import doctor, installation_checks
from trail.runtime.check import Check
from trail.storage import schema
from trail.storage.duckdb import Store

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings in a folder with an owner."""
    Users(tmp_path / "users.yaml").add("maya", "Maya", "", "owner", "correct-horse-9")
    return Settings(
        auth={"users_path": tmp_path / "users.yaml"},
        store={"path": tmp_path / "data" / "trail.duckdb"},
    )


@pytest.fixture
def port() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = int(probe.getsockname()[1])
    yield number


def found(settings: Settings, port: int) -> dict[str, list[Check]]:
    result: dict[str, list[Check]] = {}
    for check in doctor.checks(settings, "127.0.0.1", port, NOW):
        assert check.text.endswith((".", "--replace", "requirements.lock", "--port N", "verify"))
        result.setdefault(check.name, []).append(check)
    return result


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_it_opens_the_database_and_changes_nothing(settings: Settings, port: int) -> None:
    folder = settings.auth.users_path.parent
    Store.open(settings.store.path, settings).close()
    before = files(folder)
    checks = found(settings, port)
    assert not [check for name in checks for check in checks[name] if check.state == "problem"]
    assert f"has the newest version, {schema.NEWEST}" in checks["Database"][0].text
    assert checks["Sources"][0].state == "warning"
    assert checks["Clock"][0].state == "ok"
    assert files(folder) == before


def test_an_empty_folder_is_ready_and_stays_empty(settings: Settings, port: int) -> None:
    checks = found(settings, port)
    assert checks["Database"][0].state == "ok"
    assert not settings.store.path.parent.exists()


def test_a_port_in_use_is_named(settings: Settings) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        (check,) = found(settings, other.getsockname()[1])["Server"]
    assert check.state == "problem"
    assert check.text.startswith("Port ")


@pytest.mark.parametrize(
    ("version", "state", "text"),
    [
        (schema.NEWEST - 1, "warning", "The next start upgrades trail.duckdb"),
        (schema.NEWEST + 1, "problem", "Start the newer release again"),
    ],
)
def test_the_version_of_the_database_is_checked_before_the_upgrade(
    settings: Settings, port: int, version: int, state: str, text: str
) -> None:
    Store.open(settings.store.path, settings).close()
    with duckdb.connect(str(settings.store.path)) as connection:
        connection.execute("delete from schema_version")
        connection.execute("insert into schema_version values (?, now())", [version])
    (check,) = found(settings, port)["Database"]
    assert check.state == state
    assert text in check.text


def test_a_damaged_database_is_a_problem(settings: Settings, port: int) -> None:
    settings.store.path.parent.mkdir()
    settings.store.path.write_bytes(os.urandom(20_000))
    (check,) = found(settings, port)["Database"]
    assert (check.state, "Restore a backup" in check.text) == ("problem", True)


def test_a_failing_source_and_an_old_backup_are_problems(settings: Settings, port: int) -> None:
    segment = SegmentSettings(token=SecretStr("sgp_x"), url="http://127.0.0.1:9")
    folder = settings.auth.users_path.with_name("backups")
    backup = settings.backup.model_copy(update={"path": folder})
    settings = settings.model_copy(update={"segment": segment, "backup": backup})
    assert "made yet" in found(settings, port)["Backup"][0].text
    folder.mkdir()
    old = folder / "trail-2026-01-31.tar.zst"
    old.touch()
    os.utime(old, (0, 0))
    with_failure = Store.open(settings.store.path, settings)
    with_failure.write(
        lambda cursor: coverage.note_failure(
            cursor, "segment_api", utc_now(), dt.timedelta(), "401 for sgp_x"
        )
    )
    with_failure.close()
    checks = found(settings, port)
    (source,) = checks["Sources"]
    assert (source.state, "sgp_x" in source.text) == ("problem", False)
    assert "Segment Public API: Failing. 401" in source.text
    assert checks["Backup"][0].state == "problem"


def test_settings_that_do_not_agree_are_warnings(settings: Settings, port: int) -> None:
    server = settings.server.model_copy(update={"https": True, "allowed_hosts": ("a.example.com",)})
    forward = settings.forward.model_copy(update={"public_url": "http://b.example.com"})
    changed = settings.model_copy(update={"server": server, "forward": forward})
    checks = found(changed, port)["Address"]
    assert [check.state for check in checks] == ["warning"] * 3
    agreed = server.model_copy(update={"trusted_proxies": ("127.0.0.1",)})
    address = settings.forward.model_copy(update={"public_url": "https://a.example.com"})
    changed = settings.model_copy(update={"server": agreed, "forward": address})
    assert [check.state for check in found(changed, port)["Address"]] == ["ok"]


def test_packages_of_other_versions_are_named() -> None:
    assert [check.state for check in installation_checks.packages()] == ["ok"]
    pins = {"duckdb": "0.1", "no-such-package-9": "1.0"}
    first, second = installation_checks.packages(pins)
    assert "is installed; this release needs 0.1" in first.text
    assert "no-such-package-9 is not installed; this release needs 1.0" in second.text


def test_an_ingest_process_is_checked_for_what_it_needs(settings: Settings, port: int) -> None:
    store = settings.store.model_copy(update={"role": "ingest"})
    checks = found(settings.model_copy(update={"store": store}), port)
    assert [check.text.partition(".")[0] for check in checks["Ingest process"]] == [
        "store",
        "Nothing can be received",
    ]
    push = settings.push.model_copy(update={"write_keys": (SecretStr("key"),)})
    folder = settings.store.path.parent.parent
    node = store.model_copy(update={"node": "a", "archive_path": folder / "archive"})
    checks = found(settings.model_copy(update={"store": node, "push": push}), port)
    assert [check.text for check in checks["Ingest process"]] == ["Events are received as node a."]
    assert "Sign-in" not in checks
    assert not settings.store.path.parent.exists()
