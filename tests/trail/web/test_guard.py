"""The guard: identity comes only from the session; disabled routes stay disabled."""

from collections.abc import Callable

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from trail.accounts.sessions import hash_of
from trail.core import server_link
from trail.runtime.process import Runtime
from trail.web.guard import COOKIE, SECURITY_HEADERS, Guard
from trail.web.schemas import PROBLEM

STREAM = "ws://localhost:8501/_stcore/stream"
SignIn = Callable[[str], str]
FORGED = {"X-Audit-User": "maya", "x-audit-sid-hash": "0" * 64, "X-AUDIT-anything": "1"}


def test_request_without_a_cookie_is_anonymous(client: TestClient) -> None:
    answer = client.get("/", headers=FORGED).json()
    assert answer["user"] is None
    assert set(answer["headers"]) == {"x-audit-address"}


def test_cookie_identifies_the_user_and_is_not_forwarded(
    client: TestClient, sign_in: SignIn
) -> None:
    sid = sign_in("maya")
    answer = client.get("/", headers={"X-Audit-User": "jon"})
    assert answer.json()["user"] == "maya"
    assert answer.json()["headers"]["x-audit-user"] == "maya"
    assert answer.json()["headers"]["x-audit-sid-hash"] == hash_of(sid)
    assert sid not in answer.text


@pytest.mark.parametrize("value", ["", "guess", "x" * 10_000, "%00", '"quoted"'])
def test_unknown_cookie_is_anonymous(client: TestClient, value: str) -> None:
    answer = client.get("/", headers={"cookie": f"{COOKIE}={value}"})
    assert answer.json()["user"] is None


def test_planted_cookie_does_not_override_the_real_one(client: TestClient, sign_in: SignIn) -> None:
    sid = sign_in("maya")
    client.cookies.clear()
    header = {"cookie": f"{COOKIE}=planted; other=1; {COOKIE}={sid}"}
    assert client.get("/", headers=header).json()["user"] == "maya"


def test_session_hash_is_refused_as_a_cookie(client: TestClient, sign_in: SignIn) -> None:
    sid = sign_in("maya")
    client.cookies.set(COOKIE, hash_of(sid))
    assert client.get("/").json()["user"] is None


@pytest.mark.parametrize(
    "path",
    [
        "/_stcore/upload_file/session/x",
        "/_stcore/upload_file",
        "/_stcore/metrics",
        "/_stcore/agent/interact",
        "/_stcore/agent-anything",
        "/_stcore/script-health-check",
        "//_stcore//metrics",
        "/_stcore/METRICS",
        "/_stcore/%75pload_file/a/b",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_streamlit_internal_routes_are_disabled(
    client: TestClient, sign_in: SignIn, path: str, method: str
) -> None:
    sign_in("maya")
    answer = client.request(method, f"http://localhost:8501{path}")
    assert answer.status_code == 404
    assert set(answer.json()) == set(PROBLEM["required"])


@pytest.mark.parametrize("path", ["/export.csv", "/export.parquet?q=1", "/api/events", "/api"])
def test_data_routes_need_a_session(client: TestClient, sign_in: SignIn, path: str) -> None:
    refused = client.get(path)
    assert refused.status_code == 401
    assert set(refused.json()) == set(PROBLEM["required"])
    sign_in("jon")
    passed = client.get(path)
    assert passed.status_code == 200
    assert passed.headers["cache-control"] == refused.headers["cache-control"] == "no-store"


def test_pages_and_health_need_no_session(client: TestClient) -> None:
    for path in ("/", "/explore", "/apiary", "/exports", "/_stcore/health", "/static/js/a.js"):
        assert client.get(path).status_code == 200


def test_every_response_has_the_security_headers(client: TestClient) -> None:
    for path in ("/", "/media/x", "/_stcore/metrics", "/static/js/a.js"):
        headers = client.get(path).headers
        assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
        assert "strict-transport-security" not in headers
    assert "unsafe-eval" not in SECURITY_HEADERS["content-security-policy"]
    assert "script-src 'self' blob:;" in SECURITY_HEADERS["content-security-policy"]


def test_only_the_given_inline_scripts_are_allowed(start: Callable[..., Runtime]) -> None:
    start()
    guarded = Guard(PlainTextResponse("a page"), inline_scripts=("'sha256-a='", "'sha256-b='"))
    policy = (
        TestClient(guarded, base_url="http://localhost").get("/").headers["content-security-policy"]
    )
    assert "script-src 'self' blob: 'sha256-a=' 'sha256-b='; style-src" in policy


def test_visit_cookie_is_set_once_for_documents(client: TestClient) -> None:
    page = {"accept": "text/html,application/xhtml+xml"}
    first = client.get("/", headers=page).headers["set-cookie"]
    assert first.startswith("audit_visit=")
    assert "HttpOnly; SameSite=Lax" in first
    assert "set-cookie" not in client.get("/", headers=page).headers
    client.cookies.clear()
    assert "set-cookie" not in client.get("/", headers={"accept": "*/*"}).headers


class TestHost:
    @pytest.mark.parametrize(
        "host",
        ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "a@localhost:x", "[::2]"],
    )
    def test_foreign_host_names_are_refused(self, client: TestClient, host: str) -> None:
        assert client.get("/", headers={"host": host}).status_code == 400

    @pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1:8501", "[::1]:1"])
    def test_loopback_host_names_are_served(self, client: TestClient, host: str) -> None:
        assert client.get("/", headers={"host": host}).status_code == 200

    def test_health_probes_may_use_an_ip_address(self, client: TestClient) -> None:
        for path in ("/healthz", "/_stcore/health", server_link.PATH):
            assert client.get(path, headers={"host": "10.0.0.7:8501"}).status_code == 200

    def test_configured_host_names_are_served(
        self, start: Callable[..., Runtime], client: TestClient
    ) -> None:
        start(allowed_hosts=("trail.example.com", "*.corp.example"))
        status = {
            host: client.get("/", headers={"host": host}).status_code
            for host in ("trail.example.com", "a.corp.example:443", "corp.example", "localhost")
        }
        assert list(status.values()) == [200, 200, 400, 400]


class TestOrigin:
    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"origin": "http://localhost:3000"},
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"sec-fetch-site": "cross-site", "origin": "http://localhost:8501"},
        ],
    )
    @pytest.mark.parametrize("path", ["/auth/sign-out", "/api/reviews", "/anything"])
    def test_cross_site_post_is_refused(
        self, client: TestClient, sign_in: SignIn, path: str, headers: dict[str, str]
    ) -> None:
        sign_in("maya")
        assert client.post(path, headers=headers).status_code == 403
        assert client.get("/").json()["user"] == "maya"

    def test_same_origin_post_is_allowed(self, client: TestClient, sign_in: SignIn) -> None:
        sign_in("maya")
        own = {"origin": "http://localhost:8501", "sec-fetch-site": "same-origin"}
        assert client.post("/api/reviews", headers=own).status_code == 200
        assert client.post("/api/reviews").status_code == 200

    def test_receivers_are_exempt_from_the_origin_check(self, client: TestClient) -> None:
        for path in ("/v1/track", "/v1/batch", "/webhooks/segment"):
            answer = client.post(path, headers={"origin": "https://elsewhere.example"})
            assert answer.status_code == 200

    def test_proxy_that_rewrites_the_host_header(
        self, start: Callable[..., Runtime], client: TestClient
    ) -> None:
        start(allowed_hosts=("trail.example.com", "inner"))
        own = {"origin": "https://trail.example.com", "host": "inner:8501"}
        assert client.post("/anything", headers=own).status_code == 200
        assert client.post("/anything", headers={**own, "origin": "https://x"}).status_code == 403


class TestSocket:
    def test_frames_pass_during_the_session(self, client: TestClient, sign_in: SignIn) -> None:
        sign_in("maya")
        with client.websocket_connect(STREAM, headers=FORGED) as socket:
            socket.send_text("one")
            assert socket.receive_text() == "maya: one"

    def test_anonymous_frames_pass_without_a_name(self, client: TestClient) -> None:
        with client.websocket_connect(STREAM, headers=FORGED) as socket:
            socket.send_text("one")
            assert socket.receive_text() == "None: one"

    @pytest.mark.parametrize("change", ["sign-out", "removed", "role", "password"])
    def test_next_frame_after_the_session_ends_closes_the_socket(
        self, client: TestClient, sign_in: SignIn, runtime: Runtime, change: str
    ) -> None:
        sid = sign_in("jon")
        with client.websocket_connect(STREAM) as socket:
            socket.send_text("one")
            assert socket.receive_text() == "jon: one"
            if change == "sign-out":
                runtime.sessions.end(sid)
            elif change == "removed":
                runtime.users.remove("jon")
            elif change == "role":
                runtime.users.set_role("jon", "reviewer")
            else:
                runtime.users.set_password("jon", "another-horse-7")
            socket.send_text("two")
            with pytest.raises(WebSocketDisconnect) as closed:
                socket.receive_text()
            assert closed.value.code == 1008

    @pytest.mark.parametrize(
        "headers", [{"origin": "https://evil.example"}, {"host": "evil.example"}]
    )
    def test_cross_site_connection_is_refused(
        self, client: TestClient, sign_in: SignIn, headers: dict[str, str]
    ) -> None:
        sign_in("maya")
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(STREAM, headers=headers):
            pass
