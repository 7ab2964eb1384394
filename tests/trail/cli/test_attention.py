"""`python -m trail attention` and `GET /api/attention`: the list of `attention.items` by both."""

import json
from typing import Any, cast

import pytest
from starlette.applications import Starlette

from tests.conftest import Load
from tests.trail.incidents.failures import WAREHOUSE, run, text
from tests.trail.web.conftest import TestClient
from trail.accounts.users import User
from trail.attention.items import items
from trail.cli.main import main
from trail.core.settings import Settings
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.storage.duckdb import Store
from trail.web import attention_route


@pytest.mark.parametrize(
    ("role", "kinds"), [("owner", ["incident", "quarantine"]), ("manager", ["incident"])]
)
def test_route_and_command_return_the_list(
    store: Store,
    settings: Settings,
    load: Load,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    role: str,
    kinds: list[str],
) -> None:
    unused = cast("Any", None)
    made = Runtime(settings, store, unused, unused, unused, unused, demo=False)
    monkeypatch.setattr(process, "_current", [made])
    monkeypatch.setattr(attention_route, "request_user", lambda _: User("u", "U", "", role))
    client = TestClient(Starlette(routes=attention_route.ROUTES))
    assert client.get("/api/attention").json() == {"items": [], "count": 0, "known_until": None}
    load(text(*(item for hour in range(6) for item in run(60 * hour, 5, WAREHOUSE))) + b"{\n")
    body = client.get("/api/attention?muted=1").json()
    assert body["known_until"] == "2026-10-06T07:15:00Z"
    every, expected = (
        [
            item.to_dict()
            for item in items(store, settings, store.now(), findings=findings, muted=True)
        ]
        for findings in (True, role == "owner")
    )
    assert body["items"] == expected
    assert [item["kind"] for item in expected] == kinds
    assert body["count"] == len(kinds)
    store.close()
    monkeypatch.setenv("TRAIL_STORE__PATH", str(settings.store.path))
    assert main(["attention", "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == every
    assert main(["attention"]) == 0
    shown = capsys.readouterr().out
    assert "Warehouse Snowflake prod: 30 failed attempts" in shown
    assert shown.splitlines()[0].split() == ["urgency", "title", "reason", "since", "assignee"]
