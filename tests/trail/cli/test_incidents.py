"""`python -m trail incidents` and `GET /api/incidents`: the same incidents by both."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.applications import Starlette

from tests.conftest import Load
from tests.trail.incidents.failures import WAREHOUSE, change, line, run, text
from tests.trail.web.conftest import TestClient
from trail.cli.main import main
from trail.core.settings import Settings
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.storage.duckdb import Store
from trail.web import api

LINES = text(
    *(item for hour in range(3) for item in run(60 * hour, 5, WAREHOUSE)),
    line(-12, "Warehouses Modified", WAREHOUSE, "edit"),
    *run(0, 1, ("audience", "a1", "\x1b[2JA")),
    change(60 * 24 * 3),
)


@pytest.fixture
def client(
    store: Store, settings: Settings, load: Load, monkeypatch: pytest.MonkeyPatch
) -> TestClient:
    """Return a client of the routes over a store of LINES, without authentication."""
    load(LINES)
    unused = cast("Any", None)
    made = Runtime(settings, store, unused, unused, unused, unused, demo=False)
    monkeypatch.setattr(process, "_current", [made])
    return TestClient(Starlette(routes=api.ROUTES))


def test_route_returns_a_page_and_the_count(client: TestClient) -> None:
    answer = client.get("/api/incidents?limit=1").json()
    assert answer["count"] == 2
    (outage,) = answer["incidents"]
    assert (outage["class"], outage["attempts"]) == ("persistent", 15)
    assert [item["event_id"] for item in outage["changes_before"]] == ["edit"]
    (other,) = client.get("/api/incidents?limit=1&skip=1").json()["incidents"]
    assert other["target_id"] == "a1"
    nothing = client.get("/api/incidents?category=Source").json()
    assert (nothing["incidents"], nothing["count"], nothing["attempts"]) == ([], 0, 0)
    hidden = client.get("/api/incidents?group=").json()
    assert (hidden["count"], hidden["summary"]["transient_closed"]) == (1, 1)
    assert client.get("/api/incidents?group=transient").json()["incidents"] == [other]
    ordered = client.get("/api/incidents?order=attempts").json()["incidents"]
    assert [item["attempts"] for item in ordered] == [1, 15]
    assert client.get("/api/incidents?group=none").status_code == 400
    assert client.get("/api/incidents?nonsense=1").status_code == 400


def test_command_prints_the_same(
    client: TestClient,
    store: Store,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    routed = client.get("/api/incidents").json()["incidents"]
    store.close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRAIL_STORE__PATH", str(settings.store.path))
    assert main(["incidents", "--json"]) == 0
    assert [json.loads(item) for item in capsys.readouterr().out.splitlines()] == routed
    assert main(["incidents", "--query", "category=Engage"]) == 0
    message = capsys.readouterr().out
    assert message.splitlines()[1].startswith("closed  transient")
    assert "\x1b" not in message
    assert main(["incidents", "--group", "ended", "--json"]) == 0
    (ended,) = capsys.readouterr().out.splitlines()
    assert json.loads(ended)["class"] == "persistent"
    assert main(["incidents", "--query", "nonsense=1"]) == 1
