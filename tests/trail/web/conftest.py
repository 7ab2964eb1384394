"""A runtime with real users and sessions, and a small app behind the guard."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from trail.accounts.sessions import Sessions
from trail.accounts.users import Users
from trail.core.sections import Server
from trail.core.settings import Settings
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.web import auth
from trail.web.guard import COOKIE, Guard, request_user

PASSWORD = "correct-horse-9"
HOST = "http://localhost:8501"


async def echo(request: Request) -> Response:
    ours = {key: value for key, value in request.headers.items() if key.startswith("x-audit-")}
    user = request_user(request)
    return JSONResponse({"headers": ours, "user": user.username if user else None})


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            text = await websocket.receive_text()
            await websocket.send_text(f"{websocket.headers.get('x-audit-user')}: {text}")
    except WebSocketDisconnect:
        pass


@pytest.fixture
def start(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cheap_hashes: None
) -> Iterator[Callable[..., Runtime]]:
    """Return a function that makes the current runtime, with the given server settings."""
    monkeypatch.setattr(process, "_current", [])

    def started(**server: Any) -> Runtime:
        users = Users(tmp_path / "users.yaml")
        if not users.all():
            users.add("maya", "Maya Lind", "", "owner", PASSWORD)
            users.add("jon", "Jon Berg", "", "manager", PASSWORD)
        made = Runtime(
            settings=Settings(store=settings.store, server=Server(**server)),
            store=cast("Any", None),
            users=users,
            sessions=Sessions(12, 30),
            intake=cast("Any", None),
            schedule=cast("Any", None),
            demo=False,
        )
        process.start(made)
        return made

    yield started


@pytest.fixture
def runtime(start: Callable[..., Runtime]) -> Runtime:
    return start()


@pytest.fixture
def client(runtime: Runtime) -> TestClient:
    app = Starlette(
        routes=[
            *auth.ROUTES,
            WebSocketRoute("/_stcore/stream", socket),
            Route("/{path:path}", echo, methods=["GET", "POST", "PUT", "DELETE"]),
        ],
        middleware=[Middleware(Guard)],
    )
    return TestClient(app, base_url=HOST, follow_redirects=False)


@pytest.fixture
def sign_in(client: TestClient) -> Callable[[str], str]:
    """Return a function that gives the client a session and returns the cookie's value."""

    def signed_in(username: str) -> str:
        runtime = process.current()
        code = runtime.sessions.issue_code(
            username, "browser", runtime.users.credentials_digest(username)
        )
        sid = runtime.sessions.finish(code, "browser")
        assert sid is not None
        client.cookies.set(COOKIE, sid)
        return sid

    return signed_in
