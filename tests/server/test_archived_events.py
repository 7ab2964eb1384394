"""Archived events over HTTP: with all others, with the same filters, only with a session."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests.segment_records import api_event, ndjson
from tests.server.conftest import Running
from trail.web.guard import COOKIE

pytestmark = pytest.mark.server

# In the middle of a month, and past the retention of 90 days.
ARCHIVED = (dt.datetime.now(dt.UTC) - dt.timedelta(days=120)).replace(day=15, hour=12)
MONTH = f"{ARCHIVED:%Y-%m}"
NOT_SHOWN = "counted and cannot"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the archive."""
    return tmp_path_factory.mktemp("archived") / "days"


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Running], archive: Path) -> Running:
    """Return a server whose events of four months ago are in the archive only."""
    running = start_server(TRAIL_STORE__ARCHIVE="true", TRAIL_STORE__ARCHIVE_PATH=str(archive))
    events = [
        {**api_event(number), "timestamp": (ARCHIVED + dt.timedelta(minutes=number)).isoformat()}
        for number in range(20)
    ]
    path = running.log.with_name("old.ndjson")
    path.write_bytes(ndjson(events))
    running.command("load", str(path))
    assert json.loads(running.command("retain", "--json"))["archived"] == 20
    return running


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2000-01-01"},
        # Links of earlier versions name the month.
        {"archive": MONTH},
        {"archive": MONTH, "from": "2000-01-01"},
    ],
)
def test_archived_events_support_the_same_filters(server: Running, query: dict[str, str]) -> None:
    cookies = {COOKIE: server.sign_in("maya")}
    with httpx2.Client(base_url=server.url, cookies=cookies) as client:
        events = client.get("/api/events", params=query).json()
        assert events["count"] == 20
        assert client.get("/api/events", params={"from": "90d"}).json()["count"] == 0
        other = client.get("/api/events", params={"archive": "2001-01"}).json()
        assert other["count"] == 0
        none = client.get("/api/events", params={**query, "category": "Warehouses"}).json()
        assert none["count"] == 0
        rows = client.get("/export.csv", params=query).text.count("\n")
        assert rows == events["count"] + 1


@pytest.mark.parametrize("name", ["nonsense", "../../etc", "2026-13"])
def test_a_month_that_does_not_exist_is_an_error(server: Running, name: str) -> None:
    cookies = {COOKIE: server.sign_in("maya")}
    response = httpx2.get(f"{server.url}/api/events", params={"archive": name}, cookies=cookies)
    assert response.status_code == 400
    assert "archive" in response.json()["error"].lower()


def test_archive_requires_a_session(server: Running) -> None:
    response = httpx2.get(f"{server.url}/api/events", params={"archive": MONTH})
    assert response.status_code == 401


def test_pages_have_the_figures_of_the_api(server: Running) -> None:
    sid = server.sign_in("maya")
    query = "from=200d&tz=UTC"
    with httpx2.Client(base_url=server.url, cookies={COOKIE: sid}) as client:
        actors = client.get(f"/api/actors?{query}").json()["actors"]
    active = sum(actor["state"] in ("active", "new") for actor in actors)
    assert active
    with server.tab(sid=sid) as tab:
        for page, figures in (
            ("people", f"<b>{active}</b> of {len(actors)} active"),
            ("explore", "<b>20</b> of 20 events"),
            ("timeline", "<b>20</b> events"),
        ):
            assert figures in tab.run(page=page, query=query), page


@pytest.mark.parametrize(
    ("page", "query", "local"),
    [
        ("explore", "from=2000-01-01", "20"),
        ("timeline", "from=2000-01-01&by=target", "Hours of the week"),
        ("overview", "from=2000-01-01", "Most active people"),
        ("people", "from=2000-01-01", "People and tokens"),
    ],
)
def test_what_the_database_counts_is_shown_without_the_archive(
    server: Running, archive: Path, page: str, query: str, local: str
) -> None:
    with server.tab(sid=server.sign_in("maya")) as tab:
        whole = tab.run(page=page, query=query)
        assert NOT_SHOWN not in whole
        archive.rename(archive.with_name("away"))
        try:
            # A search that was not answered before.
            shown = tab.run(page=page, query=f"{query}&category=-{page}")
            assert local in shown
            assert "Try again" in shown or NOT_SHOWN in shown
            assert NOT_SHOWN in tab.run(page=page, query=query)
        finally:
            archive.with_name("away").rename(archive)
        assert NOT_SHOWN not in tab.run(page=page, query=query)
    with httpx2.Client(base_url=server.url, cookies={COOKIE: server.sign_in("maya")}) as client:
        listed = client.get("/api/events", params={"from": "2000-01-01"}).json()["events"]
    assert len(listed) == 20
