"""A real server whose limit is next to nothing: routes and pages say so, downloads go on."""

from collections.abc import Callable

import httpx2
import pytest

from tests.server.conftest import COOKIE, Running
from trail import demo

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def hasty(start_server: Callable[..., Running]) -> Running:
    server = start_server(TRAIL_LIMITS__QUERY_SECONDS="0.0005")
    path = server.log.with_name("events.ndjson")
    demo.write(path, 100_000, 90, 1)
    server.command("load", str(path))
    return server


def test_the_api_stops_and_says_how_to_ask_for_less(hasty: Running) -> None:
    cookies = {COOKIE: hasty.sign_in("maya")}
    with httpx2.Client(base_url=hasty.url, cookies=cookies) as client:
        # A quick machine may answer one of them in time; not all.
        answers = [
            client.get(f"/api/facets?from=90d&q={word}&category=-Other")
            for word in ("warehouse", "audience", "source", "-source", "example", "tracking plan")
        ]
    stopped = [each for each in answers if each.status_code == 503]
    assert stopped
    assert "seconds and was stopped" in stopped[0].json()["error"]
    assert "narrower filter" in stopped[0].json()["hint"]


def test_a_download_takes_the_time_it_needs(hasty: Running) -> None:
    cookies = {COOKIE: hasty.sign_in("maya")}
    found = httpx2.get(f"{hasty.url}/export.csv?from=90d", cookies=cookies)
    assert found.status_code == 200
    assert found.text.count("\n") > 10_000
