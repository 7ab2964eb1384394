"""Limits per client: concurrent requests of an address, tabs of a user, tabs without a user.

A tab is a websocket. A page that could not open one says so instead of the dashboard.
"""

import asyncio
import contextlib
import html
import re
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnected

from trail.accounts.users import User
from trail.core.limits import Limits
from trail.core.networks import network_of
from trail.runtime import process
from trail.web.connections import ANONYMOUS_FRAME_BYTES, SCOPE_STATE, Connection
from trail.web.guard import ANY_HOST_PATHS, SCOPE_USER, SELF_AUTHENTICATED
from trail.web.json_errors import overloaded

RETRY_S = 10  # seconds after which a refused client may try again
TRY_AGAIN_LATER = 1013  # close code of a websocket

_MIN_AGE_S = 10.0  # an anonymous tab that is older gives way to a new one
_BURST_S = 2.0  # messages of so many seconds may arrive at once
_ADDRESS_BURST_S = 10.0  # the same for all anonymous tabs of an address
_MAX_ADDRESSES = 10_000
_NOT_PAGES = re.compile(r"/(auth/|api/|uploads|export|mcp|media/|metrics|oauth2callback)")


class TokenBucket:
    """A rate limit that allows bursts."""

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._tokens, self._at = burst, clock()

    def wait(self) -> float:
        """Return the seconds until a token is available."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return max(0.0, (1 - self._tokens) / self._rate)

    def take(self) -> float:
        """Take one token; return the seconds to wait until it is available."""
        seconds = self.wait()
        self._tokens -= 1
        return seconds


@dataclass(eq=False, slots=True)
class _Tab:
    """One open websocket."""

    bucket: TokenBucket
    max_bytes: int
    deadline: float | None = None  # loop time
    opened: float = field(default_factory=time.monotonic)
    timeout: asyncio.Timeout | None = None

    def end(self) -> None:
        """Close it as if its time were over."""
        self.deadline = asyncio.get_running_loop().time()
        if self.timeout is not None:
            self.timeout.reschedule(self.deadline)


class ClientLimits:
    """ASGI middleware behind the guard, which has identified the user."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._requests: Counter[str] = Counter()
        self._users: Counter[str] = Counter()
        self._anonymous: dict[str, OrderedDict[_Tab, None]] = {}  # by address, oldest first
        self._buckets: OrderedDict[tuple[str, str], TokenBucket] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or websocket if its client has too many, else pass it on."""
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in ANY_HOST_PATHS or scope["path"].startswith(SELF_AUTHENTICATED):
            await self._app(scope, receive, send)
            return
        limits, address = process.current().settings.limits, _address(scope)
        if refusal := self._refusal(scope, limits, address):
            await refusal(scope, receive, send)
            return
        self._requests[address] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            _decrease(self._requests, address)

    def _refusal(self, scope: Scope, limits: Limits, address: str) -> Response | None:
        if _is_full(scope):
            return _refused(scope, 503, "Too many connections are open.")
        if address and self._requests[address] >= limits.connections_per_address:
            return _refused(scope, 429, "Too many requests are in progress from your address.")
        if _is_page(scope):
            problem = self._tab_problem(scope.get(SCOPE_USER), limits, address)
            return _refused(scope, 429, problem) if problem else None
        return None

    def _tab_problem(self, user: User | None, limits: Limits, address: str) -> str:
        """Return why another tab cannot be opened now; empty if it can."""
        if user is not None:
            if self._users[user.username] >= limits.tabs_per_user:
                return f"You have {limits.tabs_per_user} open tabs. Close those you do not need."
            return ""
        return self._anonymous_problem(limits, address)[0]

    def _anonymous_problem(self, limits: Limits, address: str) -> tuple[str, _Tab | None]:
        """Return why another anonymous tab is refused, and the tab that gives way to it."""
        own = self._anonymous.get(address, OrderedDict())
        text, tabs = "", OrderedDict[_Tab, None]()
        if address and len(own) >= limits.anonymous_tabs_per_address:
            text, tabs = "Too many people are signing in from your address.", own
        elif sum(map(len, self._anonymous.values())) >= limits.anonymous_tabs:
            text, tabs = "Too many people are signing in.", max(self._anonymous.values(), key=len)
        oldest = next(iter(tabs), None)
        if oldest is not None and time.monotonic() - oldest.opened >= _MIN_AGE_S:
            return "", oldest
        return text, None

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        limits, address = process.current().settings.limits, _address(scope)
        user: User | None = scope.get(SCOPE_USER)
        problem = self._tab_problem(user, limits, address)
        if _is_full(scope):
            problem = "Too many connections are open."
        if problem:
            await _deny(scope, send, problem)
        elif user is not None:
            await self._signed_in(user.username, limits, scope, receive, send)
        else:
            await self._signed_out(address, limits, scope, receive, send)

    async def _signed_in(
        self, username: str, limits: Limits, scope: Scope, receive: Receive, send: Send
    ) -> None:
        shared = self._bucket(("user", username), limits.frames_per_second, _BURST_S)
        tab = _Tab(shared, limits.frame_bytes)
        self._users[username] += 1
        try:
            await self._open(tab, scope, receive, send)
        finally:
            _decrease(self._users, username)

    async def _signed_out(
        self, address: str, limits: Limits, scope: Scope, receive: Receive, send: Send
    ) -> None:
        shared = self._bucket(
            ("address", address), limits.anonymous_frames_per_second, _ADDRESS_BURST_S
        )
        if shared.wait() > RETRY_S:
            await _deny(scope, send, "Too many tabs are opened from your address.")
            return
        shared.take()
        if oldest := self._anonymous_problem(limits, address)[1]:
            oldest.end()
        deadline = asyncio.get_running_loop().time() + limits.anonymous_seconds
        tab = _Tab(shared, ANONYMOUS_FRAME_BYTES, deadline)
        self._anonymous.setdefault(address, OrderedDict())[tab] = None
        try:
            await self._open(tab, scope, receive, send)
        finally:
            del self._anonymous[address][tab]
            if not self._anonymous[address]:
                del self._anonymous[address]

    async def _open(self, tab: _Tab, scope: Scope, receive: Receive, send: Send) -> None:
        if (connection := _connection(scope)) is not None:
            connection.allow_frames(tab.max_bytes)
        with contextlib.suppress(WebSocketDisconnected):  # Streamlit closes what the client has
            await self._app(scope, _limited(tab, receive, send), send)

    def _bucket(self, owner: tuple[str, str], rate: float, burst_s: float) -> TokenBucket:
        """Return the limit on the messages of all tabs of *owner*."""
        bucket = self._buckets.pop(owner, None) or TokenBucket(rate, rate * burst_s)
        self._buckets[owner] = bucket
        if len(self._buckets) > _MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        return bucket


def _limited(tab: _Tab, receive: Receive, send: Send) -> Receive:
    """Return *receive* with the limits of *tab*."""

    async def limited() -> Message:
        try:
            async with asyncio.timeout_at(tab.deadline) as tab.timeout:
                message = await receive()
        except TimeoutError:
            return await _close(send, TRY_AGAIN_LATER)
        finally:
            tab.timeout = None
        if message["type"] != "websocket.receive":
            return message
        content = message.get("bytes") or message.get("text") or b""
        if len(content) > tab.max_bytes:
            return await _close(send, 1009)
        if delay := tab.bucket.take():
            await asyncio.sleep(delay)  # the server reads no further meanwhile
        return message

    return limited


async def _close(send: Send, code: int) -> Message:
    await send({"type": "websocket.close", "code": code})
    return {"type": "websocket.disconnect", "code": code}


async def _deny(scope: Scope, send: Send, problem: str) -> None:
    """Refuse a websocket with 429, or where the server cannot, with 403."""
    if (connection := _connection(scope)) is not None:
        is_signed_in = scope.get(SCOPE_USER) is not None
        connection.table.refuse_tabs(connection, scope["headers"], is_signed_in=is_signed_in)
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})
        return
    response = _refused(scope, 429, problem)
    start = {"type": "websocket.http.response.start", "status": response.status_code}
    await send(start | {"headers": response.raw_headers})
    await send({"type": "websocket.http.response.body", "body": response.body})


def _refused(scope: Scope, status: int, problem: str) -> Response:
    if not _is_page(scope):
        return overloaded(status, problem, f"Try again in {RETRY_S} seconds.", RETRY_S)
    headers = {"cache-control": "no-store", "retry-after": str(RETRY_S)}
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="refresh" content="{RETRY_S}"><title>Audit trail</title></head>'
        '<body style="font-family: sans-serif; margin: 4rem auto; max-width: 32rem">'
        f"<h1>Not available now</h1><p>{html.escape(problem)}</p>"
        f"<p>This page tries again every {RETRY_S} seconds.</p></body></html>"
    )
    return HTMLResponse(page, status, headers)


def _is_page(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET" or _NOT_PAGES.match(scope["path"]):
        return False
    return "text/html" in Headers(scope=scope).get("accept", "")


def _address(scope: Scope) -> str:
    return network_of(str(scope["client"][0])) if scope.get("client") else ""


def _connection(scope: Scope) -> Connection | None:
    connection: Any = scope.get("state", {}).get(SCOPE_STATE)
    return connection if isinstance(connection, Connection) else None


def _is_full(scope: Scope) -> bool:
    connection = _connection(scope)
    return connection is not None and connection.table.is_full


def _decrease(counts: Counter[str], key: str) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
