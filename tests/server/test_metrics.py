"""`/metrics` and `/healthz` of a real server: who gets them, and what they say."""

import json
from collections.abc import Callable

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.segment_records import api_event, ndjson
from tests.server.conftest import Running

pytestmark = pytest.mark.server


def figures(text: str) -> dict[str, float]:
    return {
        " ".join([sample.name, *sorted(sample.labels.values())]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counts_follow_a_load_and_hold_no_names(start_server: Callable[..., Running]) -> None:
    server = start_server()
    path = server.log.with_name("events.ndjson")
    path.write_bytes(ndjson([api_event(1), api_event(2), api_event(1)]) + b"\n{")
    server.command("load", str(path))
    answer = httpx2.get(f"{server.url}/metrics")
    assert answer.status_code == 200
    found = figures(answer.text)
    assert found["audit_trail_events"] == 2
    assert found["audit_trail_records_total json kept"] == 2
    assert found["audit_trail_records_total duplicates json"] == 1
    assert found["audit_trail_records_total json quarantined"] == 1
    assert found["audit_trail_intake_waiting_bytes"] == 0
    assert "example.com" not in answer.text


def test_another_host_name_is_refused_where_no_token_is_set(
    start_server: Callable[..., Running],
) -> None:
    hosts = json.dumps(["127.0.0.1", "trail.example.com"])
    server = start_server(TRAIL_SERVER__ALLOWED_HOSTS=hosts)
    headers = {"host": "trail.example.com"}
    assert httpx2.get(f"{server.url}/metrics", headers=headers).status_code == 401
    assert httpx2.get(f"{server.url}/metrics").status_code == 200


def test_with_a_token_only_the_token_counts(start_server: Callable[..., Running]) -> None:
    server = start_server(TRAIL_SERVER__METRICS_TOKEN="for-the-scraper")
    assert httpx2.get(f"{server.url}/metrics").status_code == 401
    wrong = {"authorization": "Bearer another"}
    assert httpx2.get(f"{server.url}/metrics", headers=wrong).status_code == 401
    right = {"authorization": "Bearer for-the-scraper"}
    assert httpx2.get(f"{server.url}/metrics", headers=right).status_code == 200


def test_health_tells_in_words_what_is_wrong(start_server: Callable[..., Running]) -> None:
    assert httpx2.get(f"{start_server().url}/healthz").json() == {"ok": True, "problems": []}
    server = start_server(
        TRAIL_SEGMENT__TOKEN="sgp_x",
        TRAIL_SEGMENT__URL="http://127.0.0.1:9",
        TRAIL_SEGMENT__PATIENCE_S="0.1",
    )
    for _ in range(100):
        told = httpx2.get(f"{server.url}/healthz").json()
        if told["problems"]:
            break
    assert told == {"ok": True, "problems": ["Segment's Public API"]}
