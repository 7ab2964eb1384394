"""Misbehaving clients against a real server: everybody else is served meanwhile.

Run with `pytest -m slow tests/server/test_attacks.py`.
"""

import contextlib
import hashlib
import hmac
import http.client
import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from typing import Any

import pytest

from tests.segment_records import forwarded
from tests.server.conftest import COOKIE, ROOT, Running

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(600)]

SECRET = "whsec-of-the-tests"
SETTINGS = {"TRAIL_PUSH__WEBHOOK_SECRETS": json.dumps([SECRET])}
SECONDS = 7
HEALTH_S, PUSH_S, PAGE_S = 0.2, 1.0, 1.0  # 95th percentiles
LOG_BYTES = 1_000_000  # a minute, which the log may also take in a part of it
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Running]) -> Running:
    return start_server(**SETTINGS)


@pytest.fixture(scope="module")
def sids(server: Running) -> dict[str, str]:
    """Return the session cookies of two users."""
    return {name: server.sign_in(name) for name in ("maya", "jon")}


class Probe(threading.Thread):
    """Calls *action* repeatedly and measures how long it takes."""

    def __init__(self, action: Callable[[], None], pause: float) -> None:
        super().__init__(daemon=True)
        self._action, self._pause, self._ending = action, pause, threading.Event()
        self.seconds: list[float] = []
        self.problems: list[str] = []

    def run(self) -> None:
        while not self._ending.is_set():
            started = time.monotonic()
            try:
                self._action()
            except Exception as error:
                self.problems.append(repr(error))
            self.seconds.append(time.monotonic() - started)
            self._ending.wait(self._pause)

    def finish(self) -> float:
        """Stop; return the 95th percentile in seconds."""
        self._ending.set()
        self.join()
        assert self.problems == []
        return quantiles(self.seconds, n=20)[-1]


def request(server: Running, method: str, path: str, **options: Any) -> None:
    """Send a request over a connection of its own; the response must be 200."""
    port = int(server.url.rpartition(":")[2])
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as client:
        client.request(method, path, **options)
        response = client.getresponse()
        assert response.status == 200, (path, response.status, response.read())


def push(server: Running) -> None:
    body = json.dumps(forwarded(next(_numbers))).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    request(server, "POST", "/webhooks/segment", body=body, headers={"X-Signature": signature})


def descriptors(server: Running) -> int:
    """Return how many are open, without those of event loops.

    Streamlit keeps an event loop, which has three, for each closed tab for a minute; the load of
    tabs in `test_load` ends with a check that they are closed.
    """
    assert server.process
    names = []
    for descriptor in Path(f"/proc/{server.process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            names.append(str(descriptor.readlink()))
    return len(names) - 3 * names.count("anon_inode:[eventpoll]")


def settled_descriptors(server: Running, wanted: int) -> int:
    """Return the number of open descriptors, as soon as it is at most *wanted*."""
    deadline = time.monotonic() + 30
    while (count := descriptors(server)) > wanted and time.monotonic() < deadline:
        time.sleep(0.5)
    return count


def withstand(server: Running, sid: str, attack: str, count: int, cookie: str = "") -> None:
    # Files that are opened at first use and then stay open, such as the store of used signatures,
    # are opened before descriptors are counted.
    request(server, "GET", "/healthz")
    push(server)
    with server.tab(sid=sid) as tab:
        tab.run(page="probe")
    descriptors_before = descriptors(server)
    log_before = server.log.stat().st_size
    with server.tab(sid=sid) as tab:
        assert "PAGE SECRET for maya" in tab.run(page="probe")

        def page() -> None:
            assert "PAGE SECRET for maya" in tab.run(page="probe")

        command = [sys.executable, "-m", "tests.server.attackers", attack]
        port = server.url.rpartition(":")[2]
        attacker = subprocess.Popen(
            [*command, port, str(count), str(SECONDS), cookie],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        probes = [
            Probe(lambda: request(server, "GET", "/healthz"), 0.2),
            Probe(lambda: push(server), 0.5),
            Probe(page, 0.5),
        ]
        for probe in probes:
            probe.start()
        try:
            opened = int(attacker.communicate(timeout=SECONDS + 30)[0])
        finally:
            attacker.kill()
        health, pushed, paged = [probe.finish() for probe in probes]
    grown = server.log.stat().st_size - log_before
    figures = f"{attack}: {opened} connections, healthz {health:.3f} s, push {pushed:.3f} s, "
    figures += f"page {paged:.3f} s, log {grown / 1000:.0f} kB"
    print(figures)
    assert opened >= count, figures
    assert health <= HEALTH_S, figures
    assert pushed <= PUSH_S, figures
    assert paged <= PAGE_S, figures
    assert grown <= LOG_BYTES, figures
    assert settled_descriptors(server, descriptors_before + 3) <= descriptors_before + 3


@pytest.mark.parametrize(
    ("attack", "count"),
    [
        ("half_open", 400),
        ("half_open", 2_000),
        ("slow_head", 400),
        ("slow_body", 400),
        ("no_reader", 100),
        ("garbage", 100),
        ("aborted_body", 100),
        ("tab", 500),
        ("frames", 50),
        ("big_frames", 20),
        ("pings", 20),
    ],
)
def test_strangers(server: Running, sids: dict[str, str], attack: str, count: int) -> None:
    withstand(server, sids["maya"], attack, count)


@pytest.mark.parametrize(
    ("attack", "count"), [("tab", 200), ("frames", 10), ("big_frames", 10), ("pings", 20)]
)
def test_a_user(server: Running, sids: dict[str, str], attack: str, count: int) -> None:
    withstand(server, sids["maya"], attack, count, f"{COOKIE}={sids['jon']}")


@pytest.mark.parametrize(
    "program",
    [
        ("-m", "uvicorn", "dashboard:app", "--port"),
        ("-m", "trail", "serve", "--port"),
        ("-m", "streamlit", "run", "dashboard.py", "--server.port"),
    ],
    ids=lambda program: program[1],
)
def test_few_descriptors(start_server: Callable[..., Running], program: tuple[str, ...]) -> None:
    server = start_server(program=program, files=256, **SETTINGS)
    withstand(server, server.sign_in("maya"), "half_open", 400)
