"""`/healthz` while a source fails: what load balancers get, and what monitoring gets."""

import datetime as dt

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.testclient import TestClient

from loaders._segment_http import SegmentSettings
from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.events import coverage
from trail.runtime import process, startup
from trail.storage.duckdb import Store
from trail.web import health


@pytest.mark.parametrize("unhealthy", [False, True])
def test_a_failing_source_takes_the_server_out_of_service_only_by_setting(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch, unhealthy: bool
) -> None:
    monkeypatch.setattr(process, "_current", [])
    # Nothing listens on this port, so that the poll at the start fails as the one before.
    segment = SegmentSettings(
        token=SecretStr("sgp_x"), url="http://127.0.0.1:9", patience_s=0.1, every_minutes=60
    )
    server = settings.server.model_copy(update={"unhealthy_if_source_fails": unhealthy})
    failing = settings.model_copy(update={"segment": segment, "server": server})
    reach = dt.timedelta()
    store.write(
        lambda cursor: coverage.note_failure(cursor, "segment_api", utc_now(), reach, "401")
    )
    store.close()
    startup.start(failing)
    try:
        app = Starlette(routes=health.ROUTES)
        outside = TestClient(app, client=("203.0.113.9", 5000)).get("/healthz")
        assert outside.status_code == (503 if unhealthy else 200)
        assert outside.json() == {"ok": not unhealthy, "problems": ["Segment Public API"]}
        here = TestClient(app, "http://localhost", client=("127.0.0.1", 5000)).get("/healthz")
        (source,) = here.json()["sources"]
        assert (source["name"], source["state"]) == ("segment_api", "failing")
    finally:
        startup.stop()
