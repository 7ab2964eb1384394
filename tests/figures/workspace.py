"""What a workspace shows: its pages, routes, files and commands."""

import csv
import functools
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from tests import drawn_page, in_process
from tests.drawn_page import DrawnPage
from trail.accounts.users import User
from trail.web import api, attention_route
from trail.web.guard import SCOPE_USER

ZONE = "tz=Europe/Oslo"
QUERY = f"from=30d&{ZONE}"
# Commands that print one line of JSON for each record.
_LINES = ("attention", "events", "findings", "incidents")


class OwnerMiddleware:
    """Sets an owner as the user, whom the guard would have checked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[SCOPE_USER] = User("maya", "Maya Lind", "", "owner")
        await self._app(scope, receive, send)


class Workspace:
    """What a workspace shows, each place read once."""

    def __init__(self, folder: Path, copy: Path) -> None:
        self.folder, self.copy = folder, copy
        routes = Starlette(
            routes=[*api.ROUTES, *attention_route.ROUTES], middleware=[Middleware(OwnerMiddleware)]
        )
        self.client = TestClient(routes)

    @functools.cache
    def page(self, path: str, query: str = QUERY) -> DrawnPage:
        return drawn_page.draw(path, query)

    def linked(self, address: str) -> DrawnPage:
        """Return the page that a link leads to."""
        parts = urlsplit(address)
        return self.page(parts.path.removeprefix("/"), parts.query)

    @functools.cache
    def api(self, path: str, query: str = QUERY) -> dict[str, Any]:
        answer = self.client.get(f"/api/{path}?{query}")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    @functools.cache
    def incidents(self) -> list[dict[str, Any]]:
        """Return the incidents of all pages of the API."""
        listed: list[dict[str, Any]] = []
        while page := self.api("incidents", f"{QUERY}&limit=1000&skip={len(listed)}")["incidents"]:
            listed += page
        return listed

    @functools.cache
    def rows(self, path: str, query: str = QUERY) -> list[dict[str, str]]:
        """Return the rows of a CSV download."""
        answer = self.client.get(f"{path}?{query}")
        assert answer.status_code == 200, answer.text
        return list(csv.DictReader(answer.text.removeprefix("\ufeff").splitlines()))

    @functools.cache
    def command(self, *arguments: str) -> Any:
        """Return what a command prints with `--json`, on a copy of the database."""
        environment = {**os.environ, "TRAIL_STORE__PATH": str(self.copy)}
        code, output, remarks = in_process.run([*arguments, "--json"], environment, self.folder)
        assert code == 0, remarks
        lines = [json.loads(line) for line in output.splitlines()]
        return lines if arguments[0] in _LINES else lines[0]
