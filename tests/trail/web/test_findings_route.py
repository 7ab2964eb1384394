"""`GET /api/findings`: the same output as the command, for owners and reviewers."""

import csv
import datetime as dt
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from tests import detection
from trail.accounts.users import User, Users
from trail.core.settings import Settings
from trail.findings.detector import FIRST_DAY, daily, events, workdays
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.storage.duckdb import Store
from trail.web import api
from trail.web.guard import SCOPE_USER

DAY = FIRST_DAY + dt.timedelta(days=38)


class _RoleHeaderMiddleware:
    """Sets a user with the role in the `x-role` header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        role = dict(scope.get("headers", [])).get(b"x-role", b"reviewer").decode()
        scope[SCOPE_USER] = User("maya", "Maya Lind", "", role)
        await self._app(scope, receive, send)


@pytest.fixture
def client(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """Return a client of the routes over a store with one unusual day."""
    detection.load(
        store,
        settings,
        (
            *daily(workdays(0, 40), "users/ana", "Source Modified", target="source-1"),
            *events(38, "11:00", "users/ana", "Warehouses Disabled", "warehouse-1"),
        ),
    )
    nothing = cast("Any", None)
    monkeypatch.setattr(process, "_current", [])
    users = Users(settings.store.path.with_name("users.yaml"), warn=False)
    process.start(Runtime(settings, store, users, nothing, nothing, nothing, demo=False))
    return TestClient(Starlette(routes=api.ROUTES, middleware=[Middleware(_RoleHeaderMiddleware)]))


def test_route_returns_the_same_as_the_command(client: TestClient) -> None:
    answer = client.get(f"/api/findings?from={DAY}&all=1")
    assert answer.status_code == 200
    (finding,) = answer.json()["findings"]
    assert (finding["day"], finding["actor_id"], finding["state"]) == (
        DAY.isoformat(),
        "users/ana",
        "open",
    )
    assert finding["score"] == sum(reason["points"] for reason in finding["reasons"])
    assert len(finding["event_ids"]) == 1
    assert client.get(f"/api/findings?from={DAY}&budget=1").json()["scored"] == 1


@pytest.mark.parametrize(
    "query", ["budget=0", "budget=many", "budget=-1", "colour=red", "budget=nan"]
)
def test_invalid_query_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/api/findings?{query}").status_code == 400


def test_managers_are_refused(client: TestClient) -> None:
    assert client.get("/api/findings", headers={"x-role": "manager"}).status_code == 403
    assert client.get("/api/findings", headers={"x-role": "owner"}).status_code == 200
    facets = [
        client.get("/api/facets", headers={"x-role": role}).json() for role in ("manager", "owner")
    ]
    assert ["findings" in values for values in facets] == [False, True]


def test_csv_is_for_those_who_may_see_findings(client: TestClient) -> None:
    address = f"/export.findings.csv?from={DAY}&tz=Europe/Oslo"
    assert client.get(address, headers={"x-role": "manager"}).status_code == 403
    answer = client.get(address, headers={"x-role": "reviewer"})
    assert answer.status_code == 200
    assert 'filename="findings_' in answer.headers["content-disposition"]
    (row,) = csv.DictReader(answer.text.removeprefix("\ufeff").splitlines())
    assert (row["day"], row["actor_id"], row["events"]) == (DAY.isoformat(), "users/ana", "1")
    assert row["began_at (Europe/Oslo)"].startswith(f"{DAY}T1")
    screen = client.get(f"{address}&columns=state,day&order=-day").text.removeprefix("\ufeff")
    (row,) = csv.DictReader(screen.splitlines())
    assert row.keys() == {"State", "Day (Europe/Oslo)"}
    for wrong in ("columns=secret", "order=secret", "archive=nonsense"):
        assert client.get(f"{address}&{wrong}").status_code == 400, wrong


def test_digest_has_findings_for_those_who_may_see_them(client: TestClient) -> None:
    address = f"/api/digest?week={DAY}&tz=Europe/Oslo"
    answers = {
        role: client.get(address, headers={"x-role": role}).json()
        for role in ("owner", "reviewer", "manager")
    }
    keys = {
        role: [section["key"] for section in answer["sections"]] for role, answer in answers.items()
    }
    assert keys["owner"] == keys["reviewer"] == ["activity", "incidents", "findings", "people"]
    assert keys["manager"] == ["activity", "incidents", "people"]
    (findings,) = (part for part in answers["owner"]["sections"] if part["key"] == "findings")
    assert findings["lines"][0]["number"] == 1
    assert client.get("/api/digest?week=2026-13-01").status_code == 400
    assert client.get("/api/digest?day=2026-11-01&tz=Mars").status_code == 400
