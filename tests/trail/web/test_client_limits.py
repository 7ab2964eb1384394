"""Limits per client: tabs of a user, tabs without a user, requests of an address, rates."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from tests import own_loop
from tests.trail.web.conftest import HOST, echo, socket
from trail.core.limits import Limits
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.web import auth, client_limits
from trail.web.client_limits import ClientLimits, TokenBucket
from trail.web.guard import Guard

STREAM = "/_stcore/stream"
SOCKET = "ws://localhost:8501/_stcore/stream"
PAGE = {"accept": "text/html"}


@pytest.fixture
def client(runtime: Runtime) -> Iterator[TestClient]:
    app = Starlette(
        routes=[*auth.ROUTES, WebSocketRoute(STREAM, socket), Route("/{path:path}", echo)],
        middleware=[Middleware(Guard), Middleware(ClientLimits)],
    )
    with TestClient(app, base_url=HOST, follow_redirects=False) as made:
        yield made


@pytest.fixture
def set_limits(runtime: Runtime) -> Callable[..., None]:
    def set_(**limits: Any) -> None:
        settings = runtime.settings.model_copy(update={"limits": Limits(**limits)})
        process.start(replace(runtime, settings=settings))

    return set_


def test_a_user_has_a_number_of_tabs(
    client: TestClient, sign_in: Callable[[str], str], set_limits: Callable[..., None]
) -> None:
    set_limits(tabs_per_user=2)
    sign_in("maya")
    with contextlib.ExitStack() as tabs:
        for _ in range(2):
            assert client.get("/", headers=PAGE).status_code == 200
            tabs.enter_context(client.websocket_connect(SOCKET))
        with pytest.raises(WebSocketDenialResponse) as denied:
            tabs.enter_context(client.websocket_connect(SOCKET))
        assert denied.value.status_code == 429
        assert denied.value.headers["retry-after"] == "10"
        page = client.get("/explore", headers=PAGE)
        assert page.status_code == 429
        assert page.headers["retry-after"] == "10"
        assert "You have 2 open tabs. Close those you do not need." in page.text
        # What open tabs need is still answered, and so are other users.
        assert client.get("/static/index.js").status_code == 200
        assert client.get("/auth/finish", headers=PAGE).status_code == 303
        sign_in("jon")
        with client.websocket_connect(SOCKET) as tab:
            tab.send_text("hello")
            assert tab.receive_text() == "jon: hello"
    sign_in("maya")
    with client.websocket_connect(SOCKET) as tab:
        tab.send_text("again")
        assert tab.receive_text() == "maya: again"


def test_old_tabs_without_a_user_give_way(
    client: TestClient, set_limits: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_limits(anonymous_tabs_per_address=2)
    with contextlib.ExitStack() as tabs:
        first = tabs.enter_context(client.websocket_connect(SOCKET))
        second = tabs.enter_context(client.websocket_connect(SOCKET))
        with pytest.raises(WebSocketDenialResponse):
            tabs.enter_context(client.websocket_connect(SOCKET))
        refused = client.get("/", headers=PAGE)
        assert refused.status_code == 429
        assert "signing in from your address" in refused.text
        monkeypatch.setattr(client_limits, "_MIN_AGE_S", 0.0)
        third = tabs.enter_context(client.websocket_connect(SOCKET))
        with pytest.raises(WebSocketDisconnect) as ended:
            first.receive_text()
        assert ended.value.code == client_limits.TRY_AGAIN_LATER
        for tab in (second, third):
            tab.send_text("hello")
            assert tab.receive_text() == "None: hello"


def test_tabs_without_a_user_are_short_and_small(
    client: TestClient, set_limits: Callable[..., None]
) -> None:
    set_limits(anonymous_seconds=0.1)
    with client.websocket_connect(SOCKET) as tab:
        with pytest.raises(WebSocketDisconnect) as ended:
            tab.receive_text()
        assert ended.value.code == client_limits.TRY_AGAIN_LATER
    with client.websocket_connect(SOCKET) as tab:
        tab.send_text("x" * 70_000)
        with pytest.raises(WebSocketDisconnect) as ended:
            tab.receive_text()
        assert ended.value.code == 1009


async def statuses(app: ClientLimits, paths: list[str]) -> list[int]:
    """Return the statuses of concurrent requests."""
    result: list[int] = []

    async def request(path: str) -> None:
        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                result.append(message["status"])

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {"type": "http", "method": "GET", "path": path, "headers": []}
        await app({**scope, "client": ("192.0.2.7", 1)}, receive, send)

    await asyncio.gather(*map(request, paths))
    return result


def test_an_address_has_a_number_of_concurrent_requests(set_limits: Callable[..., None]) -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.01)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    set_limits(connections_per_address=8)
    app = ClientLimits(slow)
    paths = [*["/api/events"] * 10, "/healthz", "/webhooks/segment"]
    assert sorted(own_loop.run(statuses(app, paths))) == [200] * 10 + [429] * 2
    assert own_loop.run(statuses(app, paths[-5:])) == [200] * 5


def test_a_bucket_allows_bursts_and_a_rate() -> None:
    now = 0.0
    bucket = TokenBucket(2, 4, lambda: now)
    assert [bucket.take() for _ in range(6)] == [0, 0, 0, 0, 0.5, 1.0]
    now = 2.0
    assert [bucket.take() for _ in range(3)] == [0, 0, 0.5]
    now = 100.0
    assert [bucket.take() for _ in range(5)] == [0, 0, 0, 0, 0.5]
