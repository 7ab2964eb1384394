"""Every page and route for every role and kind of access: nothing beyond the role is shown.

Each test prints how many combinations it checked on real servers.
"""

import base64
import csv
import datetime as dt
import hashlib
import hmac
import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import httpx2
import pytest

from tests import doc_examples
from tests.server.conftest import PASSWORD, Running
from tests.server.tab import Tab
from trail.accounts import roles
from trail.accounts.api_tokens import Tokens
from trail.accounts.sessions import hash_of
from trail.core import registry
from trail.evidence import certificate
from trail.web import routes
from trail.web.guard import COOKIE, NEW_EVENTS
from trail.web.schemas import PROBLEM
from ui import url_state
from ui.page import Page

pytestmark = pytest.mark.server

CANARY = "Canary-Vogel"
FORM = 'label: "Username"'
USERS = {
    "owner": "maya",
    "reviewer": "rita",
    "manager": "jon",
    "viewer": "vera",
    "auditor": "kim",
}
OWN_PAGES = registry.discover("pages", "PAGE")
PATHS = [
    route.path
    for route in routes.PAGES_AND_API
    # A short link answers pages, whoever asks: see tests/trail/web/test_views.py.
    if route.path != "/healthz"
    and not route.path.startswith(("/auth/", "/s/"))
    # What is only posted has tests of its own: see tests/trail/web/test_uploads.py.
    and "GET" in (route.methods or ())
]


def documented_page(code: str) -> Page:
    """Return the page of an example of docs/extending.md, which the server finds by itself."""
    defined: dict[str, Any] = {"__name__": "example"}
    exec(code, defined)
    page: Page = defined["PAGE"]
    return page


PAGES = OWN_PAGES | {name: documented_page(code) for name, code in doc_examples.PAGES.items()}
# Elements around every page: the stylesheet, the demo banner, the session watcher.
CHROME = {"html", "bidi_component", "empty"}


@dataclass(frozen=True)
class Matrix:
    """A server with one event, and a cookie and tokens for each role."""

    server: Running
    cookies: dict[str, str]
    tokens: dict[tuple[str, str], str]


def load_canary(server: Running) -> None:
    """Load one event that names the canary as its actor."""
    at = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5)
    record = {
        "id": "canary-1",
        "timestamp": at.isoformat(),
        "type": "Warehouse Deleted",
        "actor": "users/canary",
        "actorEmail": "canary@example.com",
        "actorName": CANARY,
        "resourceId": "w1",
        "resourceType": "warehouse",
        "resourceName": CANARY,
    }
    path = server.log.with_name("canary.ndjson")
    path.write_text(json.dumps(record) + "\n")
    server.command("load", str(path))


@pytest.fixture(scope="module")
def matrix(start_server: Callable[..., Running]) -> Matrix:
    # Every refusal is looked for in the log.
    server = start_server(
        TRAIL_LIMITS__LOG_REPEATS="10000",
        TRAIL_LIMITS__LOG_BYTES="100000000",
        TRAIL_FORWARD__SECRETS__HOOK="whsec_" + "QUFB" * 12,
    )
    load_canary(server)
    # Before any sign-in on a new server, every page shows only the form.
    for page in PAGES.values():
        with server.tab() as tab:
            assert only_the_form(tab.run(page=page.path)), page.path
    server.users.add("rita", "Rita Moen", "", "reviewer", PASSWORD)
    server.users.add("vera", "Vera Holm", "", "viewer", PASSWORD)
    end = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    server.users.add("kim", "Kim Vang", "", "auditor", PASSWORD, end)
    tokens = Tokens(server.log.with_name("tokens.json"))
    made = {
        (role, scope): tokens.add(f"{role}-{scope}", role, (scope,), 1, dt.datetime.now(dt.UTC))[1]
        for role in roles.ROLES
        for scope in roles.SCOPES
    }
    cookies = {role: server.sign_in(username) for role, username in USERS.items()}
    return Matrix(server, cookies, made)


def only_the_form(text: str) -> bool:
    return FORM in text and CANARY not in text and "is not open" not in text


def is_refused(tab: Tab, title: str, role: str) -> bool:
    """Return whether the page shows the message about the role and nothing else."""
    explained = f"The role {role} has no access to {title}" in tab.text
    content = [kind for kind in tab.kinds if kind not in CHROME]
    return explained and content == ["alert"] and CANARY not in tab.text


def is_drawn(tab: Tab, title: str) -> bool:
    return bool(tab.text) and FORM not in tab.text and "is not open" not in tab.text and bool(title)


def test_pages_by_role_and_access(matrix: Matrix, capsys: pytest.CaptureFixture[str]) -> None:
    """Each page of the project and of the documentation, as every role, and its navigation."""
    assert len(PAGES) > len(OWN_PAGES)
    cells = len(PAGES)  # those without a session, checked by the fixture
    for role, sid in matrix.cookies.items():
        with matrix.server.tab(sid=sid) as first:
            first.run(page="explore")
            assert CANARY in first.text  # so that its absence elsewhere means something
            menu, hashes = first.menu, first.hashes
            for page in PAGES.values():
                allowed = role in page.roles
                assert menu[page.path] is (allowed and page.is_listed), (role, page.path)
                first.run(page=page.path)
                accesses = {"open tab": is_as_allowed(first, page.title, role, allowed)}
                with matrix.server.tab(sid=sid) as second:
                    second.run(page=page.path)
                    accesses["second tab"] = is_as_allowed(second, page.title, role, allowed)
                with matrix.server.tab(sid=sid) as third:
                    third.run(page_hash=hashes[page.path])
                    accesses["page hash"] = is_as_allowed(third, page.title, role, allowed)
                assert all(accesses.values()), (role, page.path, accesses)
                cells += 1 + len(accesses)
    assert cells == len(PAGES) * (1 + 4 * len(USERS))
    with capsys.disabled():
        print(f"\n  pages: {cells} cells ({len(PAGES)} pages, {len(USERS)} roles and no session)")


def is_as_allowed(tab: Tab, title: str, role: str, allowed: bool) -> bool:
    return is_drawn(tab, title) if allowed else is_refused(tab, title, role)


def test_pages_after_signing_out(matrix: Matrix, capsys: pytest.CaptureFixture[str]) -> None:
    cells = 0
    for username in USERS.values():
        sid = matrix.server.sign_in(username)
        with matrix.server.tab(sid=sid) as tab:
            tab.run(page="explore")
            with matrix.server.http(**{COOKIE: sid}) as client:
                client.post("/auth/sign-out")
            assert tab.run(page="explore") == ""
        for page in PAGES.values():
            with matrix.server.tab(sid=sid) as again:
                assert only_the_form(again.run(page=page.path)), page.path
            cells += 1
    with capsys.disabled():
        print(f"\n  pages after sign-out: {cells} cells")


def test_extreme_query_parameters_of_pages(
    matrix: Matrix, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each gives a page or one sentence: no internal error, and no traceback in the log."""
    other = [name for name in url_state.PAGE_PARAMS if name not in ("at", "after", "before")]
    edges = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00")
    queries: list[dict[str, str] | list[tuple[str, str]]] = [
        {"from": edges[0], "to": "0001-03-01", "tz": "Pacific/Kiritimati"},
        {"from": "9999-11-01", "to": edges[1], "tz": "Etc/GMT+12"},
        {"from": edges[0], "to": edges[1]},
        *({"event": "canary-1", "at": at, "after": f"{at}~\0"} for at in edges),
        *({"before": f"{at}~a", "archive": "9999-12"} for at in edges),
        {"after": "9" * 5000, "user": "\0", "kind": "\0"},
        *({name: junk for name in other if name != "archive"} for junk in ("\0", "9" * 5000)),
        {"q": "\0", "actor": "\0", "sort": "\0", "tz": "\0"},
    ]
    # One function refuses these for all pages.
    refused: list[dict[str, str] | list[tuple[str, str]]] = [
        {"from": "0001-01-01T00:00:00.123456789+99:00"},
        [("q", str(number)) for number in range(240)],
    ]
    sent = 0
    with matrix.server.tab(sid=matrix.cookies["owner"]) as tab:
        for number, page in enumerate(OWN_PAGES.values()):
            # One function reads these, too: each page gets every second one, Explore all.
            asked = queries + refused if page.path == "explore" else queries[number % 2 :: 2]
            for query in [*map(urlencode, asked), "q=%ff&%ed%a0%80=%zz&rule=%ff"]:
                text = tab.run(page=page.path, query=query)
                assert text, (page.path, query[:200])
                assert "Internal error" not in text, (page.path, query[:200])
                sent += 1
    assert "Traceback" not in matrix.server.log.read_text()
    with capsys.disabled():
        print(f"\n  {sent} page requests")


CONFIGURATION = {
    "destinations": "- {name: Hook, kind: webhook, settings: {url: 'https://hooks.example.com/'},"
    " secrets: {key: hook}, active: false}",
    "rules": "- {name: Any, destinations: [Hook]}",
    "digests": "- {name: Weekly, destination: Hook}",
}


def test_forged_presses_on_alerts_change_nothing(matrix: Matrix, tmp_path: Path) -> None:
    """Each button and switch of the page, sent by other roles, and by an owner who was one."""
    server = matrix.server
    for name, entries in CONFIGURATION.items():
        (tmp_path / f"{name}.yaml").write_text(f"{name}:\n{entries}\n")
    server.command("apply", str(tmp_path))
    stored = exported(server, tmp_path / "before")
    server.users.add("otto", "Otto Berg", "", "owner", PASSWORD)
    sections = (
        "section=rules&edit=1",
        "section=digests",
        "section=destinations",
        "section=log",
        "section=maintenance",
    )
    with server.tab(sid=server.sign_in("otto")) as owner:
        for section in sections:
            owner.run(page="alerts", query=section)
        buttons, switches = owner.buttons, owner.switches
        assert len(buttons) > 20 and len(switches) >= 1
        server.users.set_role("otto", "manager")
        for section in sections:
            owner.forge("alerts", section, buttons, switches)
    for role, sid in matrix.cookies.items():
        if role != "owner":
            with server.tab(sid=sid) as tab:
                tab.run(page="explore")
                for page in ("alerts", "explore"):
                    for section in sections:
                        tab.forge(page, section, buttons, switches)
    assert exported(server, tmp_path / "after") == stored
    with server.http(**{COOKIE: matrix.cookies["owner"]}) as client:
        rows = list(csv.DictReader(io.StringIO(client.get("/export.access.csv").text)))
    acted = {"settings", "tested", "resent", "replayed"}
    # Only the command that stored what was there to press.
    assert [row["what"] for row in rows if row["kind"] in acted] == ["configuration files"]


def test_forged_presses_on_admin_change_no_user(matrix: Matrix) -> None:
    """Each button of the users, of one chosen user, of the tokens and of the settings."""
    server = matrix.server
    files = [server.log.with_name(name) for name in ("users.yaml", "tokens.json")]
    invited = server.log.with_name("invitations.json")
    server.users.add("ines", "Ines Berg", "", "owner", PASSWORD)
    sections = ("section=users", "section=roles", "section=settings")
    with server.tab(sid=server.sign_in("ines")) as owner:
        for section in sections:
            owner.run(page="admin", query=section)
            if section == "section=users":
                owner.run(page="admin", query=section, typed={"User": "rita"})
        labels = owner.text
        buttons, switches = owner.buttons, owner.switches
        assert {"Disable", "Reset user", "Remove user", "Save access"} <= owner.labels, labels
        assert {"Create invitation link", "Revoke", "Create token"} <= owner.labels
        server.users.set_role("ines", "manager")
        before = [path.read_bytes() for path in files]
        for section in sections:
            owner.forge("admin", section, buttons, switches)
    for role, sid in matrix.cookies.items():
        if role != "owner":
            with server.tab(sid=sid) as tab:
                for page in ("explore", "admin"):
                    for section in sections:
                        tab.forge(page, section, buttons, switches)
    assert [path.read_bytes() for path in files] == before
    assert not invited.exists()


def exported(server: Running, folder: Path) -> dict[str, str]:
    server.command("export-config", str(folder))
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_routes_by_role_and_credentials(matrix: Matrix, capsys: pytest.CaptureFixture[str]) -> None:
    cells, revealing = 0, set()
    with httpx2.Client(base_url=matrix.server.url) as client:

        def status(path: str, **headers: str) -> int:
            nonlocal cells
            cells += 1
            answer = client.get(path, headers=headers)
            if answer.status_code != 200:
                assert CANARY not in answer.text
                assert set(answer.json()) == set(PROBLEM["required"])
            elif CANARY in answer.text:
                revealing.add(path)
            return answer.status_code

        for path in PATHS:
            needed = roles.needs(path, "GET")
            assert needed
            # A certificate is of one sign-off, a time of a text, new events of a moment.
            of_another = path in ("/api/time", NEW_EVENTS) or path.startswith(certificate.ADDRESS)
            granted = 400 if of_another else 404 if "{" in path else 200
            # Local requests for metrics need no credentials unless a token is set.
            anonymous = 200 if path == "/metrics" else 401
            assert status(path) == anonymous, path
            assert status(path, cookie=f"{COOKIE}=guess") == anonymous, path
            assert status(path, authorization="Bearer trail_guess") in (401, 429), path
            for role, sid in matrix.cookies.items():
                allowed = roles.may(role, needed)
                assert status(path, cookie=f"{COOKIE}={sid}") == (granted if allowed else 403), path
                for scope in roles.SCOPES:
                    bearer = f"Bearer {matrix.tokens[role, scope]}"
                    right = allowed and scope == roles.scope_of(path)
                    result = status(path, authorization=bearer)
                    assert result == (granted if right else 403), (path, role, scope)
    assert "/api/events" in revealing
    assert "/export.csv" in revealing
    with capsys.disabled():
        print(f"\n  routes: {cells} cells ({len(PATHS)} routes)")


def test_revoked_token_stops_working_at_once(matrix: Matrix) -> None:
    tokens = Tokens(matrix.server.log.with_name("tokens.json"))
    _, secret = tokens.add("short", "owner", ("read",), 1, dt.datetime.now(dt.UTC))
    headers = {"authorization": f"Bearer {secret}"}
    assert httpx2.get(f"{matrix.server.url}/api/events", headers=headers).status_code == 200
    matrix.server.command("tokens", "revoke", "short")
    # 429 if the guesses of another test were counted for this address first.
    response = httpx2.get(f"{matrix.server.url}/api/events", headers=headers)
    assert response.status_code in (401, 429)


def forged() -> dict[str, str]:
    """Return forged cookies as for sessions that are signed tokens."""
    claims = {"username": "maya", "exp_date": 4_000_000_000.0}
    return {
        "alg none": jwt({"alg": "none"}, claims, None),
        "empty key": jwt({"alg": "HS256"}, claims, b""),
        "default key": jwt({"alg": "HS256"}, claims, b"some_key"),
        "guessed key": jwt({"alg": "HS256"}, claims, b"audit_session"),
        "changed user": jwt({"alg": "HS256"}, {**claims, "username": "jon"}, b"some_key"),
        "expiry as text": jwt({"alg": "HS256"}, {**claims, "exp_date": "never"}, b"some_key"),
        "expiry huge": jwt({"alg": "HS256"}, {**claims, "exp_date": 10**300}, b"some_key"),
        "10 kB": "x" * 10_000,
    }


def jwt(head: dict[str, object], claims: dict[str, object], key: bytes | None) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in (head, claims)]
    body = b".".join(part.rstrip(b"=") for part in parts)
    signature = b"" if key is None else hmac.new(key, body, "sha256").digest()
    return (body + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def stale(server: Running) -> dict[str, str]:
    """Return cookies of sessions that were valid, each ended in another way."""
    cookies = {}
    for number, end in enumerate(("removed", "role lowered", "signed out", "new password")):
        user = f"leaver{number}"
        server.users.add(user, "Some Body", "", "owner", PASSWORD)
        cookies[end] = sid = server.sign_in(user)
        assert status_of(server, sid) == 200
        if end == "removed":
            server.users.remove(user)
        elif end == "role lowered":
            server.users.set_role(user, "manager")
        elif end == "new password":
            server.users.set_password(user, "another-horse-7")
        else:
            with server.http(**{COOKIE: sid}) as client:
                client.post("/auth/sign-out")
    return cookies


def status_of(server: Running, sid: str) -> int:
    headers = {"cookie": f"{COOKIE}={sid}"}
    return httpx2.get(f"{server.url}/api/events", headers=headers).status_code


def test_forged_and_stale_cookies(matrix: Matrix, start_server: Callable[..., Running]) -> None:
    """Forged tokens, ended sessions, and a session of another server process."""
    short = start_server(TRAIL_AUTH__SESSION_HOURS="0.001")
    old = short.sign_in("maya")
    cases = {**forged(), **stale(matrix.server), "of an earlier process": old}
    for name, value in cases.items():
        assert status_of(matrix.server, value) == 401, name
        if len(value) < 8_000:  # a longer one makes the websocket handshake fail
            with matrix.server.tab(sid=value) as tab:
                assert only_the_form(tab.run(page="admin")), name
    deadline = time.monotonic() + 10
    while status_of(short, old) == 200 and time.monotonic() < deadline:
        time.sleep(0.5)
    assert status_of(short, old) == 401
    log = matrix.server.log.read_text()
    assert "Traceback" not in log + short.log.read_text()
    for name, value in cases.items():
        assert value not in log, name
        assert log.count(f"cookie {hash_of(value)[:8]} ") == 1, name
    assert len(cases) + 1 >= 13


def test_access_log_of_a_real_server(matrix: Matrix) -> None:
    server, sid = matrix.server, matrix.server.sign_in("jon")
    server.command("facets", "--json")
    bearer = {"authorization": f"Bearer trail_{'s' * 43}"}
    with server.http(**{COOKIE: sid}) as client, server.tab(sid=sid) as tab:
        sent = client.get("/export.csv", params={"from": "7d", "q": "Canary"})
        assert CANARY in sent.text
        client.get("/api/events", params={"from": "7d"})
        client.get("/api/findings")
        client.get("/api/events", headers=bearer)
        tab.run(page="admin")
        for _ in range(3):
            tab.run(page="explore", query="from=24h&category=Warehouses")
        client.post("/auth/sign-out")
    with server.http(**{COOKIE: matrix.cookies["reviewer"]}) as client:
        log = client.get("/export.access.csv").text
    rows = list(csv.DictReader(io.StringIO(log)))
    kinds = {row["kind"] for row in rows}
    assert kinds >= {
        *("signed_in", "signed_out", "page_refused", "route_refused", "token_refused"),
        *("viewed", "read", "exported", "command"),
    }
    export = next(row for row in rows if row["kind"] == "exported" and row["username"] == "jon")
    assert (export["what"], export["file_format"], export["role"]) == (
        *("/export.csv", "csv", "manager"),
    )
    assert "q=Canary" in export["detail"]
    assert export["digest"] == hashlib.sha256(sent.content).hexdigest()
    assert int(export["byte_count"]) == len(sent.content)
    assert int(export["row_count"]) == len(sent.text.splitlines()) - 1
    view = next(row for row in rows if row["detail"] == "from=24h&category=Warehouses")
    assert (view["kind"], view["what"], int(view["times"])) == ("viewed", "explore", 3)
    for hidden in (PASSWORD, sid, "s" * 43, *matrix.cookies.values(), *matrix.tokens.values()):
        assert hidden not in log


def test_stopping_keeps_the_access_log(start_server: Callable[..., Running]) -> None:
    server = start_server()
    sid = server.sign_in("maya")
    with server.http(**{COOKIE: sid}) as client:
        for number in range(30):
            client.get("/api/events", params={"q": f"word{number}"})
    server.stop()
    database = duckdb.connect(str(server.environment["TRAIL_STORE__PATH"]), read_only=True)
    reads = "select count(*) from access_log where kind = 'read'"
    assert database.execute(reads).fetchall() == [(30,)]
