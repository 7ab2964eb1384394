"""Access control of a real server: without signing in through the form, nothing is shown."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pyotp
import pytest
from websockets.exceptions import InvalidStatus

from tests.server.conftest import PASSWORD, Running
from tests.server.tab import Tab
from trail.accounts import second_factors
from trail.accounts.second_factors import SecondFactors
from trail.accounts.sessions import hash_of
from trail.core.settings import Settings
from trail.web.guard import COOKIE, VISIT_COOKIE
from ui import sign_in_code

pytestmark = pytest.mark.server

Start = Callable[[], Running]
FORM = 'label: "Username"'


def shows_only_the_form(text: str) -> bool:
    return FORM in text and "SECRET" not in text


def assert_refused(tab: Tab, page: str) -> None:
    text = tab.run(page=page)
    assert "OWNER SECRET" not in text
    assert "The role manager has no access to" in text


def test_page_urls_on_a_new_server_show_the_form(start_server: Start) -> None:
    """On the first visit after a start, Streamlit could run a page file without the gate."""
    server = start_server()
    with server.tab() as tab:
        assert shows_only_the_form(tab.run(page="owners-only"))
    with server.tab(sid=server.sign_in("jon")) as tab:
        assert_refused(tab, "owners-only")
    with server.tab() as tab:
        assert shows_only_the_form(tab.run(page="probe"))
        assert shows_only_the_form(tab.run(page="owners_only"))
        assert shows_only_the_form(tab.run(page=""))


# Those of the project: see the fixture of tests/server/test_roles_matrix.py.
@pytest.mark.parametrize("page", ["probe", "owners-only", "account", "no-such-page"])
def test_every_page_shows_the_form_without_a_session(server: Running, page: str) -> None:
    with server.tab() as tab:
        assert shows_only_the_form(tab.run(page=page))


def test_signing_in_shows_the_pages(server: Running) -> None:
    sid = server.sign_in("MAYA")
    with server.tab(sid=sid) as tab:
        assert "PAGE SECRET for maya" in tab.run(page="probe")
        assert "OWNER SECRET" in tab.run(page="owners-only")
        assert FORM not in tab.text


def test_wrong_password_and_unknown_user_get_the_same_message(server: Running) -> None:
    messages = []
    for username, password in (
        ("maya", "wrong-horse-10"),
        ("nobody", PASSWORD),
        ("maya", "x" * 99),
    ):
        with server.http() as client, server.tab(visit=client.cookies[VISIT_COOKIE]) as tab:
            tab.run()
            tab.run(typed={"Username": username, "Password": password}, press="Sign in")
            assert tab.component_data("trail_redirect") is None
            messages.append(re.findall(r'body: "(Sign-in failed[^"]*)"', tab.text))
    assert messages == [["Sign-in failed: check the username and the password."]] * 3


@pytest.mark.parametrize("sid", ["guess", "0" * 64, "x" * 4000])
def test_unknown_cookie_is_refused(server: Running, sid: str) -> None:
    with server.tab(sid=sid) as tab:
        assert shows_only_the_form(tab.run(page="probe"))


def test_stored_session_hash_is_refused_as_a_cookie(server: Running) -> None:
    sid = server.sign_in("maya")
    with server.tab(sid=hash_of(sid)) as tab:
        assert shows_only_the_form(tab.run(page="probe"))


def test_forged_headers_are_refused(server: Running) -> None:
    sid = server.sign_in("maya")
    forged = {"X-Audit-User": "maya", "x-audit-sid-hash": hash_of(sid)}
    with server.tab(headers=forged) as tab:
        assert shows_only_the_form(tab.run(page="probe"))


def test_stolen_streamlit_session_is_useless(server: Running) -> None:
    maya, jon = server.sign_in("maya"), server.sign_in("jon")
    with server.tab(sid=maya) as open_tab:
        assert "run 1" in open_tab.run(page="probe")
        stolen = open_tab.session
        with server.tab(session=stolen) as tab:  # while her tab is open
            assert shows_only_the_form(tab.run(page="probe"))
            assert tab.session != stolen
    with server.tab(session=stolen) as tab:  # and after it has closed
        assert shows_only_the_form(tab.run(page="probe"))
    with server.tab(session=stolen, sid=jon) as tab:
        text = tab.run(page="probe")
        assert "PAGE SECRET for jon" in text
        assert "run 1" in text
        assert "maya" not in text
    with server.tab(session=stolen, sid=maya) as tab:  # her own reconnect resumes the session
        assert "run 2" in tab.run(page="probe")


def test_page_of_another_role_is_refused(server: Running) -> None:
    with server.tab(sid=server.sign_in("jon")) as tab:
        assert_refused(tab, "owners-only")


def test_error_shows_only_an_id(server: Running) -> None:
    with server.tab(sid=server.sign_in("maya")) as tab:
        text = tab.run(page="probe", query="fail=1")
        shown = re.search(r"error id ([0-9a-f]{8})", text)
        assert shown
        for leaked in ("select * from secrets", "/etc", "RuntimeError", "Traceback", "pages/"):
            assert leaked not in text
        assert f"error {shown[1]} on page probe" in server.log.read_text()


def test_media_files_require_a_session(server: Running) -> None:
    sid = server.sign_in("maya")
    with server.tab(sid=sid) as tab:
        tab.run(page="probe")
        url = tab.media[0]
        with server.http() as client:
            assert client.get(url).status_code == 401
        with server.http(**{COOKIE: sid}) as client:
            response = client.get(url)
            assert response.text == "FILE SECRET"
            assert response.headers["cache-control"] == "no-store"
        other = server.sign_in("jon")
        with server.http(**{COOKIE: other}) as client:
            assert client.get(url).status_code == 404
            with server.tab(sid=other) as own:
                own.run(page="probe")
                assert client.get(own.media[0]).text == "FILE SECRET"


def test_uploads_and_internal_routes_do_not_exist(server: Running) -> None:
    sid = server.sign_in("maya")
    with server.tab(sid=sid) as tab:
        tab.run(page="probe")
        with server.http(**{COOKIE: sid}) as client:
            path = f"/_stcore/upload_file/{tab.session}/x"
            assert client.put(path, files={"file": b"x"}).status_code == 404
            for path in (
                "/_stcore/metrics",
                "/_stcore/agent/interact",
                "/_stcore/agent/openapi.json",
            ):
                assert client.get(path).status_code == 404


def test_sign_out_closes_open_tabs(server: Running) -> None:
    sid = server.sign_in("maya")
    with server.tab(sid=sid) as tab, server.tab(sid=sid) as second:
        assert "PAGE SECRET" in tab.run(page="probe")
        assert "PAGE SECRET" in second.run(page="probe")
        fragment = next(iter(tab.fragments))
        assert "FRAGMENT SECRET" in tab.run(page="probe", fragment=fragment, press="More")
        with server.http(**{COOKIE: sid}) as client:
            assert client.post("/auth/sign-out").status_code == 303
        assert tab.run(page="probe", fragment=fragment, press="More") == ""
        assert second.run(page="probe") == ""
        assert tab.closed
        assert second.closed
    with server.tab(sid=sid) as copied:
        assert shows_only_the_form(copied.run(page="probe"))
    with server.http(**{COOKIE: sid}) as client:
        assert client.get("/media/x").status_code == 401


@pytest.mark.parametrize("change", ["removed", "role", "disabled", "password"])
def test_change_of_a_user_closes_open_tabs(server: Running, change: str) -> None:
    user = f"leaver-{change}"
    server.users.add(user, "Some Body", "", "owner", PASSWORD)
    sid = server.sign_in(user)
    with server.tab(sid=sid) as tab:
        assert "OWNER SECRET" in tab.run(page="owners-only")
        if change == "removed":
            server.users.remove(user)
        elif change == "role":
            server.users.set_role(user, "manager")
        elif change == "disabled":
            server.users.set_disabled(user, disabled=True)
        else:
            server.users.set_password(user, "another-horse-7")
        assert tab.run(page="owners-only") == ""
        assert tab.closed
    with server.tab(sid=sid) as again:
        assert shows_only_the_form(again.run(page="owners-only"))
    if change == "role":
        with server.tab(sid=server.sign_in(user)) as lower:
            assert "OWNER SECRET" not in lower.run(page="owners-only")


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_other_origins_cannot_open_the_websocket(server: Running, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus):
        server.tab(sid="x", headers=headers)


def test_server_log_contains_no_secret(server: Running) -> None:
    sid = server.sign_in("maya")
    log = server.log.read_text()
    assert PASSWORD not in log
    assert sid not in log
    assert hash_of(sid) not in log


def test_the_query_of_a_run_ends_with_a_newer_run_and_with_its_tab(server: Running) -> None:
    """A user has one run at a time, so a query that goes on would keep the next from running."""
    sid = server.sign_in("jon")
    with server.tab(sid=sid) as tab:
        for _ in range(2):
            tab.start(page="probe", query="endless=1")
            time.sleep(0.5)
        tab.start(page="probe")
        while "COMPLETE" not in tab.finish():
            assert not tab.closed
        tab.start(page="probe", query="endless=1")
        time.sleep(0.5)
    with server.tab(sid=sid) as tab:
        assert "COMPLETE" in tab.run(page="probe")


def test_what_takes_long_is_announced_and_can_be_cancelled_and_asked_for_again(
    server: Running,
) -> None:
    with server.tab(sid=server.sign_in("jon")) as tab:
        tab.start(page="probe", query="slow=1")
        for again in (False, True):
            tab.until("Cancel")
            assert "Reading archived days" in tab.text
            assert "COMPLETE" not in tab.text
            tab.start(page="probe", query="slow=1", press="Cancel")
            while "COMPLETE" not in tab.finish():
                assert not tab.closed
            assert "Reading was cancelled" in tab.text
            assert "FIRST STEP" in tab.text
            # It stays so until it is asked for again.
            assert "Reading was cancelled" in tab.run(page="probe", query="slow=1")
            if not again:
                # A run that a press has started can be cancelled, too.
                tab.start(page="probe", query="slow=1", press="Try again")


def test_a_second_factor_is_asked_for_whether_or_not_the_password_is_right(server: Running) -> None:
    settings = Settings(store={"path": Path(server.environment["TRAIL_STORE__PATH"])})
    factors = SecondFactors(server.users, settings)
    server.users.add("otto", "Otto Lie", "", "manager", PASSWORD)
    otto = server.users.get("otto")
    assert otto
    secret = second_factors.new_secret()
    [recovery, *_] = factors.enroll(otto, secret, pyotp.TOTP(secret).now())
    seen = []
    try:
        for username, password, code in (
            ("otto", PASSWORD, "000000"),
            ("otto", "wrong-horse-10", recovery),
            ("maya", "wrong-horse-10", recovery),
            ("nobody", PASSWORD, recovery),
            ("otto", PASSWORD, recovery),
        ):
            with server.http() as client, server.tab(visit=client.cookies[VISIT_COOKIE]) as tab:
                tab.run()
                tab.run(typed={"Username": username, "Password": password}, press="Sign in")
                tab.finish()  # the run that shows the second step
                first = re.findall(r'label: "[^"]*"|body: "[^"]*"', tab.text)
                assert 'label: "Code"' in first
                tab.run(typed={"Code": code}, press="Sign in")
                redirect = tab.component_data("trail_redirect")
                refused = re.findall(r'body: "(Sign-in failed[^"]*)"', tab.text)
                seen.append((first, refused, redirect is not None))
    finally:
        server.users.remove("otto")
        factors.remove(otto.account)
    assert [one[0] for one in seen] == [seen[0][0]] * 5
    assert [one[1:] for one in seen[:4]] == [([sign_in_code.WRONG], False)] * 4
    assert seen[4][1:] == ([], True)
    assert server.sign_in("maya")  # who has none is asked for none
