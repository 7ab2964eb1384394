"""An HTTP server that behaves as documented for Segment's Public API, with faults on request.

It follows the documented contract, independently of the product's client: pagination parameters
with dots only, counts of 1 to 1,000, opaque cursors, newest events first.
"""

import base64
import contextlib
import datetime as dt
import gzip
import json
import random
import re
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

TOKEN = "sgp_not-a-real-token-0123456789"
WORKSPACE = {"id": "VWDxzzIpI5", "slug": "example", "name": "Example Ltd"}
BROKEN: list[Any] = [None, 5, "text", {}, {"id": 1}, [], {"id": "x", "type": "Source Created"}]
FAULTS = (
    "slow",
    "cut",
    "reset",
    "repeat",
    "loop",
    "shuffle",
    "429",
    "429-ms",
    "429-bare",
    "500",
    "502",
    "503",
    "expired",
    "broken",
    "json",
    "no-events",
)
_KNOWN = {
    "startTime",
    "endTime",
    "resourceId",
    "resourceType",
    "pagination.count",
    "pagination.cursor",
}
_TIME = re.compile(r"\d{4}-(0\d|1[0-2])-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_LIMIT_HEADERS = {"X-RateLimit-Reset": "Tue, 24 Nov 2026 10:00:00 +0000"}


@dataclass(frozen=True)
class Seen:
    """One request (path, query as text and parsed, headers) and the status of its response.

    `fault` is the fault of the response, or empty.
    """

    path: str
    text: str
    query: dict[str, str]
    headers: dict[str, str]
    status: int
    fault: str

    @property
    def cursor(self) -> str:
        """Return the cursor of the request, or an empty string."""
        return self.query.get("pagination.cursor", "")


@dataclass
class Answer:
    """One response: status, body, additional headers, and the fault of its transfer."""

    status: int
    body: Any
    headers: dict[str, str]
    broken_off: str = ""


def error(status: int, message: str, data: Any = None, **headers: str) -> Answer:
    """Return an error response in the API's format."""
    details = {"type": "RequestError", "message": message}
    return Answer(
        status, {"errors": [details if data is None else {**details, "data": data}]}, headers
    )


class SegmentApi:
    """The server, running while its `with` block runs.

    *events* may contain anything; an event without a valid time is in every response. *order* is
    newest, oldest, or shuffled (the same order for all pages). *total* includes `totalEntries`.
    """

    def __init__(
        self,
        events: Iterable[Any] = (),
        *,
        users: Iterable[Any] = (),
        order: str = "newest",
        total: bool = True,
        packed: bool = False,
        last: dict[str, Any] | None = None,
    ) -> None:
        self.events = list(events)
        self.users = list(users)
        self.workspace: Any = {"workspace": WORKSPACE}
        self.order, self.total, self.packed = order, total, packed
        self.last: dict[str, Any] = {} if last is None else last
        self.slow_s = 5.0
        self.retry_after = "2"
        self.cursor_status = 422
        self.always: Answer | None = None
        self.seen: list[Seen] = []
        self.before_answer: Callable[[int], None] = lambda number: None
        self._planned: deque[str] = deque()
        self._share, self._random = 0.0, random.Random(0)
        self._kinds: tuple[str, ...] = FAULTS
        self._deck: list[str] = []
        self._cursors: dict[str, int] = {}
        self._followed: list[str] = []
        self._asked: tuple[str, str, str, list[Any]] | None = None
        self._kept: list[Any] = []
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self._server = _Server(self)

    # --- configuration ---------------------------------------------------------------------------

    def plan(self, *faults: str) -> None:
        """Give the next responses these faults, one each; `good` means none."""
        self._planned.extend(faults)

    def mix(self, share: float, seed: int, kinds: Iterable[str] = FAULTS) -> None:
        """Give this share of responses a fault; every kind occurs before one is repeated."""
        self._share, self._kinds, self._random = share, tuple(kinds), random.Random(seed)

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def asked(self, path: str = "/audit-events") -> list[Seen]:
        """Return the requests of *path*."""
        return [seen for seen in self.seen if seen.path == path]

    def __enter__(self) -> Self:
        """Start."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop and close all sockets."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # --- responses -------------------------------------------------------------------------------

    def answer(self, target: str, headers: dict[str, str]) -> Answer:
        """Return the response to a request and record the request."""
        with self._lock:
            parts = urlsplit(target)
            pairs = parse_qsl(parts.query, keep_blank_values=True)
            query = dict(pairs)
            fault = self._fault() if parts.path in ("/audit-events", "/users") else ""
            if fault == "expired" and "pagination.cursor" not in query:
                fault = ""
            self.before_answer(len(self.seen))
            response = self._answer(parts.path, query, headers, fault)
            if len(pairs) != len(query):
                response = error(422, "a parameter was given twice")
            self.seen.append(Seen(parts.path, parts.query, query, headers, response.status, fault))
            return response

    def _fault(self) -> str:
        if self._planned:
            fault = self._planned.popleft()
            return "" if fault == "good" else fault
        if self._random.random() < self._share:
            self._deck = self._deck or self._random.sample(self._kinds, len(self._kinds))
            return self._deck.pop()
        return ""

    def _answer(
        self, path: str, query: dict[str, str], headers: dict[str, str], fault: str
    ) -> Answer:
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return error(401, "Unauthorized")
        if self.always:
            return self.always
        if fault == "429":
            return error(429, "Too many requests", **{"Retry-After": self.retry_after})
        if fault == "429-ms":
            data = {"remainingPoints": 0, "msBeforeNext": 3500, "consumedPoints": 21}
            return error(429, "Too many requests", data, **_LIMIT_HEADERS)
        if fault == "429-bare":
            return error(429, "Too many requests")
        if fault.isdigit():
            return Answer(int(fault), "<html>Bad gateway</html>", {})
        if path == "/":
            return Answer(200, {"data": self.workspace}, {})
        if path == "/users":
            return self._list("users", self.users, query, fault)
        if path == "/audit-events":
            problem = _problem(query)
            if problem:
                return error(422, problem)
            return self._list("events", self._chosen(query), query, fault)
        return error(404, "Not found")

    def _chosen(self, query: dict[str, str]) -> list[Any]:
        since = query.get("startTime", "0000")
        until = query.get("endTime", "9999")
        asked = since, until, self.order, list(self.events)
        if self._asked != asked:  # the pages of one poll are parts of one list
            chosen = [event for event in self.events if since <= _time(event, since) <= until]
            if self.order == "shuffled":
                random.Random(7).shuffle(chosen)
            else:
                newest = self.order == "newest"
                chosen.sort(key=lambda event: _time(event, ""), reverse=newest)
            self._asked, self._kept = asked, chosen
        return self._kept

    def _list(self, name: str, items: list[Any], query: dict[str, str], fault: str) -> Answer:
        if set(query) - _KNOWN:
            return error(422, f"unknown parameter {sorted(set(query) - _KNOWN)[0]}")
        count = query.get("pagination.count", "200")
        if not count.isdigit() or not 1 <= int(count) <= 1000:
            return error(422, "pagination.count must be between 1 and 1000")
        cursor = query.get("pagination.cursor")
        if fault == "expired":
            self._cursors.clear()
        if cursor is not None and cursor not in self._cursors:
            return error(self.cursor_status, "The cursor is not valid any more")
        start = self._cursors[cursor] if cursor else 0
        end = start + int(count)
        page = items[start:end]
        pagination: dict[str, Any] = {"current": cursor or self._cursor(0)}
        if self.total:
            pagination["totalEntries"] = len(items)
        if fault == "repeat":
            pagination["next"] = self._cursor(start)
        elif fault == "loop" and self._followed:
            pagination["next"] = self._followed[-1]
        elif end < len(items):
            pagination["next"] = self._cursor(end)
        else:
            pagination.update(self.last)
        if cursor:
            self._followed.append(cursor)
        return _response(name, page, pagination, fault)

    def _cursor(self, start: int) -> str:
        text = base64.b64encode(f"{start}.{len(self._cursors)}.{len(self.seen)}".encode()).decode()
        self._cursors[text] = start
        return text


def _response(name: str, page: list[Any], pagination: dict[str, Any], fault: str) -> Answer:
    if fault == "shuffle":
        random.Random(len(page)).shuffle(page)
    if fault == "broken":
        page = [*page, *BROKEN]
    body: Any = {"data": {name: page, "pagination": pagination}}
    if fault == "no-events":
        body = {"data": {"pagination": pagination}}
    if fault == "json":
        body = json.dumps(body)[:-7]
    return Answer(200, body, {}, fault if fault in ("slow", "cut", "reset") else "")


def _time(event: Any, default: str) -> str:
    time = event.get("timestamp") if isinstance(event, dict) else None
    return time if isinstance(time, str) and _TIME.fullmatch(time) else default


def _problem(query: dict[str, str]) -> str:
    for name in ("startTime", "endTime"):
        if name in query:
            try:
                moment = dt.datetime.fromisoformat(query[name])
            except ValueError:
                return f"{name} must be an ISO 8601 time"
            if moment.tzinfo is None:
                return f"{name} must have a zone"
    if query.get("startTime", "") > query.get("endTime", "9"):
        return "startTime must be before endTime"
    return ""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: SegmentApi) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect; tests do that on purpose."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # With Nagle's algorithm, the second of two small writes waits for an acknowledgement.
    disable_nagle_algorithm = True
    timeout = 10

    def do_GET(self) -> None:
        api = self.server.api
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = api.answer(self.path, headers)
        body = answer.body
        body = body if isinstance(body, bytes) else _text(body).encode()
        if answer.broken_off == "slow":
            api.closing.wait(api.slow_s)
        if api.packed and "gzip" in headers.get("accept-encoding", ""):
            body = gzip.compress(body, mtime=0)
            answer.headers["Content-Encoding"] = "gzip"
        sent = body[: len(body) // 2] if answer.broken_off in ("cut", "reset") else body
        self.send_response(answer.status)
        for name, value in {
            "Content-Type": "application/vnd.segment.v1+json",
            "Content-Length": str(len(body)),
            **answer.headers,
        }.items():
            self.send_header(name, value)
        with contextlib.suppress(OSError):
            self.end_headers()
            self.wfile.write(sent)
            if len(sent) < len(body):
                self.close_connection = True
            if answer.broken_off == "reset":
                # With a linger time of 0, closing sends a reset in the middle of the body.
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


def _text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body)
