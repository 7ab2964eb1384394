"""Events that are sent to a real server: Segment's webhook, and Segment's own library."""

import contextlib
import hashlib
import hmac
import http.client
import json
import logging
import os
import random
import signal
import socket
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
from trail.core.settings import Settings
from trail.storage.database import Store

pytestmark = pytest.mark.server

SECRET, KEY = "whsec-of-the-tests", "write-key-of-the-tests"
OPEN = {
    "TRAIL_PUSH__WEBHOOK_SECRETS": json.dumps([SECRET]),
    "TRAIL_PUSH__WRITE_KEYS": json.dumps([KEY]),
}
KILLS = int(os.environ.get("TRAIL_TEST_KILLS", "20"))


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Running]) -> Running:
    return start_server(**OPEN)


def signed(body: bytes) -> dict[str, str]:
    return {"X-Signature": hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()}


def event(number: int) -> bytes:
    return json.dumps(forwarded(number, details={"target": f"Thing {number}"})).encode()


def ids(server: Running) -> Counter[str]:
    lines = server.command("events", "--json", "--query", "from=2000-01-01").splitlines()
    return Counter(json.loads(line)["event_id"] for line in lines)


def eventually(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.1)


def test_a_signed_event_is_on_the_trail_a_moment_later(server: Running) -> None:
    body = event(1)
    answer = httpx2.post(f"{server.url}/webhooks/segment", content=body, headers=signed(body))
    assert answer.status_code == 200
    eventually(lambda: forwarded(1)["messageId"] in ids(server))


def test_what_is_not_signed_is_refused_without_a_word(server: Running) -> None:
    for headers in ({}, {"X-Signature": "0" * 40}, signed(b"another")):
        answer = httpx2.post(f"{server.url}/webhooks/segment", content=event(2), headers=headers)
        assert (answer.status_code, answer.content) == (401, b"")
    assert forwarded(2)["messageId"] not in ids(server)


def test_a_chunked_body_is_as_good_as_a_whole_one(server: Running) -> None:
    body = event(3)
    pieces = (body[at : at + 100] for at in range(0, len(body), 100))
    answer = httpx2.post(f"{server.url}/webhooks/segment", content=pieces, headers=signed(body))
    assert answer.status_code == 200
    eventually(lambda: forwarded(3)["messageId"] in ids(server))


def test_a_body_that_is_too_long_is_refused_before_it_is_read(server: Running) -> None:
    parts = urlsplit(server.url)
    with contextlib.closing(http.client.HTTPConnection(parts.hostname or "", parts.port)) as sender:
        sender.putrequest("POST", "/webhooks/segment")
        sender.putheader("Content-Length", str(1 << 30))
        sender.endheaders()
        sender.send(b"{")
        assert sender.getresponse().status == 413


def test_another_site_cannot_post_with_a_browser_s_cookie(server: Running) -> None:
    """The routes take a proof of their own, so a foreign origin is nothing to them."""
    body = event(4)
    headers = signed(body) | {"Origin": "https://elsewhere.example.com"}
    answer = httpx2.post(f"{server.url}/webhooks/segment", content=body, headers=headers)
    assert answer.status_code == 200


def test_only_posts(server: Running) -> None:
    for path in ("/webhooks/segment", "/v1/track", "/v1/batch"):
        assert httpx2.get(f"{server.url}{path}").status_code == 405


@pytest.mark.parametrize("gzip", [False, True])
def test_segments_own_library_sends_10000_events_and_each_is_kept_once(
    start_server: Callable[..., Running], gzip: bool
) -> None:
    logging.getLogger("segment").setLevel(logging.ERROR)
    server = start_server(**OPEN)
    number = 10_000 if gzip else 2_000
    problems: list[Any] = []
    client = Client(
        KEY,
        host=server.url,
        max_queue_size=number,
        upload_size=100,
        gzip=gzip,
        on_error=lambda error, _: problems.append(error),
    )
    for each in range(number):
        said = forwarded(each)["properties"] | {"number": each}
        client.track(f"user{each % 7}", "Audit", said, message_id=f"from-library-{each}")
    client.flush()
    client.join()
    assert problems == []
    eventually(lambda: sum(ids(server).values()) == number)
    assert set(ids(server).values()) == {1}
    status = json.loads(server.command("status", "--json"))
    assert (status["quarantined"], status["duplicates"]) == (0, 0)


def test_the_library_is_told_in_its_own_words_what_is_wrong(server: Running) -> None:
    logging.getLogger("segment").setLevel(logging.CRITICAL)
    problems: list[Any] = []
    client = Client("another", host=server.url, on_error=lambda error, _: problems.append(error))
    client.track("user", "Audit", {"type": "Source Created"})
    client.flush()
    client.join()
    assert [(error.status, error.code) for error in problems] == [(401, "unauthorized")]


def test_commands_work_while_events_come_in(server: Running, tmp_path: Path) -> None:
    stop = threading.Event()
    answers: list[int] = []

    def send() -> None:
        with httpx2.Client(base_url=server.url) as client:
            number = 1_000
            while not stop.is_set():
                body = event(number)
                number += 1
                answer = client.post("/webhooks/segment", content=body, headers=signed(body))
                answers.append(answer.status_code)

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
    assert set(answers) == {200}


# --- killed ------------------------------------------------------------------------------------


class Killed:
    """A server that is started, sent to, and killed, again and again, on one database."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        kept = {name: text for name, text in os.environ.items() if not name.startswith("TRAIL_")}
        self.environment = (
            kept
            | OPEN
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
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "trail", "serve", "--port", str(self.port)],
            cwd=ROOT,
            env=self.environment,
            stderr=subprocess.DEVNULL,
        )
        try:
            while True:
                assert time.monotonic() < began + 60
                with contextlib.suppress(httpx2.TransportError):
                    httpx2.get(f"http://127.0.0.1:{self.port}/healthz").raise_for_status()
                    break
                time.sleep(0.02)
            self.starts.append(time.monotonic() - began)
            yield
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def send(self) -> None:
        """Send new events until the server is gone; remember those that it acknowledged."""
        with httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=5) as client:
            while True:
                with self._lock:
                    self._number += 1
                    number = self._number
                body = event(number)
                try:
                    answer = client.post("/webhooks/segment", content=body, headers=signed(body))
                except httpx2.TransportError:
                    return
                assert answer.status_code == 200
                with self._lock:
                    self.acknowledged.add(forwarded(number)["messageId"])

    def once(self, seconds: float) -> None:
        senders = [threading.Thread(target=self.send) for _ in range(4)]
        with self.running():
            for sender in senders:
                sender.start()
            time.sleep(seconds)
        for sender in senders:
            sender.join()


def _killed(folder: Path, times: int) -> None:
    chance = random.Random(7)
    server = Killed(folder)
    for _ in range(times):
        server.once(chance.uniform(0.05, 0.9))
    with server.running():
        pass
    store = Store.open(folder / "trail.duckdb", Settings())
    kept = Counter(store.table("select event_id from events")["event_id"].to_pylist())
    store.close()
    assert len(server.acknowledged) > times
    assert server.acknowledged <= set(kept)
    assert set(kept.values()) == {1}
    print(f"{times} kills, {len(server.acknowledged)} acknowledged, start {max(server.starts):.1f}")


@pytest.mark.timeout(0)
def test_killed_at_any_moment_every_acknowledged_event_is_there_once(tmp_path: Path) -> None:
    _killed(tmp_path, KILLS)


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_killed_a_thousand_times(tmp_path: Path) -> None:
    _killed(tmp_path, 1_000)
