"""`/metrics` and `/healthz` of a real server: access and content."""

import json
import re
from collections.abc import Callable

import httpx2
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.segment_records import api_event, ndjson
from tests.server.conftest import ROOT, Running

MONITORING = ROOT / "deploy" / "monitoring"
pytestmark = pytest.mark.server


def figures(text: str) -> dict[str, float]:
    return {
        " ".join([sample.name, *sorted(sample.labels.values())]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def declared(text: str) -> set[str]:
    """Return the names of metrics that an answer declares, also those without a value."""
    return set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))


def monitored() -> set[str]:
    """Return the names of metrics in the alert rules and on the dashboard, and check both files."""
    rules = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"][0]["rules"]
    panels = json.loads((MONITORING / "grafana.json").read_text())["panels"]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 5
    assert all(rule["annotations"].keys() == {"summary", "description"} for rule in rules)
    assert len({panel["id"] for panel in panels}) == len(panels) > 5
    expressions = [rule["expr"] for rule in rules]
    expressions += [target["expr"] for panel in panels for target in panel["targets"]]
    return {name for text in expressions for name in re.findall(r"audit_trail_\w+", text)}


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Running]) -> Running:
    hosts = json.dumps(["127.0.0.1", "trail.example.com"])
    return start_server(TRAIL_SERVER__ALLOWED_HOSTS=hosts)


def test_counts_follow_a_load_and_contain_no_names(server: Running) -> None:
    assert httpx2.get(f"{server.url}/healthz").json() == {"ok": True, "problems": []}
    path = server.log.with_name("events.ndjson")
    path.write_bytes(ndjson([api_event(1), api_event(2), api_event(1)]) + b"\n{")
    server.command("load", str(path))
    report = json.loads(server.command("doctor", "--json"))
    assert {"name": "Events", "state": "ok"}.items() <= report["checks"][7].items()
    assert report["checks"][6]["text"].startswith("Running as process ")
    # A header cannot change the client's address: no proxy is configured.
    response = httpx2.get(f"{server.url}/metrics", headers={"x-forwarded-for": "6.6.6.6"})
    assert response.status_code == 200
    assert monitored() <= declared(response.text)
    values = figures(response.text)
    assert values["audit_trail_events"] == 2
    assert values["audit_trail_records_total json kept"] == 2
    assert values["audit_trail_records_total duplicates json"] == 1
    assert values["audit_trail_records_total json quarantined"] == 1
    assert values["audit_trail_intake_waiting_bytes"] == 0
    assert values["audit_trail_unsealed_seconds"] > 0
    assert values["audit_trail_seal_problems"] == 0
    assert "example.com" not in response.text


def test_without_a_token_other_host_names_are_refused(server: Running) -> None:
    headers = {"host": "trail.example.com"}
    assert httpx2.get(f"{server.url}/metrics", headers=headers).status_code == 401
    assert httpx2.get(f"{server.url}/metrics").status_code == 200


def test_only_the_token_grants_access_and_health_names_the_problems(
    start_server: Callable[..., Running],
) -> None:
    server = start_server(
        TRAIL_SERVER__METRICS_TOKEN="for-the-scraper",
        TRAIL_SEGMENT__TOKEN="sgp_x",
        TRAIL_SEGMENT__URL="http://127.0.0.1:9",
        TRAIL_SEGMENT__PATIENCE_S="0.1",
    )
    assert httpx2.get(f"{server.url}/metrics").status_code == 401
    wrong = {"authorization": "Bearer another"}
    assert httpx2.get(f"{server.url}/metrics", headers=wrong).status_code == 401
    right = {"authorization": "Bearer for-the-scraper"}
    assert httpx2.get(f"{server.url}/metrics", headers=right).status_code == 200

    for _ in range(100):
        health = httpx2.get(f"{server.url}/healthz").json()
        if health["problems"]:
            break
    assert health == {"ok": True, "problems": ["Segment Public API"]}
    (source,) = httpx2.get(f"{server.url}/healthz", headers=right).json()["sources"]
    assert (source["name"], source["state"]) == ("segment_api", "failing")
    assert "connection failed" in source["message"]
    assert "sgp_x" not in source["message"]
    values = figures(httpx2.get(f"{server.url}/metrics", headers=right).text)
    assert values["audit_trail_source_up segment_api"] == 0
    assert values["audit_trail_source_state failing segment_api"] == 1
    assert values["audit_trail_source_state ok segment_api"] == 0
    assert "audit_trail_source_last_success_timestamp_seconds segment_api" not in values
