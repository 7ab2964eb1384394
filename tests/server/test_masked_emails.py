"""For a role with masked e-mails, none of the corpus leaves the server, and none can be guessed."""

import datetime as dt
import json
from collections.abc import Callable
from urllib.parse import quote

import httpx2
import pytest

from tests.server.conftest import PASSWORD, Running
from trail.accounts import roles
from trail.accounts.api_tokens import Tokens
from trail.core import registry
from trail.web import routes
from trail.web.guard import COOKIE

pytestmark = pytest.mark.server

MASKED = ("reviewer", "manager", "viewer", "auditor")
PEOPLE = [f"{name}.{family}@example.com" for name in ("maya", "jon") for family in ("lind", "berg")]
TARGET = "pia.holm@example.com"
EMAILS = [*PEOPLE, TARGET]
# Answered with masked e-mails to whoever may read them; the others are refused or have no e-mails.
READS = ("/api/events", "/api/facets", "/export.csv", "/export.ndjson", "/export.ecs.ndjson")
WHOLE = ("/export.parquet", "/export.evidence.zip", "/export.certificate.pdf")
QUERIES = (
    f"q={PEOPLE[0]}",
    "q=maya.l",
    f"actor={quote(PEOPLE[0])}",
    f"actor=-{quote(PEOPLE[0])}",
    f"target={quote(TARGET)}",
    "text=pia",
)


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Running]) -> Running:
    server = start_server(TRAIL_AUTH__MASK_EMAILS=json.dumps(MASKED))
    now = dt.datetime.now(dt.UTC)
    records = [
        {
            "id": f"event-{number}",
            "timestamp": (now - dt.timedelta(minutes=9 * number)).isoformat(),
            "type": ("User Invited", "Warehouse Deleted", "Source Modified")[number % 3],
            "actor": f"users/{number % 4}" if number % 2 else PEOPLE[number % 4],
            "actorEmail": PEOPLE[number % 4],
            "actorName": PEOPLE[number % 4] if number % 5 else "Some Name",
            "resourceId": TARGET if number % 3 == 0 else f"w{number % 6}",
            "resourceType": "user",
            "resourceName": f"{TARGET} in group {number % 7}",
        }
        for number in range(60)
    ]
    path = server.log.with_name("people.ndjson")
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    server.command("load", str(path))
    end = now + dt.timedelta(days=1)
    for role in (*MASKED, "owner"):
        if role != "manager":
            server.users.add(f"a-{role}", role, "", role, PASSWORD, end)
    server.users.add("a-manager", "manager", "", "manager", PASSWORD)
    return server


def whole(data: bytes) -> list[str]:
    """Return the e-mails that *data* contains, in any spelling."""
    plain = data.replace(b"%40", b"@").replace(b"\\u0040", b"@").replace(b"\xe2\x81\xa0", b"")
    plain = plain.replace(b"\\u2060", b"").replace(b"\\", b"").lower()
    return [email for email in EMAILS if email.encode() in plain]


def test_no_whole_email_leaves(server: Running, capsys: pytest.CaptureFixture[str]) -> None:
    cells, shown = 0, set[str]()
    pages = registry.discover("pages", "PAGE")
    paths = {route.path for route in routes.PAGES_AND_API if "{" not in route.path} | set(WHOLE)
    paths = {path for path in paths if not path.startswith("/auth/")}
    for role in MASKED:
        sid = server.sign_in(f"a-{role}")
        with server.http(**{COOKIE: sid}) as client:
            for path in sorted(paths):
                answer = client.get(path, params={"from": "30d"})
                assert whole(answer.content) == [], (role, path)
                assert whole(str(answer.headers).encode()) == [], (role, path)
                allowed = roles.may(role, roles.needs(path, "GET") or "explore")
                if path in READS and allowed:
                    assert answer.status_code == 200, (role, path)
                    assert b"*@example.com" in answer.content, (role, path)
                if path in WHOLE:
                    assert answer.status_code == 403, (role, path)
                cells += 1
            event = client.get("/api/events", params={"from": "30d", "limit": 1}).json()
            assert event["events"][0]["event_id"].startswith("event-")
        with server.tab(sid=sid) as tab:
            for page in pages.values():
                for query in ("from=30d", "from=30d&event=event-2&actor=users%2F1"):
                    tab.raw = b""
                    tab.run(page=page.path, query=query)
                    assert whole(tab.raw) == [], (role, page.path)
                    if b"*@example.com" in tab.raw.replace(b"\xe2\x81\xa0", b""):
                        shown.add(page.path)
                    cells += 1
    assert {"explore", "", "people"} & shown
    with capsys.disabled():
        print(f"\n  masked e-mails: {cells} pages and routes, shown on {sorted(shown)}")


def test_owners_see_them(server: Running) -> None:
    with server.http(**{COOKIE: server.sign_in("a-owner")}) as client:
        for path in READS:
            answer = client.get(path, params={"from": "30d"})
            assert whole(answer.content), path


def test_no_search_tells_which_emails_exist(server: Running) -> None:
    tokens = Tokens(server.log.with_name("tokens.json"))
    _, secret = tokens.add("masked", "manager", ("read", "export"), 1, dt.datetime.now(dt.UTC))
    sid = server.sign_in("a-manager")
    for headers in (
        {"cookie": f"{COOKIE}={sid}"},
        {"authorization": f"Bearer {secret}"},
    ):
        with httpx2.Client(base_url=server.url, headers=headers) as client:
            for query in QUERIES:
                for path in ("/api/events", "/api/facets", "/export.csv"):
                    answer = client.get(f"{path}?from=30d&{query}")
                    assert answer.status_code == 403, (path, query)
                    assert "masked e-mails" in answer.text
            assert client.get(f"/api/actors/{quote(PEOPLE[0])}").status_code == 403
            assert client.get("/api/events?from=30d&actor=users%2F1").status_code == 200
    with server.tab(sid=sid) as tab:
        for query in QUERIES[:5]:
            text = tab.run(page="explore", query=f"from=30d&{query}")
            assert "cannot search for text or e-mails" in text
            assert "60 events" in text or "60" in text
        assert tab.component_data("trail_search_box") is None


def test_a_part_of_a_page_and_a_saved_view_do_not_search_either(server: Running) -> None:
    """A browser can ask for a fragment with any URL, without the check at the top of the page."""
    sid = server.sign_in("a-manager")
    with server.tab(sid=sid) as tab:
        tab.run(page="explore", query="from=30d")
        assert tab.fragments
        for fragment in tab.fragments:
            for query in ("q=zzzz", f"actor={quote('nobody@example.com')}"):
                text = tab.run(page="explore", query=f"from=30d&{query}", fragment=fragment)
                assert "No events match" not in text, (fragment, query)
