"""Measure many viewers at once: `python -m bench.viewers --viewers 50 --seconds 60 DATABASE`.

Serves a copy of the database. The viewers of several users with different roles hold a websocket
each, as browsers do, and act every ten seconds at random moments: they filter by facets, page, open
events, change the window and switch pages. Reported are the times until a page run has been sent
completely, `/healthz` meanwhile, the CPU time of a page run, and the memory of the server before
the viewers come, at most, and after they have left. Prints one line of JSON.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import datetime as dt
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench.process import cpu_s, resident_mb, wait_until_idle
from tests.browser.conftest import PASSWORD, serving
from tests.server.tab import Tab
from trail.accounts.users import Users
from trail.web.guard import COOKIE, VISIT_COOKIE

PAUSE_S = 10.0  # between two actions of a viewer
LEFT_WITHIN_S = 240  # a verification of all events may run meanwhile, two minutes after the start
GROWN_MB = 150
_ROLES = ("owner", "reviewer", "manager")
_USERS = 12  # each signs in once; the viewers are their tabs
_PRESETS = ("24h", "7d", "30d", "90d")
_PAGES = ("overview", "timeline", "failures", "people", "explore")
_FACETS = ("category", "action", "actor", "outcome", "kind", "target_type")
_TIMEOUT_S = 120
_KEPT_RUNS = 2  # Streamlit's global.maxCachedMessageAge
# How often a viewer does what.
_ACTIONS = {"facet": 40, "page of rows": 15, "event": 20, "window": 10, "switch": 15}


@dataclasses.dataclass
class Known:
    """What viewers choose from: values of facets, recent events, and the end of the data."""

    values: dict[str, list[str]]
    events: list[dict[str, Any]]
    end: dt.datetime | None

    def window(self, preset: str) -> dict[str, str]:
        """Return the parameters of a window: relative, or at the end of data that ended before."""
        if self.end is None:
            return {"from": preset}
        hours = {"24h": 24, "7d": 168, "30d": 720, "90d": 2160}[preset]
        start = self.end - dt.timedelta(hours=hours)
        return {"from": f"{start:%Y-%m-%dT%H:%MZ}", "to": f"{self.end:%Y-%m-%dT%H:%MZ}"}


@dataclasses.dataclass
class Measured:
    """The timings of all viewers, in seconds."""

    took: dict[str, list[float]] = dataclasses.field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = dataclasses.field(default_factory=Counter)
    counting: bool = False
    runs: int = 0
    received: int = 0


class Viewer:
    """One tab of a browser."""

    def __init__(self, socket: ClientConnection, known: Known, measured: Measured) -> None:
        self._socket, self._known, self._measured = socket, known, measured
        self._page, self._choices = "explore", dict[str, str]()
        self._window, self._extra = random.choice(_PRESETS), dict[str, str]()
        self._kept: dict[str, int] = {}  # large messages, as browsers keep them, and their run
        self._runs = 0

    def _act(self) -> str:
        kind = random.choices(list(_ACTIONS), list(_ACTIONS.values()))[0]
        was, self._extra = self._page, {}
        self._page = "explore"
        if kind == "switch" or was != "explore":
            self._page = random.choice([name for name in _PAGES if name != was])
            return f"switch to {self._page}"
        event = random.choice(self._known.events)
        if kind == "facet":
            field = random.choice(_FACETS)
            if len(self._choices) == 2:
                self._choices = {}
            sign = random.choice(("", "", "-"))
            self._choices[field] = sign + random.choice(self._known.values[field])
        elif kind == "window":
            self._window = random.choice(_PRESETS)
        elif kind == "event":
            self._extra = {"event": event["event_id"], "at": event["occurred_at"][:26].rstrip("Z")}
        else:
            self._extra = {"after": f"{event['occurred_at']}~{event['event_id']}"}
        return kind

    async def _run(self) -> None:
        pairs = {**self._known.window(self._window), "tz": "Europe/Oslo"}
        if self._page == "explore":
            pairs |= self._choices
        message = BackMsg()
        message.rerun_script.page_name = self._page
        message.rerun_script.query_string = urlencode({**pairs, **self._extra})
        message.rerun_script.context_info.timezone = "Europe/Oslo"
        self._runs += 1
        self._kept = {
            name: run for name, run in self._kept.items() if self._runs - run <= _KEPT_RUNS
        }
        message.rerun_script.cached_message_hashes.extend(self._kept)
        await self._socket.send(message.SerializeToString())
        while True:
            data = await asyncio.wait_for(self._socket.recv(), _TIMEOUT_S)
            assert isinstance(data, bytes)
            self._measured.received += len(data)
            received = ForwardMsg.FromString(data)
            if b"Internal error" in data:
                self._measured.errors["internal error"] += 1
            if received.metadata.cacheable:
                self._kept[received.hash] = self._runs
            elif received.ref_hash:
                self._kept[received.ref_hash] = self._runs
            if received.WhichOneof("type") == "script_finished":
                return

    async def live(self, until: float) -> None:
        """Open a page, then act every ten seconds."""
        await asyncio.sleep(random.random() * PAUSE_S)
        due, kind = time.monotonic(), "open"
        while time.monotonic() < until:
            began = time.monotonic()
            try:
                await self._run()
            except Exception as error:  # counted and reported
                self._measured.errors[type(error).__name__] += 1
                return
            if self._measured.counting:
                self._measured.took[kind].append(time.monotonic() - began)
                self._measured.runs += 1
            due = max(due + PAUSE_S, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
            kind = self._act()


@contextlib.contextmanager
def served(database: Path) -> Iterator[tuple[str, int, list[str]]]:
    """Serve a copy of *database*; give the address, the process id and the sessions of users."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_TMP")) as name:
        folder = Path(name)
        stem = database.name.removesuffix(".duckdb")
        for path in database.parent.glob(f"{stem}.*"):
            if path.is_file():
                shutil.copy(path, folder / f"trail{path.name.removeprefix(stem)}")
        users = Users(folder / "users.yaml")
        names = [f"user{number}" for number in range(_USERS)]
        for number, user in enumerate(names):
            users.add(user, user, "", _ROLES[number % len(_ROLES)], PASSWORD)
        with serving(folder) as site:
            yield site.url, site.pid, [_sign_in(site.url, user) for user in names]


def _sign_in(url: str, user: str) -> str:
    with httpx2.Client(base_url=url) as client:
        client.get("/", headers={"accept": "text/html"})
        visit = client.cookies[VISIT_COOKIE]
        with Tab(_stream(url), visit=visit) as tab:
            tab.run()
            tab.run(typed={"Username": user, "Password": PASSWORD}, press="Sign in")
            redirect = tab.component_data("trail_redirect")
            assert redirect, tab.text
            client.get(redirect["path"], params={"code": redirect["code"], "next": "/"})
        return str(client.cookies[COOKIE])


def _stream(url: str) -> str:
    return url.replace("http", "ws", 1) + "/_stcore/stream"


def _known(url: str, sid: str) -> Known:
    with httpx2.Client(base_url=url, cookies={COOKIE: sid}, timeout=60) as client:
        facets = client.get("/api/facets", params={"from": "365d"}).json()
        events = client.get("/api/events", params={"from": "365d", "limit": 2000}).json()
    rows = events["events"] if isinstance(events, dict) else events
    newest = dt.datetime.fromisoformat(rows[0]["occurred_at"])
    old = dt.datetime.now(dt.UTC) - newest > dt.timedelta(hours=12)
    values = {name: [row["value"] for row in facets[name][:12]] for name in _FACETS}
    return Known(values, rows[:: len(rows) // 40 or 1], newest if old else None)


@contextlib.asynccontextmanager
async def _watched(
    url: str, pid: int, measured: Measured, peak: list[float]
) -> AsyncIterator[None]:
    async def watch() -> None:
        async with httpx2.AsyncClient(base_url=url, timeout=60) as client:
            while True:
                began = time.monotonic()
                answer = await client.get("/healthz")
                if measured.counting:
                    measured.took["/healthz"].append(time.monotonic() - began)
                    measured.errors["/healthz"] += not answer.is_success
                peak[0] = max(peak[0], resident_mb(pid))
                await asyncio.sleep(0.25)

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()


async def _all(
    url: str, pid: int, sids: list[str], known: Known, viewers: int, seconds: float
) -> dict[str, Any]:
    measured, peak = Measured(), [0.0]
    warm = max(PAUSE_S * 2, viewers / 8)
    until = time.monotonic() + warm + seconds
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(_watched(url, pid, measured, peak))
        tasks = []
        for number in range(viewers):
            socket = await stack.enter_async_context(
                connect(
                    _stream(url),
                    additional_headers={"Cookie": f"{COOKIE}={sids[number % len(sids)]}"},
                    subprotocols=[Subprotocol("streamlit")],
                    max_size=None,
                    compression=None,
                    open_timeout=60,
                )
            )
            tasks.append(asyncio.create_task(Viewer(socket, known, measured).live(until)))
        await asyncio.sleep(warm)
        measured.counting, before = True, cpu_s(pid)
        began, own = time.monotonic(), time.process_time()
        await asyncio.sleep(max(until - time.monotonic(), 1))
        used, took = cpu_s(pid) - before, time.monotonic() - began
        own = time.process_time() - own
        runs, measured.counting = measured.runs, False
        await asyncio.wait(tasks, timeout=_TIMEOUT_S)
    pages = [item for kind, row in measured.took.items() if kind != "/healthz" for item in row]
    return {
        "viewers": viewers,
        "runs_per_s": round(runs / took, 2),
        "cpu_ms_per_run": round(used / max(runs, 1) * 1000, 1),
        "server_cores": round(used / took, 2),
        "client_cores": round(own / took, 2),
        "errors": dict(+measured.errors),
        "all_pages": _summary(pages),
        "kinds": {kind: _summary(row) for kind, row in sorted(measured.took.items())},
        "kb_per_run": round(measured.received / 1024 / max(runs, 1)),
        "peak_mb": round(peak[0]),
    }


def _summary(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    if not ordered:
        return {"n": 0}
    at = {
        name: ordered[min(int(len(ordered) * share), len(ordered) - 1)]
        for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95))
    }
    return {"n": len(ordered), **{name: round(value * 1000) for name, value in at.items()}}


def measure(database: Path, viewers: int, seconds: float, seed: int = 1) -> dict[str, Any]:
    """Return the figures of *viewers* on a copy of *database* over *seconds*."""
    random.seed(seed)
    with served(database) as (url, pid, sids):
        known = _known(url, sids[0])
        wait_until_idle(pid)
        start = resident_mb(pid)
        result = asyncio.run(_all(url, pid, sids, known, viewers, seconds))
        left, waited = _left_mb(pid, start)
        return {**result, "start_mb": round(start), "left_mb": round(left), "left_after_s": waited}


def _left_mb(pid: int, start: float) -> tuple[float, int]:
    """Return the memory once it is near that of the start, and how many seconds that took."""
    began = time.monotonic()
    while True:
        time.sleep(5)
        left, waited = resident_mb(pid), round(time.monotonic() - began)
        if left <= start + GROWN_MB or waited >= LEFT_WITHIN_S:
            return left, waited


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", type=Path)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    args = parser.parse_args()
    print(json.dumps(measure(args.database, args.viewers, args.seconds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
