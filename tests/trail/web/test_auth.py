"""Signing in and out over HTTP: codes, cookies and redirects."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from trail.accounts.sessions import hash_of
from trail.runtime.process import Runtime
from trail.web.auth import safe_next
from trail.web.guard import COOKIE, VISIT_COOKIE

PAGE = {"accept": "text/html"}


def code_for(client: TestClient, runtime: Runtime, username: str = "maya") -> str:
    """Return a code as the form issues it for this client's browser."""
    client.get("/", headers=PAGE)
    visit = client.cookies[VISIT_COOKIE]
    return runtime.sessions.issue_code(
        username, hash_of(visit), runtime.users.credentials_digest(username)
    )


def test_code_is_exchanged_for_a_cookie(client: TestClient, runtime: Runtime) -> None:
    code = code_for(client, runtime)
    target = "/explore?actor=bob&q=a%20b&q=%C3%A5"
    answer = client.get("/auth/finish", params={"code": code, "next": target})
    assert answer.status_code == 303
    assert answer.headers["location"] == target
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for part in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=129600"):
        assert part in cookie
    assert "Secure" not in cookie
    assert client.get("/").json()["user"] == "maya"
    client.cookies.delete(COOKIE)
    again = client.get("/auth/finish", params={"code": code, "next": target})
    assert again.status_code == 303
    assert "set-cookie" not in again.headers


def test_cookies_are_secure_behind_https(start: Callable[..., Runtime], client: TestClient) -> None:
    runtime = start(https=True)
    visit = client.get("/", headers=PAGE).headers["set-cookie"]
    assert "; Secure" in visit
    value = visit.split(";")[0].partition("=")[2]
    code = runtime.sessions.issue_code(
        "maya", hash_of(value), runtime.users.credentials_digest("maya")
    )
    answer = client.get(
        "/auth/finish", params={"code": code}, headers={"cookie": f"{VISIT_COOKIE}={value}"}
    )
    assert "; Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"]


def test_code_of_another_browser_is_refused(client: TestClient, runtime: Runtime) -> None:
    code = code_for(client, runtime)
    client.cookies.clear()
    for headers in ({}, {"cookie": f"{VISIT_COOKIE}=mine"}, {"x-audit-visit": "forged"}):
        answer = client.get("/auth/finish", params={"code": code}, headers=headers)
        assert answer.headers["location"] == "/"
        assert "set-cookie" not in answer.headers


def test_signing_in_again_ends_the_previous_session(
    client: TestClient, runtime: Runtime, sign_in: Callable[[str], str]
) -> None:
    before = sign_in("jon")
    code = code_for(client, runtime)
    client.get("/auth/finish", params={"code": code})
    assert runtime.sessions.username_of(before) is None


OUTSIDE = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    "javascript:alert(1)",
    "evil.example",
    "http:evil.example",
    "/auth/finish?code=x",
    "/" + "a" * 20_000,
    "//[bad",
    "",
]


@pytest.mark.parametrize("target", OUTSIDE)
def test_unsafe_redirect_targets_are_refused(client: TestClient, target: str) -> None:
    assert safe_next(target) == "/"
    location = client.get("/auth/finish", params={"next": target}).headers["location"]
    assert location == "/"


@pytest.mark.parametrize(
    "target",
    ["/", "/explore", "/explore?from=7d&actor=-users/abc", "/a?next=https://evil.example", "/å?å"],
)
def test_redirect_keeps_the_requested_page(client: TestClient, target: str) -> None:
    assert safe_next(target) == target
    location = client.get("/auth/finish", params={"next": target}).headers["location"]
    assert not urlsplit(location).netloc
    assert location.startswith("/")


def test_signing_out_ends_the_session_and_clears_the_cookie(
    client: TestClient, runtime: Runtime, sign_in: Callable[[str], str]
) -> None:
    sid, other = sign_in("maya"), sign_in("maya")
    client.cookies.set(COOKIE, sid)
    answer = client.post("/auth/sign-out")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert runtime.sessions.username_of(sid) is None
    assert runtime.sessions.username_of(other) == "maya"
    client.cookies.set(COOKIE, sid)  # a copy of the cookie
    assert client.get("/").json()["user"] is None


def test_sign_out_by_get_is_ignored(client: TestClient, sign_in: Callable[[str], str]) -> None:
    sign_in("maya")
    client.get("/auth/sign-out")
    assert client.get("/").json()["user"] == "maya"


def test_signing_out_without_a_session_redirects(client: TestClient) -> None:
    assert client.post("/auth/sign-out").status_code == 303


def test_polling_by_an_open_tab_does_not_extend_the_session(
    client: TestClient, runtime: Runtime, sign_in: Callable[[str], str]
) -> None:
    assert client.get("/auth/alive").status_code == 401
    sid = sign_in("maya")
    session = runtime.sessions.find(hash_of(sid))
    assert session is not None
    session.seen -= 60
    seen = session.seen
    assert client.get("/auth/alive").status_code == 204
    assert session.seen == seen
    for path in ("/_stcore/health", "/media/x.png", "/static/x.js"):  # fetched by an open page
        client.get(path)
        assert session.seen == seen
    assert client.post("/auth/alive", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.post("/auth/alive").status_code == 204
    assert session.seen > seen
    session.seen = seen
    client.get("/")
    assert session.seen > seen


def test_frames_and_polls_of_open_pages_do_not_extend_the_session(
    client: TestClient, runtime: Runtime, sign_in: Callable[[str], str]
) -> None:
    session = runtime.sessions.find(hash_of(sign_in("maya")))
    assert session is not None
    seen = session.seen = session.seen - 60
    with client.websocket_connect("ws://localhost:8501/_stcore/stream") as socket:
        socket.send_text("a fragment that renews itself")
        assert socket.receive_text()
    assert client.get("/api/new-events").status_code == 200
    assert session.seen == seen
    assert client.get("/api/events").status_code == 200
    assert session.seen > seen


def test_idle_reason_is_passed_to_the_sign_in_form(
    client: TestClient, runtime: Runtime, sign_in: Callable[[str], str]
) -> None:
    session = runtime.sessions.find(hash_of(sign_in("maya")))
    assert session is not None
    session.seen -= 30 * 60
    assert client.get("/auth/alive").status_code == 401
    assert client.get("/").json()["headers"]["x-audit-ended"] == "idle"
    client.cookies.set(COOKIE, "a guess")
    answer = client.get("/", headers={"x-audit-ended": "idle"}).json()
    assert "x-audit-ended" not in answer["headers"]
