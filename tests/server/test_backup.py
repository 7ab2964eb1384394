"""Backups of a real server while it receives events, and kills during backup and restore."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests.server.conftest import ROOT, Running
from tests.server.test_push import KEY
from tests.trail.backup.conftest import all_rows
from trail.backup import places, swapping
from trail.core.settings import Settings
from trail.ingest import receiver
from trail.integrity import high_water_mark, mirror, verification
from trail.runtime import startup
from trail.storage.duckdb import Store

pytestmark = pytest.mark.server

# Tables that the restore itself adds to, or that events sent meanwhile change.
CHANGING = ("seals", "seal_parts", "marks", "coverage", "access_log", "batches")


@pytest.fixture
def server(
    start_server: Callable[..., Running], tmp_path_factory: pytest.TempPathFactory
) -> Running:
    folder = tmp_path_factory.mktemp("belongings")
    return start_server(
        TRAIL_STORE__ARCHIVE_PATH=str(folder / "archive"),
        TRAIL_FOLDER__PATH=str(folder / "inbox"),
        TRAIL_PUSH__WRITE_KEYS=json.dumps([KEY]),
    )


@pytest.fixture
def settings_of(server: Running, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the server's settings, as its commands read them."""
    for name in os.environ:
        if name.startswith("TRAIL_"):
            monkeypatch.delenv(name)
    for name, value in server.environment.items():
        if name.startswith("TRAIL_"):
            monkeypatch.setenv(name, value)
    return Settings()


def send(url: str, number: int) -> bool:
    record = {
        "type": "track",
        "messageId": f"sent-{number}",
        "event": "Source Created",
        "userId": "users/ana",
        "timestamp": "2026-11-20T10:00:00.000Z",
        "properties": {"details": {"target": f"Thing {number}"}},
    }
    try:
        return httpx2.post(f"{url}/v1/track", json=record, auth=(KEY, "")).status_code == 200
    except httpx2.TransportError:
        return False


class Sending:
    """Sends events while the block runs; `acknowledged` has the numbers of accepted ones."""

    def __init__(self, url: str, first: int) -> None:
        self.acknowledged: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(url, first))

    def _run(self, url: str, first: int) -> None:
        while not self._stop.is_set():
            if send(url, first):
                self.acknowledged.append(first)
            first += 1

    def __enter__(self) -> "Sending":
        self._thread.start()
        deadline = time.monotonic() + 30
        while len(self.acknowledged) < 5:
            assert time.monotonic() < deadline, "no event was acknowledged"
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def command(server: Running, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "trail", *words],
        cwd=ROOT,
        env=server.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def unlisted_files(settings: Settings, *folders: Path) -> list[Path]:
    """Return the files below *folders* that the list of the product's files lacks."""
    files = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    included = {path for place in places.included(settings) for path in place.files().values()}
    return [
        path
        for path in sorted(files - included)
        if not any(_matches(path, pattern) for pattern in places.excluded(settings))
    ]


def _matches(path: Path, pattern: Path) -> bool:
    if pattern.name == "**":
        return pattern.parent in path.parents
    return path.match(str(pattern))


def test_round_trip_while_events_are_sent(
    server: Running, settings_of: Settings, tmp_path: Path
) -> None:
    home = settings_of.store.path.parent
    assert settings_of.folder.path
    settings_of.folder.path.mkdir(exist_ok=True)  # the server may not have created it yet
    (settings_of.folder.path / "drop.ndjson").write_text("{broken\n")
    server.command("tokens", "add", "ci", "--role", "manager", "--scope", "read", "--days", "30")
    server.command("holds", "add", "event", "sent-1", "--reason", "a test")
    out = tmp_path / "copy.tar.zst"
    with Sending(server.url, 0) as sending:
        before = list(sending.acknowledged)
        message = json.loads(server.command("backup", "--out", str(out), "--json"))
        assert "push.write_keys" in message["secrets"]
        # The list has each file of the running server.
        assert unlisted_files(settings_of, home, settings_of.store.archive_path.parent) == [
            home / "server.log"
        ]
    refused = command(server, "restore", str(out), "--replace")
    assert "The server is running" in refused.communicate()[1]
    assert refused.returncode == 1

    into = tmp_path / "into"
    words = server.command("restore", str(out), "--into", str(into))
    assert "review them" in words
    new = places.relocated(settings_of, into)
    for name in ("users.yaml", "tokens.json"):
        assert (into / name).read_bytes() == (home / name).read_bytes()
    store = startup.open_real(new)
    try:
        receiver.recover(new, lambda: store)
        stored = set(store.table("select event_id from events")["event_id"].to_pylist())
        # It has every event acknowledged before the backup, and only events that were sent.
        assert {f"sent-{number}" for number in before} <= stored
        assert stored <= {f"sent-{number}" for number in range(max(sending.acknowledged) + 2)}
        assert verification.verify(store, new).ok
        assert store.table("select reason from holds")["reason"].to_pylist() == ["a test"]
    finally:
        store.close()


def test_kill_during_backup_or_restore_leaves_all_or_nothing(
    server: Running, settings_of: Settings, tmp_path: Path
) -> None:
    sent = Sending(server.url, 10_000)
    with sent:
        running = command(server, "backup", "--out", str(tmp_path / "killed.tar.zst"))
        time.sleep(random.uniform(0.3, 0.8))
        assert server.process
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    running.communicate()
    store = startup.open_real(settings_of)
    try:
        receiver.recover(settings_of, lambda: store)
        stored = set(store.table("select event_id from events")["event_id"].to_pylist())
        assert {f"sent-{number}" for number in sent.acknowledged} <= stored
    finally:
        store.close()
    # Without a server the command opens the database itself.
    out = tmp_path / "after.tar.zst"
    server.command("backup", "--out", str(out))
    assert oct(out.stat().st_mode)[-3:] == "600"
    store = Store.open(settings_of.store.path, settings_of)
    before = all_rows(store)
    store.close()

    total = len(stored)
    for number in range(2):
        restoring = command(server, "restore", str(out), "--replace")
        time.sleep(random.uniform(0.5, 1.5))
        restoring.kill()
        restoring.communicate()
        swapping.finish(settings_of)
        store = startup.open_real(settings_of)
        try:
            rows = store.table("select count(*) as n from events")["n"][0].as_py()
            assert rows == total, f"after kill {number}"
            assert verification.verify(store, settings_of).problems == ()
        finally:
            store.close()
    words = server.command("restore", str(out), "--replace", "--json")
    assert json.loads(words)["missing"] == 0
    assert high_water_mark.shortfalls(mirror.files(settings_of.store.path, settings_of).known) == ()
    store = Store.open(settings_of.store.path, settings_of)
    after = all_rows(store)
    store.close()
    for name in CHANGING:
        before.pop(name, None), after.pop(name, None)
    assert before == after
