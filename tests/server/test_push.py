"""Events sent to a real server: by Segment's webhook, by Segment's SDK, and across kills."""

import contextlib
import hashlib
import hmac
import http.client
import json
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from segment.analytics import Client

from tests.segment_records import forwarded
from tests.server.conftest import ROOT, Running
from tests.started_server import free_port, until_healthy
from trail.core.settings import Settings
from trail.storage.duckdb import Store

pytestmark = pytest.mark.server

WEBHOOK_SECRET, KEY = "whsec-of-the-tests", "write-key-of-the-tests"
PUSH_SETTINGS = {
    "TRAIL_PUSH__WEBHOOK_SECRETS": json.dumps([WEBHOOK_SECRET]),
    "TRAIL_PUSH__WRITE_KEYS": json.dumps([KEY]),
}
KILLS = int(os.environ.get("TRAIL_TEST_KILLS", "5"))


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Running]) -> Running:
    return start_server(**PUSH_SETTINGS)


def signed(body: bytes) -> dict[str, str]:
    return {"X-Signature": hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha1).hexdigest()}


def event(number: int) -> bytes:
    return json.dumps(forwarded(number, details={"target": f"Thing {number}"})).encode()


def ids(server: Running) -> Counter[str]:
    lines = server.command("events", "--json", "--query", "from=2000-01-01").splitlines()
    return Counter(json.loads(line)["event_id"] for line in lines)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met within 30 s"
        time.sleep(0.1)


def test_signed_event_is_stored(server: Running) -> None:
    body = event(1)
    response = httpx2.post(f"{server.url}/webhooks/segment", content=body, headers=signed(body))
    assert response.status_code == 200
    wait_until(lambda: forwarded(1)["messageId"] in ids(server))


def test_invalid_signature_is_refused_without_a_body(server: Running) -> None:
    for headers in ({}, {"X-Signature": "0" * 40}, signed(b"another")):
        response = httpx2.post(f"{server.url}/webhooks/segment", content=event(2), headers=headers)
        assert (response.status_code, response.content) == (401, b"")
    assert forwarded(2)["messageId"] not in ids(server)


def array(*numbers: int) -> bytes:
    return b"[" + b",".join(event(number) for number in numbers) + b"]"


def test_a_signature_is_refused_with_other_records_also_after_a_restart(
    start_server: Callable[..., Running],
) -> None:
    server = start_server(**PUSH_SETTINGS)
    headers = signed(event(1))

    def status(body: bytes) -> int:
        response = httpx2.post(f"{server.url}/webhooks/segment", content=body, headers=headers)
        if response.status_code == 401:
            assert response.json() == {
                "success": False,
                "code": "signature_used",
                "message": "The signature was used before with other records.",
            }
        return response.status_code

    replays = [array(1, 4), array(1, 2), array(1, 3, 2), array(1), event(1), array(1, 2, 3, 4)]
    assert status(array(1, 2, 3)) == 200
    assert [status(body) for body in replays] == [401] * len(replays)
    assert status(array(1, 2, 3)) == 200
    assert "webhook refused: the signature was used with other records" in server.log.read_text()
    server = start_server(restarted=server, **PUSH_SETTINGS)
    assert [status(body) for body in replays] == [401] * len(replays)
    assert status(array(1, 2, 3).replace(b",{", b" ,\n{")) == 200
    expected = {forwarded(number)["messageId"]: 1 for number in (1, 2, 3)}
    wait_until(lambda: ids(server) == expected)


def test_the_signature_of_one_event_is_refused_with_more_behind_it(server: Running) -> None:
    url, headers = f"{server.url}/webhooks/segment", signed(event(20))
    quarantined, duplicates = outcomes(server)
    statuses = [
        httpx2.post(url, content=body, headers=headers).status_code
        for body in (event(20), array(20, 21), event(20), array(20))
    ]
    assert statuses == [200, 401, 200, 200]
    # Counted later than answered, which the tests of the same server must not meet.
    wait_until(lambda: outcomes(server) == (quarantined, duplicates + 2))


def test_unverified_events_are_quarantined_if_they_are_not_accepted(
    start_server: Callable[..., Running],
) -> None:
    server = start_server(**PUSH_SETTINGS, TRAIL_PUSH__ACCEPT_UNVERIFIED="false")
    url = f"{server.url}/webhooks/segment"
    assert httpx2.post(url, content=array(1, 2, 3), headers=signed(event(1))).status_code == 200

    def quarantined() -> int:
        return int(json.loads(server.command("status", "--json"))["quarantined"])

    wait_until(lambda: quarantined() == 2)
    assert ids(server) == {forwarded(1)["messageId"]: 1}
    # What Segment sends again one by one is verified, and kept.
    assert httpx2.post(url, content=event(2), headers=signed(event(2))).status_code == 200
    wait_until(lambda: len(ids(server)) == 2)


def test_chunked_body_is_accepted(server: Running) -> None:
    body = event(3)
    pieces = (body[at : at + 100] for at in range(0, len(body), 100))
    response = httpx2.post(f"{server.url}/webhooks/segment", content=pieces, headers=signed(body))
    assert response.status_code == 200
    wait_until(lambda: forwarded(3)["messageId"] in ids(server))


def test_oversized_body_is_refused_before_it_is_read(server: Running) -> None:
    parts = urlsplit(server.url)
    with contextlib.closing(http.client.HTTPConnection(parts.hostname or "", parts.port)) as sender:
        sender.putrequest("POST", "/webhooks/segment")
        sender.putheader("Content-Length", str(1 << 30))
        sender.endheaders()
        sender.send(b"{")
        assert sender.getresponse().status == 413


def test_origin_header_is_not_checked(server: Running) -> None:
    """The routes authenticate by signature or key and never by cookie."""
    body = event(4)
    headers = signed(body) | {"Origin": "https://elsewhere.example.com"}
    response = httpx2.post(f"{server.url}/webhooks/segment", content=body, headers=headers)
    assert response.status_code == 200


def test_only_post_is_allowed(server: Running) -> None:
    for path in ("/webhooks/segment", "/v1/track", "/v1/batch", "/v1/import"):
        assert httpx2.get(f"{server.url}{path}").status_code == 405


def outcomes(server: Running) -> tuple[int, int]:
    """Return how many records were quarantined, and how many were duplicates."""
    status = json.loads(server.command("status", "--json"))
    return status["quarantined"], status["duplicates"]


def test_events_from_the_segment_sdk_are_stored_once(server: Running) -> None:
    logging.getLogger("segment").setLevel(logging.ERROR)
    before = outcomes(server)
    problems: list[Any] = []
    expected: dict[str, int] = {}
    for gzip, number in ((False, 300), (True, 900)):
        client = Client(
            KEY,
            host=server.url,
            max_queue_size=number,
            upload_size=100,
            gzip=gzip,
            on_error=lambda error, _: problems.append(error),
        )
        for index in range(number):
            properties = forwarded(index)["properties"] | {"number": index}
            message = f"from-library-{gzip}-{index}"
            client.track(f"user{index % 7}", "Audit", properties, message_id=message)
            expected[message] = 1
        client.flush()
        client.join()
    assert problems == []
    wait_until(lambda: expected.items() <= ids(server).items())
    assert outcomes(server) == before


def test_segment_sdk_reports_an_invalid_key(server: Running) -> None:
    logging.getLogger("segment").setLevel(logging.CRITICAL)
    problems: list[Any] = []
    client = Client("another", host=server.url, on_error=lambda error, _: problems.append(error))
    client.track("user", "Audit", {"type": "Source Created"})
    client.flush()
    client.join()
    assert [(error.status, error.code) for error in problems] == [(401, "unauthorized")]


def test_commands_work_while_events_arrive(server: Running, tmp_path: Path) -> None:
    stop = threading.Event()
    statuses: list[int] = []

    def send() -> None:
        with httpx2.Client(base_url=server.url) as client:
            number = 1_000
            while not stop.is_set():
                body = event(number)
                number += 1
                response = client.post("/webhooks/segment", content=body, headers=signed(body))
                statuses.append(response.status_code)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        path = tmp_path / "more.ndjson"
        path.write_bytes(b"\n".join(event(number) for number in range(5_000, 5_400)))
        assert json.loads(server.command("load", "--json", str(path)))["kept"] == 400
        out = tmp_path / "all.csv"
        server.command("export", "--out", str(out), "--query", "from=2000-01-01")
        assert out.read_bytes().count(b"\n") > 400
    finally:
        stop.set()
        sender.join()
    assert set(statuses) == {200}


# --- killed ------------------------------------------------------------------------------------


class Killed:
    """A server that is started, sent events, and killed repeatedly on one database."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        inherited = {
            name: text for name, text in os.environ.items() if not name.startswith("TRAIL_")
        }
        self.environment = (
            inherited
            | PUSH_SETTINGS
            | {
                "TRAIL_CONFIG": str(folder / "trail.toml"),
                "TRAIL_STORE__PATH": str(folder / "trail.duckdb"),
                "TRAIL_AUTH__USERS_PATH": str(folder / "users.yaml"),
            }
        )
        self.acknowledged: set[str] = set()
        self.starts: list[float] = []
        self._number = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "trail", "serve", "--port", str(self.port)],
            cwd=ROOT,
            env=self.environment,
            stderr=subprocess.DEVNULL,
        )
        try:
            until_healthy(f"http://127.0.0.1:{self.port}", process)
            self.starts.append(time.monotonic() - started)
            yield
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def send(self) -> None:
        """Send new events until the server is gone; record those that it acknowledged."""
        with httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=5) as client:
            while True:
                with self._lock:
                    self._number += 1
                    number = self._number
                body = event(number)
                try:
                    response = client.post("/webhooks/segment", content=body, headers=signed(body))
                except httpx2.TransportError:
                    return
                assert response.status_code == 200
                with self._lock:
                    self.acknowledged.add(forwarded(number)["messageId"])

    def run_and_kill(self, seconds: float) -> None:
        senders = [threading.Thread(target=self.send) for _ in range(4)]
        with self.running():
            for sender in senders:
                sender.start()
            time.sleep(seconds)
        for sender in senders:
            sender.join()


def _check_kills(folder: Path, times: int) -> None:
    chance = random.Random(7)
    server = Killed(folder)
    for _ in range(times):
        server.run_and_kill(chance.uniform(0.05, 0.9))
    with server.running():
        pass
    store = Store.open(folder / "trail.duckdb", Settings())
    stored = Counter(store.table("select event_id from events")["event_id"].to_pylist())
    store.close()
    assert len(server.acknowledged) > times
    assert server.acknowledged <= set(stored)
    assert set(stored.values()) == {1}
    print(f"{times} kills, {len(server.acknowledged)} acknowledged, start {max(server.starts):.1f}")


@pytest.mark.timeout(0)
def test_acknowledged_events_survive_kills_and_are_stored_once(tmp_path: Path) -> None:
    _check_kills(tmp_path, KILLS)


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_acknowledged_events_survive_a_thousand_kills(tmp_path: Path) -> None:
    _check_kills(tmp_path, 1_000)
