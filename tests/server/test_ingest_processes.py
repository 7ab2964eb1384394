"""Ingest processes under load, killed again and again: what they acknowledged is stored once."""

import contextlib
import hashlib
import hmac
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests import in_process
from tests.segment_records import forwarded
from tests.server.conftest import ROOT
from tests.started_server import free_port, until_healthy
from trail.core.settings import Settings
from trail.ingest.compaction import Compactor
from trail.storage import tiers
from trail.storage.duckdb import Store

pytestmark = pytest.mark.server

SECRET = "whsec-of-the-tests"
KILLS = int(os.environ.get("TRAIL_TEST_INGEST_KILLS", "20"))


class Process:
    """`serve` as a process, which can be killed and started again on its files."""

    def __init__(self, folder: Path, **more: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        inherited = {k: text for k, text in os.environ.items() if not k.startswith("TRAIL_")}
        self._log = folder / f"{more.get('TRAIL_STORE__NODE', 'server')}.log"
        self.environment = inherited | {
            "TRAIL_CONFIG": str(folder / "trail.toml"),
            "TRAIL_STORE__PATH": str(folder / "trail.duckdb"),
            "TRAIL_STORE__ARCHIVE_PATH": str(folder / "archive"),
            "TRAIL_STORE__DEMO": "never",
            "TRAIL_AUTH__USERS_PATH": str(folder / "users.yaml"),
            "TRAIL_PUSH__WEBHOOK_SECRETS": json.dumps([SECRET]),
            **more,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.starts: list[float] = []

    def start(self) -> None:
        started = time.monotonic()
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "trail", "serve", "--port", self.url.rpartition(":")[2]],
                cwd=ROOT,
                env=self.environment,
                stderr=out,
            )
        until_healthy(self.url, self._process, self._log)
        self.starts.append(time.monotonic() - started)

    def kill(self) -> None:
        assert self._process
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(30)

    def command(self, *arguments: str) -> tuple[object, str, str]:
        """Run a command with the settings of the process: exit code, output and messages."""
        return in_process.run(arguments, self.environment, ROOT)


class Load:
    """Senders that repeat each request until it is acknowledged, as Segment does."""

    def __init__(self, nodes: list[Process], pause_s: float) -> None:
        self._nodes, self._pause_s = nodes, pause_s
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._number = 0
        self.acknowledged: Counter[str] = Counter()
        self.broken = self.attempts = 0
        self._threads = [
            threading.Thread(target=self._send, args=(place,)) for place in range(2 * len(nodes))
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Send no new requests; wait until each is acknowledged."""
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _send(self, place: int) -> None:
        chance = random.Random(place)
        with httpx2.Client(timeout=5) as client:
            while not self._ending.is_set():
                with self._lock:
                    self._number += 1
                    number = self._number
                if chance.random() < 0.1:
                    number = max(1, number - chance.randrange(50))  # sent before, to any node
                is_broken = number % 20 == 0
                body = (
                    b"{broken %d" % number if is_broken else json.dumps(forwarded(number)).encode()
                )
                self._repeat(client, body, place)
                with self._lock:
                    self.broken += is_broken
                    if not is_broken:
                        self.acknowledged[forwarded(number)["messageId"]] += 1
                time.sleep(self._pause_s)

    def _repeat(self, client: httpx2.Client, body: bytes, place: int) -> None:
        headers = {"X-Signature": hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()}
        while True:
            node = self._nodes[place % len(self._nodes)]
            place += 1
            with self._lock:
                self.attempts += 1
            with contextlib.suppress(httpx2.TransportError):
                response = client.post(
                    f"{node.url}/webhooks/segment", content=body, headers=headers
                )
                if response.status_code == 200:
                    return
            time.sleep(0.01)


@contextlib.contextmanager
def nodes_of(folder: Path) -> Iterator[list[Process]]:
    nodes = [
        Process(folder, TRAIL_STORE__ROLE="ingest", TRAIL_STORE__NODE=name) for name in ("a", "b")
    ]
    try:
        for node in nodes:
            node.start()
        yield nodes
    finally:
        for node in nodes:
            node.stop()


def kill_under_load(
    nodes: list[Process],
    kills: int,
    longest_s: float,
    also: Callable[[int], None] = lambda _: None,
    pause_s: float = 0,
) -> Load:
    """Kill each of *nodes* as often under load, after up to *longest_s*.

    *also* is called between, with the number of kills. Senders pause between requests.
    """
    chance = random.Random(18)
    load = Load(nodes, pause_s)
    try:
        for number in range(kills * len(nodes)):
            time.sleep(chance.uniform(0.2, longest_s))
            node = nodes[number % len(nodes)]
            node.kill()
            also(number)
            node.start()
    finally:
        load.end()
    return load


def wait_until_passed_on(folder: Path) -> None:
    """Wait until neither a log nor the shared folder has records."""
    deadline = time.monotonic() + 60
    patterns = ("*.ingest/*.journal", "*.ingest/*.outgoing", "archive/incoming/*/*.parquet")
    while waiting := [path for pattern in patterns for path in folder.glob(pattern)]:
        assert time.monotonic() < deadline, waiting
        time.sleep(0.1)


def check(folder: Path, load: Load) -> None:
    store = Store.open(folder / "trail.duckdb", Settings())
    ids = tiers.both(store).table("select event_id from events")["event_id"].to_pylist()
    batches = store.table("select read, kept, duplicates, quarantined from batches").to_pylist()
    store.close()
    stored = Counter(ids)
    assert set(stored.values()) == {1}
    assert set(load.acknowledged) == set(stored)
    for row in batches:
        assert row["read"] == row["kept"] + row["duplicates"] + row["quarantined"]
    read, kept, quarantined = (
        sum(row[n] for row in batches) for n in ("read", "kept", "quarantined")
    )
    sent = load.acknowledged.total() + load.broken
    # A request may be on disk although its node was killed before it answered.
    assert sent <= read <= load.attempts
    assert kept == len(stored)
    assert load.broken <= quarantined
    print(
        f"{load.attempts} requests, {sent} acknowledged, {read} read = {kept} kept + "
        f"{read - kept - quarantined} duplicates + {quarantined} quarantined"
    )


def test_acknowledged_events_survive_a_kill_of_each_ingest_process(tmp_path: Path) -> None:
    store_settings = Settings().store.model_copy(
        update={"path": tmp_path / "trail.duckdb", "archive_path": tmp_path / "archive"}
    )
    using = Settings(store=store_settings)
    store, compactor = Store.open(using.store.path, using), Compactor(using)
    ending = threading.Event()

    def compact() -> None:
        while not ending.wait(0.3):
            if not compactor.is_idle():
                compactor.run(lambda: store)

    thread = threading.Thread(target=compact)
    thread.start()
    try:
        with nodes_of(tmp_path) as nodes:
            load = kill_under_load(nodes, 1, 1.0, pause_s=0.02)
            refused = httpx2.post(f"{nodes[0].url}/webhooks/segment", content=b"{}")
            missing = httpx2.get(f"{nodes[0].url}/api/events")
            measured = httpx2.get(f"{nodes[0].url}/metrics").text
        wait_until_passed_on(tmp_path)
    finally:
        ending.set()
        thread.join()
        store.close()
    assert (refused.status_code, missing.status_code) == (401, 404)
    assert "audit_trail_intake_waiting_bytes" in measured
    check(tmp_path, load)
    listed = json.loads(Process(tmp_path).command("status", "--json")[1])["ingest"]
    assert [(row["node"], row["waiting_parts"], row["missing"]) for row in listed] == [
        ("a", 0, 0),
        ("b", 0, 0),
    ]
    # An ingest process has no database, and never opens that of the server.
    assert nodes[0].command("status")[0] == 1
    assert nodes[0].command("status")[2].startswith("trail: store.role is ingest: ")


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_acknowledged_events_survive_twenty_kills_of_each_and_five_of_the_server(
    tmp_path: Path,
) -> None:
    server = Process(tmp_path)
    server.start()

    def also(number: int) -> None:
        if number % 8 == 7:
            server.kill()
            server.start()

    try:
        with nodes_of(tmp_path) as nodes:
            load = kill_under_load(nodes, KILLS, 3.0, also)
            wait_until_passed_on(tmp_path)
            starts = [start for node in nodes for start in node.starts]
    finally:
        server.stop()
    print(f"{KILLS} kills of each of 2 nodes; a start took at most {max(starts):.1f} s")
    check(tmp_path, load)
