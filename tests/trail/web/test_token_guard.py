"""API tokens at the guard: same roles as cookies, fewer routes, throttled when invalid."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyotp
import pytest
from starlette.testclient import TestClient

from trail.accounts import second_factors
from trail.accounts.api_tokens import Tokens
from trail.accounts.login_throttle import Throttle
from trail.accounts.second_factors import SecondFactors
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.web import callers

READ = ("read",)


@pytest.fixture
def tokens(runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tokens:
    made = Tokens(tmp_path / "tokens.json")
    process.start(replace(runtime, tokens=made))
    monkeypatch.setattr(callers, "INVALID_TOKENS", Throttle())
    return made


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def test_token_access_follows_role_and_scope(client: TestClient, tokens: Tokens) -> None:
    _, read = tokens.add("reads", "manager", READ, 90, dt.datetime.now(dt.UTC))
    _, load = tokens.add("loads", "reviewer", ("export",), 90, dt.datetime.now(dt.UTC))
    message = {
        path: [client.get(path, headers=bearer(item)).status_code for item in (read, load)]
        for path in (
            *("/api/events", "/metrics", "/api/findings", "/export.csv"),
            *("/export.access.csv", "/media/x"),
            *("/api/events?findings=to_review", "/export.csv?kind=read&findings"),
        )
    }
    assert message == {
        "/api/events": [200, 403],
        "/metrics": [200, 403],
        "/api/findings": [403, 403],
        "/export.csv": [403, 200],
        "/export.access.csv": [403, 200],
        "/media/x": [401, 401],
        "/api/events?findings=to_review": [403, 403],
        "/export.csv?kind=read&findings": [403, 200],
    }
    assert client.get("/api/events", headers=bearer(read)).json()["user"] == "token:reads"
    assert client.get("/", headers=bearer(read)).json()["user"] is None
    ours = client.get("/api/events", headers=bearer(read)).json()["headers"]
    assert "x-audit-user" not in ours


def test_invalid_token_with_a_valid_cookie_is_refused(
    client: TestClient,
    tokens: Tokens,
    sign_in: Callable[[str], str],
) -> None:
    sign_in("maya")
    assert client.get("/api/events", headers=bearer("trail_wrong")).status_code == 401
    assert client.get("/api/events").status_code == 200


def test_invalid_tokens_are_throttled_and_valid_ones_are_not(
    client: TestClient,
    tokens: Tokens,
) -> None:
    _, right = tokens.add("ci", "owner", READ, 90, dt.datetime.now(dt.UTC))
    codes = [
        client.get("/api/events", headers=bearer(f"trail_{number}")).status_code
        for number in range(14)
    ]
    assert codes[:10] == [401] * 10
    assert codes[-1] == 429
    assert client.get("/api/events", headers=bearer(right)).status_code == 200


def test_token_requests_skip_the_origin_check_and_writes_need_the_owner(
    client: TestClient,
    tokens: Tokens,
) -> None:
    at = dt.datetime.now(dt.UTC)
    secrets = [tokens.add(role, role, READ, 90, at)[1] for role in ("owner", "manager")]
    elsewhere = {"origin": "https://elsewhere.example", "sec-fetch-site": "cross-site"}
    codes = [
        client.post("/api/anything", headers=bearer(secret) | elsewhere).status_code
        for secret in secrets
    ]
    assert codes == [200, 403]


def test_who_must_set_up_a_second_factor_reads_nothing_before(
    client: TestClient, runtime: Runtime, tokens: Tokens
) -> None:
    users, sessions = runtime.users, runtime.sessions
    users.add("otto", "Otto Lie", "", "owner", "correct-horse-9")
    sid = sessions.finish(sessions.issue_code("otto", "b", users.credentials_digest("otto")), "b")
    assert sid
    cookie = {"cookie": f"{callers.SESSION_COOKIE}={sid}"}
    auth = runtime.settings.auth.model_copy(update={"require_second_factor": ("owner",)})
    settings = runtime.settings.model_copy(update={"auth": auth})
    process.start(replace(runtime, settings=settings, tokens=tokens))
    for path in ("/api/events", "/export.csv", "/metrics"):
        refused = client.get(path, headers=cookie)
        assert (refused.status_code, refused.json()["error"]) == (
            403,
            "Set up a second factor first.",
        )
    _, secret = tokens.add("ci", "owner", READ, 90, dt.datetime.now(dt.UTC))
    assert client.get("/api/events", headers=bearer(secret)).status_code == 200
    factors = SecondFactors(users, settings)
    key = second_factors.new_secret()
    otto = users.get("otto")
    assert otto
    factors.enroll(otto, key, pyotp.TOTP(key).now())
    assert client.get("/api/events", headers=cookie).status_code == 200


def test_a_token_ends_with_the_access_and_the_role_of_whose_it_is(
    client: TestClient, runtime: Runtime, tokens: Tokens
) -> None:
    runtime.users.add("rita", "Rita Moen", "", "reviewer", "correct-horse-9")
    rita = runtime.users.get("rita")
    assert rita
    now = dt.datetime.now(dt.UTC)
    _, secret = tokens.add("rita-ci", "reviewer", READ, 90, now, rita.account)

    def status() -> int:
        return client.get("/api/events", headers=bearer(secret)).status_code

    assert status() == 200
    runtime.users.set_role("rita", "manager")
    assert status() == 401
    runtime.users.set_role("rita", "owner")
    assert status() == 200
    runtime.users.set_disabled("rita", disabled=True)
    assert status() == 401
    runtime.users.remove("rita")
    runtime.users.add("rita", "Another Rita", "", "owner", "correct-horse-9")
    assert status() == 401


def test_a_token_shows_no_more_than_its_user_may_see(client: TestClient, tokens: Tokens) -> None:
    """Nobody gets around masked e-mails, or a second factor that is missing, with a token."""
    runtime, now = process.current(), dt.datetime.now(dt.UTC)
    jon = runtime.users.get("jon")
    assert jon
    _, own = tokens.add("jons", "viewer", READ, 90, now, owner=jon.account)
    _, workspace = tokens.add("ours", "viewer", READ, 90, now)

    def answers(**auth: object) -> list[int]:
        using = runtime.settings.auth.model_copy(update=auth)
        settings = runtime.settings.model_copy(update={"auth": using})
        process.start(replace(runtime, settings=settings, tokens=tokens))
        path = "/api/events?q=maya"
        return [client.get(path, headers=bearer(item)).status_code for item in (own, workspace)]

    assert answers() == [200, 200]
    assert answers(mask_emails=("manager",)) == [403, 200]
    assert answers(mask_emails=("viewer",)) == [403, 403]
    assert answers(require_second_factor=("manager",)) == [403, 200]
    assert answers(require_second_factor=("viewer",)) == [200, 200]
