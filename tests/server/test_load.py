"""Heavy use by one user: meanwhile another user's pages, pushes and `/healthz` stay fast.

Takes minutes; run with `-m slow`. `TRAIL_TEST_LOAD_EVENTS` is the number of events.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.segment_records import forwarded
from tests.server.conftest import COOKIE, ROOT, Running
from tests.server.load import SEARCH
from trail import demo

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(900)]

EVENTS = int(os.environ.get("TRAIL_TEST_LOAD_EVENTS", "300000"))
SECONDS = float(os.environ.get("TRAIL_TEST_LOAD_SECONDS", "12"))
ALLOWED = 8  # descriptors more than before, such as those of a tab that was closed just now
KEY = "write-key-of-the-tests"


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Running]) -> Running:
    server = start_server(TRAIL_PUSH__WRITE_KEYS=json.dumps([KEY]))
    path = server.log.with_name("events.ndjson")
    demo.write(path, EVENTS, 90, 1)
    server.command("load", str(path))
    return server


class Watcher:
    """The milliseconds of what one kind of user waits for, measured again and again."""

    def __init__(self, act: Callable[[], None], pause_s: float) -> None:
        self.times_ms: list[float] = []
        self.errors: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(act, pause_s), daemon=True)
        self._thread.start()

    def _run(self, act: Callable[[], None], pause_s: float) -> None:
        while not self._stop.wait(pause_s):
            started = time.perf_counter()
            try:
                act()
            except (AssertionError, OSError, http.client.HTTPException) as error:
                self.errors.append(repr(error)[:200])
            self.times_ms.append((time.perf_counter() - started) * 1000)

    def stop(self) -> float:
        """End after the action that runs now; return the 95th percentile in milliseconds."""
        self._stop.set()
        self._thread.join(120)
        ordered = sorted(self.times_ms)
        return ordered[int(len(ordered) * 0.95)] if ordered else 0.0


def _status(server: Running, method: str, path: str, body: str = "") -> int:
    """Return the status of a request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(server.url).port, timeout=120)
    secret = b64encode(f"{KEY}:".encode()).decode()
    try:
        connection.request(method, path, body, {"Authorization": f"Basic {secret}"})
        return connection.getresponse().status
    finally:
        connection.close()


def _descriptors(server: Running) -> int:
    assert server.process
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def _settled(server: Running, before: int) -> int:
    """Return the number of descriptors once the connections of the load are gone."""
    for _ in range(10):
        time.sleep(0.5)
        if _descriptors(server) <= before + ALLOWED:
            break
    else:
        # Streamlit keeps closed tabs for a minute, and then until the next tab is closed.
        time.sleep(62)
        with server.tab() as tab:
            tab.run()
        time.sleep(1)
    return _descriptors(server)


@pytest.mark.parametrize(
    ("kind", "clients"), [("searches", 45), ("exports", 6), ("tabs", 200)], ids=str
)
def test_one_user_does_not_slow_down_another(server: Running, kind: str, clients: int) -> None:
    maya, jon = server.sign_in("maya"), server.sign_in("jon")
    with server.tab(sid=maya) as tab:
        numbers = iter(range(1_000_000))

        def page() -> None:
            shown = tab.run(page="explore", query=f"from={next(numbers) % 60 + 1}d&category=Source")
            assert "Events per" in shown, shown[-300:]

        def healthz() -> None:
            assert _status(server, "GET", "/healthz") == 200

        def push() -> None:
            body = json.dumps(forwarded(10_000_000 + next(numbers)))
            assert _status(server, "POST", "/v1/track", body) == 200

        def measured(seconds: float) -> tuple[dict[str, float], str, list[str]]:
            watchers = {
                "page": Watcher(page, 0.5),
                "healthz": Watcher(healthz, 0.1),
                "push": Watcher(push, 0.3),
            }
            time.sleep(seconds)
            p95 = {name: watcher.stop() for name, watcher in watchers.items()}
            text = ", ".join(
                f"{name} p50 {statistics.median(watcher.times_ms):.0f}, p95 {p95[name]:.0f}, "
                f"worst {max(watcher.times_ms):.0f} ms of {len(watcher.times_ms)}"
                for name, watcher in watchers.items()
            )
            return p95, text, [error for watcher in watchers.values() for error in watcher.errors]

        for act in (page, page, healthz, push):
            act()
        print(f"\nidle: {measured(5)[1]}")
        before = _descriptors(server)
        load = subprocess.Popen(
            [sys.executable, "-m", "tests.server.load", kind, server.url, jon, str(clients)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            time.sleep(3)
            assert load.poll() is None, "the load failed"
            p95, text, errors = measured(SECONDS)
            print(f"{kind} x {clients}: {text}; {errors[:1]}")
            answered, _ = load.communicate(timeout=60)
            assert load.returncode == 0, "the load failed"
        finally:
            load.kill()
        after = _settled(server, before)
        print(f"answers {answered.decode().strip()}, descriptors {before} -> {after}")
        started = time.perf_counter()
        page()
        print(f"afterwards: page {(time.perf_counter() - started) * 1000:.0f} ms")
    assert not errors, errors[:5]
    assert p95["page"] <= 1000
    assert p95["healthz"] <= 200
    assert p95["push"] <= 1000
    assert after <= before + ALLOWED


def test_searches_of_clients_that_left_are_interrupted(server: Running) -> None:
    """CPU time falls to that of an idle server soon after all clients of searches are gone."""
    jon = server.sign_in("jon")
    cookies = {COOKIE: jon}
    for _ in range(6):
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.get(f"{server.url}{SEARCH}", cookies=cookies, timeout=0.05)
    time.sleep(1)
    assert _cpu_share(server, 2) < 0.3


def _cpu_share(server: Running, seconds: float) -> float:
    assert server.process
    stat = Path(f"/proc/{server.process.pid}/stat")

    def used() -> float:
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = used()
    time.sleep(seconds)
    return (used() - before) / seconds
