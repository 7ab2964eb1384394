"""The page of an invitation: without a session, with the secret in no URL."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from trail.access_log import log, spool
from trail.accounts.invitations import Invitations
from trail.accounts.sessions import Sessions
from trail.accounts.users import Users
from trail.core.settings import Settings
from trail.ingest.receiver import into_store
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.runtime.scheduler import Schedule
from trail.storage.duckdb import Store
from trail.storage.filters import Window
from trail.web import invitation
from trail.web.guard import Guard
from trail.web.schemas import PROBLEM

PASSWORD = "correct-horse-9"


@pytest.fixture
def runtime(
    store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runtime]:
    monkeypatch.setattr(process, "_current", [])
    auth = settings.auth.model_copy(update={"users_path": tmp_path / "users.yaml"})
    using = settings.model_copy(update={"auth": auth})
    intake = into_store(using, lambda: store)
    schedule = Schedule(using, lambda: store, lambda: store)
    users = Users(auth.users_path)
    made = Runtime(using, store, users, Sessions(12, 30), intake, schedule, False)
    process.start(made)
    log.start(lambda: (store, True), spool.folder_of(using), 400)
    yield made
    log.stop()
    schedule.close()
    intake.close()


@pytest.fixture
def client() -> TestClient:
    app = Starlette(routes=invitation.ROUTES, middleware=[Middleware(Guard)])
    return TestClient(app, base_url="http://localhost")


def test_an_invitation_is_accepted_without_a_session(
    runtime: Runtime, store: Store, client: TestClient
) -> None:
    runtime.users.add("maya", "Maya Lind", "", "owner", "correct-horse-9")
    pending = Invitations(runtime.users)
    _, secret = pending.invite("kim", "Kim", "viewer", None, "maya")
    page = client.get(invitation.ADDRESS)
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert client.get(f"{invitation.ADDRESS}.js").headers["content-type"].startswith("text/java")
    about = client.post(invitation.ADDRESS, json={"secret": secret})
    assert about.json() == {
        "username": "kim",
        "name": "Kim",
        "about": "maya invites you to the audit trail as viewer.",
    }
    given = {"secret": secret, "name": "Kim Vang", "password": "kim"}
    weak = client.post(invitation.ADDRESS, json=given)
    assert (weak.status_code, weak.json()["error"]) == (400, "This password is too easy to guess.")
    assert client.post(invitation.ADDRESS, json=given | {"password": PASSWORD}).status_code == 200
    assert runtime.users.check("kim", PASSWORD)
    again = client.post(invitation.ADDRESS, json=given | {"password": PASSWORD})
    assert again.status_code == 400
    log.flush()
    kinds = {row["kind"]: row for row in log.entries(store, Window())}
    assert kinds.keys() == {"invitation_accepted", "invitation_refused"}
    assert not any(secret in str(row) or PASSWORD in str(row) for row in kinds.values())


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"secret": 1}', b'{"secret": null}', b'"x"', b"{}" + b" " * 9_000]
)
def test_invalid_requests_are_refused(runtime: Runtime, client: TestClient, body: bytes) -> None:
    answer = client.post(invitation.ADDRESS, content=body)
    assert answer.status_code == 400
    assert set(answer.json()) == set(PROBLEM["required"])


def test_another_site_and_a_server_without_passwords_are_refused(
    runtime: Runtime, client: TestClient
) -> None:
    other = client.post(
        invitation.ADDRESS, json={"secret": "x"}, headers={"origin": "https://example.com"}
    )
    assert other.status_code == 403
    provider = {"oidc_metadata_url": "https://id.example.com/"}
    auth = runtime.settings.auth.model_copy(update=provider)
    settings = runtime.settings.model_copy(update={"auth": auth})
    process.start(dataclasses.replace(runtime, settings=settings))
    assert client.post(invitation.ADDRESS, json={"secret": "x"}).status_code == 404
