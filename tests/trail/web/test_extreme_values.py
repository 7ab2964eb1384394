"""No query parameter, header or body of any route causes an unhandled error.

The routes are those of the server, and the parameters and headers are those that the code reads
while it answers; a new route or parameter is tested without a change here.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import starlette.requests
from starlette.applications import Starlette
from starlette.datastructures import Headers, QueryParams
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.testclient import TestClient

from tests.segment_records import api_event, ndjson
from trail.core.json_values import json_row
from trail.core.sections import Auth
from trail.core.sections import Store as StoreSettings
from trail.core.settings import CONFIG_VARIABLE, Settings
from trail.events import events
from trail.ingest.files import load_files
from trail.runtime import process, startup
from trail.storage.filters import ALLOWED, FACETS, Filter
from trail.web import routes
from trail.web.guard import COOKIE, VISIT_COOKIE, Guard
from trail.web.oidc_gate import ProviderGate
from trail.web.proxies import Proxies
from trail.web.schemas import PROBLEM

WINDOW = {"from", "to", "q", "tz", "sort"}
SIGN_OUT = "/auth/sign-out"
TEXTS = (
    "",
    "\0",
    "-1",
    "1.5",
    "nan",
    "1e999",
    str(2**63),
    "9" * 5000,
    "9999-12",
    "0000-00",
    "a,b,",
)
TIMES = (
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00", "10000-01-01", "99999d"),
    *("2026-01-01T00:00:00+99:00", "2026-01-01T00:00:00.123456789Z", "2026-W53-7", "-1d"),
)
NOT_UTF_8 = ("%ff", "%ed%a0%80", "%", "%zz")
VALUES = (
    *map(quote, (*TEXTS, *TIMES, *(f"{time}~\0" for time in TIMES[:2]), "\U0010ffff" * 99)),
    *NOT_UTF_8,
)
SOME_VALUES, _ALL_VALUES_ON = ("", quote("\0"), "9" * 5000, "%ff", "%"), 1
# Of all facets in one query: one long value among them costs as much as all others.
FEW_VALUES = ("", quote("\0"), quote("\U0010ffff" * 99), "%ff", "%")
WINDOWS = (
    "from=0001-01-01&to=0001-02-01&tz=Pacific/Kiritimati",
    "from=9999-11-01&to=9999-12-31T23:59:59.999999-14:00&tz=Etc/GMT%2B12",
    "from=0001-01-01&to=9999-12-31",
    "to=0001-01-01",
)
# Read by one function for all routes.
SEARCHES = (
    "q=" + "+".join(map(str, range(240))),
    "&".join(f"q={number}" for number in range(240)),
    "q=%00&q=raw:%00&q=-%ff&sort=%00&tz=..%2FUTC",
    "from=2026-W53-7&to=nan",
)
HEADER_VALUES = (
    b"",
    b"\xff\xfe",
    b"[",
    b"http://[",
    b"9" * 5000,
    b"-1",
    b"a=b; " * 99,
    b"Basic \xff",
)
SOME_HEADER_VALUES = HEADER_VALUES[1:3]
BODIES = (
    *(b"", b"\xff", b"[" * 5000, b'{"a":' * 5000, b'"\\ud800"', b"NaN", b"9" * 5000, b"null"),
    b'{"writeKey":"key","event":"Audit","timestamp":"0001-01-01T00:00:00+14:00","messageId":1e999}',
    b'{"writeKey":"key","batch":[{"event":"\\ud800","timestamp":"9999-12-31T23:59:59-14:00"},0]}',
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Return a client of every route with a session; the runtime has one event."""
    folder = tmp_path_factory.mktemp("extreme")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CONFIG_VARIABLE, str(folder / "none.toml"))
        patch.setattr(process, "_current", [])
        runtime = startup.start(
            Settings(
                store=StoreSettings(path=folder / "trail.duckdb", demo="never"),
                auth=Auth(users_path=folder / "users.yaml"),
                push={"write_keys": ("key",), "webhook_secrets": ("secret",)},
            )
        )
        try:
            path = folder / "events.ndjson"
            path.write_bytes(ndjson([api_event(1)]))
            list(load_files(runtime.store, runtime.settings, [path]))
            code = runtime.sessions.issue_code(
                "owner", "browser", runtime.users.credentials_digest("owner")
            )
            app = Starlette(
                routes=routes.all_routes(lambda *_: 0, lambda: "token"),
                middleware=[Middleware(Proxies), Middleware(Guard), Middleware(ProviderGate)],
            )
            made = TestClient(app, base_url="http://localhost:8501", follow_redirects=False)
            made.cookies.set(COOKIE, str(runtime.sessions.finish(code, "browser")))
            yield made
        finally:
            startup.stop()


def every_route() -> list[tuple[str, str]]:
    """Return the methods and paths of all routes."""
    found = routes.all_routes(lambda *_: 0, lambda: "token")
    return [(method, route.path) for route in found for method in sorted(_methods(route))]


def _methods(route: Route) -> set[str]:
    return (route.methods or set()) & {"GET", "POST"}


# What the documented routes state that they read.
STATED = {
    (method, route.path): {parameter.name for parameter in route.operation.parameters}
    for route in routes.documented()
    for method in route.methods or ()
}


class Names:
    """Records the names of the query parameters and headers that the code asks for."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.parameters, self.headers = set[str](), set[str]()
        parameters, headers = self.parameters, self.headers

        class Recorded(QueryParams):
            def __getitem__(self, key: str) -> str:
                parameters.add(key)
                return super().__getitem__(key)

            def __contains__(self, key: object) -> bool:
                parameters.add(str(key))
                return super().__contains__(key)

            def get(self, key: str, default: Any = None) -> Any:
                parameters.add(key)
                return super().get(key, default)

            def multi_items(self) -> list[tuple[str, str]]:
                parameters.update(WINDOW, FACETS)
                return super().multi_items()

        patch.setattr(starlette.requests, "QueryParams", Recorded)
        values = Headers.getlist
        item = Headers.__getitem__

        def getlist(self: Headers, key: str) -> list[str]:
            headers.add(key)
            return values(self, key)

        def getitem(self: Headers, key: str) -> str:
            headers.add(key)
            return item(self, key)

        patch.setattr(Headers, "getlist", getlist)
        patch.setattr(Headers, "__getitem__", getitem)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


def assert_handled(caplog: pytest.LogCaptureFixture, answer: Any, sent: object) -> None:
    """Assert that *answer* is no failure and nothing logged a traceback."""
    assert answer.status_code < 500 or answer.status_code == 503, sent
    assert not [record for record in caplog.records if record.exc_info], sent


def test_query_parameters(
    client: TestClient,
    names: Names,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sent, tested, read = 0, set[str](), Counter[str]()
    for method, path in every_route():
        if path == SIGN_OUT:
            continue
        names.parameters.clear()
        client.request(method, path)
        stated = STATED.get((method, path))
        if stated is not None:
            # Read to be refused: findings are of the database, OCSF and ECS have all fields.
            refused = {"archive", "columns", "headers"}
            assert names.parameters - stated <= {*FACETS, *WINDOW, *refused}, path
        own = sorted(names.parameters - WINDOW - {*FACETS})
        # One function reads a name for all routes: from the second route on, some values.
        read.update(own)
        queries = [
            f"{name}={value}"
            for name in own
            for value in (VALUES if read[name] <= _ALL_VALUES_ON else SOME_VALUES)
        ]
        if names.parameters & WINDOW:
            queries += WINDOWS
            read["windows"] += 1
            turn = read["windows"] % len(SEARCHES)
            queries += SEARCHES if read["windows"] <= _ALL_VALUES_ON else SEARCHES[turn : turn + 1]
        if names.parameters & {*FACETS}:
            read["facets"] += 1
            free = [name for name in FACETS if name not in ALLOWED]
            if read["facets"] <= _ALL_VALUES_ON:
                every_value = [f"{name}={value}" for name in free for value in VALUES]
                # In two, since the client of the test sends no longer ones.
                queries += ["&".join(every_value[::2]), "&".join(every_value[1::2])]
            else:
                queries.append("&".join(f"{name}={value}" for name in free for value in FEW_VALUES))
            queries += [f"{name}=%00" for name in ALLOWED]
        for query in queries:
            assert_handled(caplog, client.request(method, f"{path}?{query}"), (path, query[:200]))
            sent += 1
        tested |= names.parameters
    assert {
        "limit",
        "skip",
        "after",
        "archive",
        "columns",
        "budget",
        "next",
        "code",
        *WINDOW,
    } <= tested
    with capsys.disabled():
        print(f"\n  {sent} requests, {len(tested)} parameters")


def test_headers_and_cookies(
    client: TestClient, names: Names, caplog: pytest.LogCaptureFixture
) -> None:
    paths = [item for item in every_route() if item[1] != SIGN_OUT]
    tested = Counter[str]()
    for method, path in paths:
        if path.startswith(("/api/", "/export")) and path != "/api/events":
            continue  # they differ from /api/events in their parameters only
        names.headers.clear()
        client.request(method, path)
        for name in (*names.headers, "forwarded", "x-forwarded-for", "x-forwarded-proto"):
            # One function reads a header for all routes: from the second route on, some values.
            tested[name] += 1
            for value in HEADER_VALUES if tested[name] <= _ALL_VALUES_ON else SOME_HEADER_VALUES:
                answer = client.request(method, path, headers=[(name.encode(), value)])
                assert_handled(caplog, answer, (path, name, value[:99]))
        for name in (COOKIE, VISIT_COOKIE, "_streamlit_user"):
            cookie = name.encode() + b"=\xff\xed\xa0\x80" + b"9" * 5000
            answer = client.request(method, path, headers=[(b"cookie", cookie)])
            assert_handled(caplog, answer, (path, name))
    assert {"host", "origin", "cookie", "authorization"} <= tested.keys()


def test_bodies(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    authorization = {"authorization": "Bearer token"}  # of the route for commands
    for method, path in every_route():
        if method == "POST" and path != SIGN_OUT:
            for body in BODIES:
                for headers in ({}, authorization):
                    answer = client.post(path, content=body, headers=headers)
                    assert_handled(caplog, answer, (path, body[:99]))


def test_integers_of_the_query(client: TestClient) -> None:
    for name in ("limit", "skip"):
        for value in ("-1", "1.5", "nan", str(2**63), "9" * 5000, "٣"):
            answer = client.get("/api/incidents", params={name: value})
            assert (answer.status_code, answer.json()["error"]) == (400, f"Invalid {name}.")
    beyond = client.get("/api/incidents", params={"skip": 2**63 - 1})
    assert (beyond.status_code, beyond.json()["incidents"]) == (200, [])
    assert len(client.get("/api/events?from=2000-01-01&limit=9999999999").json()["events"]) == 1


def test_events_are_those_of_the_command(client: TestClient) -> None:
    store = process.current().store
    page = events.page(store, Filter.parse("from=2000-01-01"), dt.datetime.now(dt.UTC))
    answer = client.get("/api/events?from=2000-01-01").json()["events"]
    assert answer == [json_row(row) for row in page.rows] != []


def test_names_of_actors_are_read_as_ids_and_others_explained(client: TestClient) -> None:
    (event,) = client.get("/api/events?from=2000-01-01").json()["events"]
    for path in ("/api/events?from=2000-01-01", "/api/timeline?from=2000-01-01"):
        known = client.get(path, params={"actor": event["actor"].upper(), "from": "2000-01-01"})
        unknown = client.get(path, params={"actor": "nobody at all", "from": "2000-01-01"})
        assert known.json().get("notices") is None
        assert unknown.json()["notices"] == ["No actor is called “nobody at all”."]
    assert client.get("/api/events", params={"actor": event["actor"].upper()}).json()["count"] == 1


def test_a_search_that_cannot_be_read_is_answered_with_its_place(client: TestClient) -> None:
    search = "x target_name:y"
    for path in ("/api/events", "/api/facets", "/api/timeline", "/export.csv"):
        answer = client.get(path, params={"q": search})
        assert (answer.status_code, answer.json()) == (
            400,
            {
                "type": "/api/openapi.json#/x-problem-types/invalid-search",
                "title": "The search text cannot be read",
                "status": 400,
                "detail": "Unknown field 'target_name'. Did you mean target? "
                "Put the text in quotation marks to search for it as it is.",
                "error": "Unknown field 'target_name'. Did you mean target?",
                "hint": "Put the text in quotation marks to search for it as it is.",
                "search": search,
                "start": 2,
                "end": 13,
                "correction": "x target:y",
            },
        )
    assert client.get("/api/events", params={"q": search, "syntax": "1"}).status_code == 200


def test_suggestions(client: TestClient) -> None:
    found = client.get("/api/suggest", params={"field": "target", "prefix": "\0" + "x" * 9999})
    assert (found.status_code, found.json()) == (200, {"suggestions": []})
    (event,) = client.get("/api/events?from=2000-01-01").json()["events"]
    named = client.get("/api/suggest", params={"field": "action", "prefix": event["action"][:4]})
    assert event["action"] in [item["value"] for item in named.json()["suggestions"]]
    assert client.get("/api/suggest?field=colour&prefix=r").status_code == 400


def test_completions(client: TestClient) -> None:
    def complete(text: str, cursor: int) -> dict[str, Any]:
        params = {"from": "2000-01-01", "text": text, "cursor": str(cursor)}
        answer = client.get("/api/complete", params=params)
        assert answer.status_code == 200
        return dict(answer.json())

    for cursor in (8, 999, 2**63 - 1):  # in UTF-16, where the emoji is two units
        found = complete("\U0001f600 kind:", cursor)
        assert (found["before"], found["question"]) == ("\U0001f600 ", None)
    assert [value["term"] for value in complete("kind:", 5)["values"]]
    assert complete("\U0001f600", 1)["after"] == ""
    asked = complete("who created sources quickly today", 9)
    assert [part["name"] for part in asked["question"]["parts"]] == ["Category", "Kind", "Time"]
    assert asked["question"]["not_understood"] == ["quickly"]
    assert complete("x" * 9_999, 0)["values"] == []
    assert client.get("/api/complete?text=a&cursor=b").status_code == 400


def test_unreadable_users_file_is_answered_with_503(client: TestClient) -> None:
    path = process.current().settings.auth.users_path
    before = path.read_bytes()
    path.write_bytes(b"\0[")
    try:
        answer = client.get("/api/events")
        assert answer.status_code in (401, 503)
        assert set(answer.json()) == set(PROBLEM["required"])
    finally:
        path.write_bytes(before)
