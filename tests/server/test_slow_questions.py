"""A real server with a tiny query timeout: the API reports it, downloads are not limited."""

from collections.abc import Callable

import httpx2
import pytest

from tests.server.conftest import COOKIE, Running
from trail import demo

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def impatient_server(start_server: Callable[..., Running]) -> Running:
    server = start_server(TRAIL_LIMITS__QUERY_SECONDS="0.0005")
    path = server.log.with_name("events.ndjson")
    demo.write(path, 30_000, 90, 1)
    server.command("load", str(path))
    return server


def test_api_reports_the_timeout_and_a_remedy(impatient_server: Running) -> None:
    cookies = {COOKIE: impatient_server.sign_in("maya")}
    with httpx2.Client(base_url=impatient_server.url, cookies=cookies) as client:
        # A fast machine may answer some of them in time, but not all.
        responses = [
            client.get(f"/api/facets?from=90d&q={word}&category=-Other")
            for word in ("warehouse", "audience", "source", "-source", "example", "tracking plan")
        ]
    stopped = [response for response in responses if response.status_code == 503]
    assert stopped
    assert "seconds and was stopped" in stopped[0].json()["error"]
    assert "narrower filter" in stopped[0].json()["hint"]


def test_downloads_have_no_timeout(impatient_server: Running) -> None:
    cookies = {COOKIE: impatient_server.sign_in("maya")}
    response = httpx2.get(f"{impatient_server.url}/export.csv?from=90d", cookies=cookies)
    assert response.status_code == 200
    assert response.text.count("\n") > 10_000
