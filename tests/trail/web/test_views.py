"""The routes of saved views: `/api/views`, and the short links of `Share`."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from trail.core.clock import utc_now
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.views import saved_views, share_links
from trail.views.view import Viewer
from trail.web import auth, views
from trail.web.guard import Guard

HOST = "http://localhost:8501"


@pytest.fixture
def client(runtime: Runtime, store: Store) -> TestClient:
    process.start(replace(runtime, store=store))
    app = Starlette(routes=[*auth.ROUTES, *views.ROUTES], middleware=[Middleware(Guard)])
    return TestClient(app, base_url=HOST, follow_redirects=False)


def link_to(store: Store, query: str, made_at: dt.datetime | None = None) -> str:
    made = made_at or utc_now()
    return share_links.create(store, "explore", query, "maya", made, 90, fixed=False).path


def test_a_link_redirects_to_the_state_of_the_page(
    client: TestClient, store: Store, sign_in: Callable[[str], str]
) -> None:
    query = Filter.parse("from=7d&q=a%26b%3D%3Cimg%3E&target=%0d%0aX: y&tz=Asia/Tokyo").query()
    sign_in("jon")
    answer = client.get(link_to(store, query))
    assert (answer.status_code, answer.headers["cache-control"]) == (303, "no-store")
    # Relative, so that a proxy may serve the dashboard below a path.
    assert answer.headers["location"] == f"../explore?{query}"


def test_a_link_leads_through_the_sign_in_and_reveals_nothing_before(
    client: TestClient, store: Store, sign_in: Callable[[str], str]
) -> None:
    path = link_to(store, "from=7d&target=Secret+prod")
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "Secret" not in answer.text and "Sign in to open" in answer.text
    form = f"/?link={path.removeprefix('/s/')}"
    assert f'http-equiv="refresh" content="0; url=..{form}"' in answer.text
    unknown = client.get("/s/abcdefghijkm").text
    assert unknown.replace("abcdefghijkm", path.removeprefix("/s/")) == answer.text
    # The form hands over the address that it was opened at.
    runtime = process.current()
    code = runtime.sessions.issue_code("jon", "", runtime.users.credentials_digest("jon"))
    done = client.get("/auth/finish", params={"code": code, "next": form})
    assert (done.status_code, done.headers["location"]) == (303, path)
    for bad in ("/?link=../auth/x", "/?link=a/b", "/?link=//evil.example", "/?link=é", "/?link="):
        assert auth.safe_next(bad) == bad
    assert auth.safe_next("/explore?link=abc") == "/explore?link=abc"


def test_links_work_for_as_long_as_the_archive_has_events(
    client: TestClient, store: Store, sign_in: Callable[[str], str]
) -> None:
    sign_in("jon")
    old = link_to(store, "from=7d", utc_now() - dt.timedelta(days=91))
    runtime = process.current()
    for archive, archive_days, status in ((False, 0, 404), (True, 91, 404), (True, 92, 303)):
        limits = {"archive": archive, "archive_days": archive_days}
        kept = runtime.settings.store.model_copy(update=limits)
        settings = runtime.settings.model_copy(update={"store": kept})
        process.start(replace(runtime, settings=settings))
        assert client.get(old).status_code == status


def test_unknown_and_expired_links_say_what_to_do(
    client: TestClient, store: Store, sign_in: Callable[[str], str]
) -> None:
    sign_in("jon")
    old = link_to(store, "from=7d", utc_now() - dt.timedelta(days=91))
    for path in (old, "/s/abcdefghijkm", "/s/%3Cscript%3E", "/s/" + "a" * 5_000):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "This link does not exist or has expired" in answer.text
        assert 'href="../explore"' in answer.text and "<script" not in answer.text


def test_the_api_answers_the_views_of_the_caller(
    client: TestClient, store: Store, sign_in: Callable[[str], str]
) -> None:
    assert client.get("/api/views").status_code == 401
    user = process.current().users.get("maya")
    assert user
    maya = Viewer(user.account, "Maya Lind")
    saved_views.create(store, maya, "Ours", Filter.parse("kind=delete"), shared=True)
    saved_views.create(store, maya, "Mine", Filter())
    sign_in("jon")
    listed = client.get("/api/views").json()["views"]
    assert [view["name"] for view in listed if not view["built_in"]] == ["Ours"]
    assert listed[-1] == {
        "view_id": listed[-1]["view_id"],
        "name": "Ours",
        "query": "kind=delete",
        "columns": [],
        "built_in": False,
        "owner": "maya",
        "owner_name": "Maya Lind",
        "former_owner": False,
        "shared": True,
        "starred": False,
        "default": False,
    }
    sign_in("maya")
    names = [view["name"] for view in client.get("/api/views").json()["views"]]
    assert names[-2:] == ["Mine", "Ours"]
    # Said at once, before the job releases the views of removed users.
    sign_in("jon")
    process.current().users.add("otto", "Otto", "", "owner", "correct-horse-9")
    process.current().users.remove("maya")
    [ours] = [view for view in client.get("/api/views").json()["views"] if not view["built_in"]]
    assert (ours["former_owner"], ours["owner_name"]) == (True, "Maya Lind")
    # And nobody who is added under the name gets the private ones.
    process.current().users.add("maya", "Mia", "", "manager", "correct-horse-9")
    sign_in("maya")
    listed = client.get("/api/views").json()["views"]
    assert [view["name"] for view in listed if not view["built_in"]] == ["Ours"]
    assert listed[-1]["former_owner"]
