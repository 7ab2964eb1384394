"""A real server whose limit is next to nothing: routes and pages say so, downloads go on."""

from collections.abc import Callable

import httpx
import pytest

from tests.server.conftest import COOKIE, Running
from trail import demo

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def hasty(start_server: Callable[..., Running]) -> Running:
    server = start_server(TRAIL_LIMITS__QUERY_SECONDS="0.001")
    path = server.log.with_name("events.ndjson")
    demo.write(path, 20_000, 30, 1)
    server.command("load", str(path))
    return server


def test_the_api_stops_and_says_how_to_ask_for_less(hasty: Running) -> None:
    cookies = {COOKIE: hasty.sign_in("maya")}
    found = httpx.get(f"{hasty.url}/api/facets?from=90d&q=warehouse", cookies=cookies)
    assert found.status_code == 503
    assert "longer than 0.001 seconds" in found.json()["error"]
    assert "narrower filter" in found.json()["hint"]


def test_a_download_takes_the_time_it_needs(hasty: Running) -> None:
    cookies = {COOKIE: hasty.sign_in("maya")}
    found = httpx.get(f"{hasty.url}/export.csv?from=90d", cookies=cookies)
    assert found.status_code == 200
    assert found.text.count("\n") > 10_000
