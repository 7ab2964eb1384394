"""Requests made from the OpenAPI document: answers are as the document says.

`TRAIL_SCHEMATHESIS_EXAMPLES` sets how many valid requests each operation gets per role (2); owners
send half as many invalid ones, too.
"""

import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from tests.segment_records import api_event, ndjson
from trail.accounts import roles
from trail.core.sections import Auth
from trail.core.sections import Store as StoreSettings
from trail.core.settings import CONFIG_VARIABLE, Settings
from trail.core.zones import zone_names
from trail.ingest.files import load_files
from trail.runtime import process, startup
from trail.web import openapi, routes
from trail.web.client_limits import ClientLimits
from trail.web.guard import Guard
from trail.web.proxies import Proxies

EXAMPLES = int(os.environ.get("TRAIL_SCHEMATHESIS_EXAMPLES", "2"))
DOCUMENT = openapi.document(routes.documented())
# Needs what a token cannot have: a session, a code, a signature. Others test these.
WITHOUT_TOKENS = ("/auth/", "/s/", "/v1/", "/webhooks/", "/uploads", "/mcp")
# Valid, but answered with 400 unless there is such a month, sign-off or cursor; a digest is of one
# week or day since 1971.
OF_WHAT_EXISTS = {"archive", "sign_off", "after", "week", "day"}
FORMATS = {
    "time-expression": ["7d", "24h", "1h", "today", "2026-11-03"],
    "search-text": ["deleted", 'kind:delete "two words"', "-risk:high", "a OR b", ""],
    "timezone": sorted(zone_names()),
    "archived-month": [""],
    "cursor": [""],
    "local-date-time": ["2026-11-23T14:30:00", "2026-11-23"],
}

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.positive_data_acceptance,
    # Not `negative_data_rejection`: a format of this product is unknown to it, and what it takes
    # for wrong is a valid text in a URL; see `test_values_that_no_schema_allows_are_refused`.
    checks.unsupported_method,
    checks.allow_header_conformance,
]


@dataclass(frozen=True)
class Service:
    """All routes behind the guard, and a token of each role."""

    client: TestClient
    tokens: dict[str, str]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("schemathesis")
    for name, values in FORMATS.items():
        schemathesis.openapi.format(name, st.sampled_from(values))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CONFIG_VARIABLE, str(folder / "none.toml"))
        patch.setattr(process, "_current", [])
        runtime = startup.start(
            Settings(
                store=StoreSettings(path=folder / "trail.duckdb", demo="never"),
                auth=Auth(users_path=folder / "users.yaml"),
            )
        )
        try:
            path = folder / "events.ndjson"
            path.write_bytes(ndjson([api_event(number) for number in range(20)]))
            list(load_files(runtime.store, runtime.settings, [path]))
            assert runtime.tokens
            now = dt.datetime.now(dt.UTC)
            tokens = {
                role: runtime.tokens.add(role, role, roles.SCOPES, 1, now)[1]
                for role in roles.ROLES
            }
            app = Starlette(
                routes=routes.all_routes(lambda *_: 0, lambda: ""),
                middleware=[Middleware(Proxies), Middleware(Guard), Middleware(ClientLimits)],
            )
            client = TestClient(app, base_url="http://localhost:8501", follow_redirects=False)
            yield Service(client, tokens)
        finally:
            startup.stop()


def requests_of(operation: Any, mode: GenerationMode) -> list[Any]:
    """Return the generated requests of *operation*; none where nothing can be wrong."""
    made: list[Any] = []

    @hypothesis.seed(17)
    @hypothesis.settings(
        max_examples=EXAMPLES if mode is GenerationMode.POSITIVE else max(1, EXAMPLES // 2),
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(operation.as_strategy(generation_mode=mode))
    def collect(case: Any) -> None:
        made.append(case)

    collect()
    return made


def test_answers_are_as_the_document_says(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    sent, operations = 0, 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.startswith(WITHOUT_TOKENS):
            continue
        operations += 1
        for mode in GenerationMode:
            if mode is GenerationMode.NEGATIVE and not operation.query:
                continue
            for case in requests_of(operation, mode):
                if mode is GenerationMode.POSITIVE:
                    for name in OF_WHAT_EXISTS & {*(case.query or ())}:
                        del case.query[name]
                asking = ("owner",) if mode is GenerationMode.NEGATIVE else roles.ROLES
                for role in asking:
                    token = service.tokens[role]
                    request = case.as_transport_kwargs(
                        base_url="http://localhost:8501",
                        headers={"authorization": f"Bearer {token}"},
                    )
                    request.pop("cookies", None)
                    try:
                        answer = service.client.request(**request)
                    except httpx2.InvalidURL:  # longer than the client sends
                        continue
                    sent += 1
                    allowed = roles.needs(operation.path, "GET")
                    refused = bool(allowed) and not roles.may(role, allowed)
                    if refused and case.method == "GET":
                        assert answer.status_code == 403, (operation.path, role)
                    case.validate_response(answer, checks=CHECKS)
    assert operations > 20
    with capsys.disabled():
        print(f"\n  {sent} requests, {operations} operations, {len(service.tokens)} roles")


def test_pages_are_linked_and_unchanged_ones_are_not_sent_again(service: Service) -> None:
    headers = {"authorization": f"Bearer {service.tokens['manager']}"}
    address, seen = "/api/events?from=2000-01-01&limit=7&sort=oldest", []
    while address:
        page = service.client.get(address, headers=headers)
        seen += [event["event_id"] for event in page.json()["events"]]
        same = service.client.get(
            address, headers={**headers, "if-none-match": page.headers["etag"]}
        )
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["cache-control"] == "no-store"
        assert ("next" in page.links) is (page.json()["next"] is not None)
        address = page.links.get("next", {}).get("url", "")
    assert len(seen) == len(set(seen)) == 20


def test_values_that_no_schema_allows_are_refused(service: Service) -> None:
    """Numbers and enumerations of the document are those that the routes accept."""
    headers = {"authorization": f"Bearer {service.tokens['owner']}"}
    refused = 0
    for route in routes.documented():
        if route.path.startswith(WITHOUT_TOKENS):
            continue
        for parameter in route.operation.parameters:
            schema = parameter.schema.get("items", parameter.schema)
            if "enum" in schema or schema["type"] != "string":
                query = {parameter.name: "no-such-value"}
                answer = service.client.get(route.path, params=query, headers=headers)
                assert answer.status_code == 400, (route.path, parameter.name)
                refused += 1
    assert refused > 100
