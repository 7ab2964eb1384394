"""What a missing file of the archive means for the routes of lists and facets."""

from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from tests import fixed_clock
from tests.conftest import Load
from tests.figures.workspace import OwnerMiddleware
from tests.trail.incidents.failures import AUDIENCE, at, change, line, run, text
from trail.accounts.users import Users
from trail.core.settings import Settings
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.storage import cold_tier
from trail.storage.duckdb import Store
from trail.web import api

DAY = 60 * 24
WINDOW = "from=2026-10-06&to=2026-10-12"


@pytest.fixture
def client(
    store: Store, settings: Settings, load: Load, monkeypatch: pytest.MonkeyPatch
) -> TestClient:
    """Return a client of the routes over a store with an archived incident and its cause."""
    load(text(line(-3 * 60, "Audience Modified", AUDIENCE), *run(0, 5), change(4 * DAY)))
    kept = settings.store.model_copy(update={"archive": True, "retention_days": 2})
    archiving = settings.model_copy(update={"store": kept})
    assert fixed_clock.retain(store, archiving, at(5 * DAY)).archived == 6
    nothing = cast("Any", None)
    monkeypatch.setattr(process, "_current", [])
    users = Users(settings.store.path.with_name("users.yaml"), warn=False)
    process.start(Runtime(settings, store, users, nothing, nothing, nothing, demo=False))
    return TestClient(Starlette(routes=api.ROUTES, middleware=[Middleware(OwnerMiddleware)]))


def test_what_rests_on_a_missing_file_says_so(
    client: TestClient, store: Store, settings: Settings
) -> None:
    incidents, findings = f"/export.incidents.csv?{WINDOW}", f"/export.findings.csv?{WINDOW}"
    assert client.get(incidents).status_code == client.get(findings).status_code == 200
    assert "notices" not in client.get(f"/api/facets?{WINDOW}").json()
    before, within = (settings.store.archive_path / part.file for part in cold_tier.parts(store))
    # The day before the window has changes that may have caused its incidents, and no more.
    before.unlink()
    assert client.get(findings).status_code == 200
    refused = client.get(incidents)
    assert refused.status_code == 503
    assert "missing or damaged" in refused.json()["error"]
    (notice,) = client.get(f"/api/incidents?{WINDOW}").json()["notices"]
    assert "missing or damaged" in notice
    assert "notices" not in client.get(f"/api/facets?{WINDOW}").json()
    within.unlink()
    assert client.get(findings).status_code == 503
    (notice,) = client.get(f"/api/facets?{WINDOW}").json()["notices"]
    assert f"file day=2026-10-06/{within.name} is missing" in notice
