"""The Account page: the own password and sessions, never those of another user."""

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.test_logged_actions import entries, press, runtime
from trail.accounts.login_throttle import PAIR
from trail.accounts.sessions import ENDED, hash_of, session_user
from trail.accounts.users import User
from trail.core.errors import InputError
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.storage.database import Store
from ui import page as ui_page
from ui import script_run
from ui.account import sessions_card

__all__ = ["runtime"]
PASSWORD, NEW = "correct-horse-9", "velvet-marble-41"


def signed_in(runtime: Runtime, username: str, browser: str = "") -> str:
    """Return the hash of a new session."""
    digest = runtime.users.credentials_digest(username)
    code = runtime.sessions.issue_code(username, "b", digest)
    sid = runtime.sessions.finish(code, "b", browser, "192.0.2.7")
    assert sid
    return hash_of(sid)


@pytest.fixture
def here(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the hash of the session of the page, whose user is maya."""
    runtime.users.add("maya", "Maya Lind", "", "owner", PASSWORD)
    runtime.users.add("jon", "Jon Berg", "", "manager", PASSWORD)
    sid_hash = signed_in(runtime, "maya", "Firefox on Linux")
    identity = {"sid": sid_hash, "username": "maya"}
    monkeypatch.setattr(script_run, "identity", lambda: identity)
    yield sid_hash


def _page() -> None:
    """Draw the page; runs as a script of its own, so it has its own imports."""
    from pages import account
    from trail.runtime import process
    from ui.page import Context, current_user

    user = current_user()
    assert user
    account.render(Context(user, process.current()))


def account() -> AppTest:
    app = AppTest.from_function(_page, default_timeout=30).run()
    assert not app.exception
    return app


def change(old: str, new: str, repeated: str = "") -> tuple[list[str], list[str]]:
    """Change the password on the page; return what it says, and the errors."""
    app = account()
    for label, value in (
        ("Current password", old),
        ("New password", new),
        ("Repeat the new password", repeated or new),
    ):
        [field] = [item for item in app.text_input if item.label == label]
        field.set_value(value)
    app = press(app, "Change password")
    assert {item.value for item in app.text_input} <= {""}
    return [item.value for item in app.success], [item.value for item in app.error]


def test_a_new_password_ends_the_other_sessions(runtime: Runtime, store: Store, here: str) -> None:
    other = signed_in(runtime, "maya")
    assert change("wrong-horse-1", NEW)[1] == ["The current password is wrong\\. Try again\\."]
    assert change(PASSWORD, NEW, "another")[1] == ["The two new passwords differ\\. Try again\\."]
    assert "current one" in change(PASSWORD, PASSWORD)[1][0]
    assert "too easy" in change(PASSWORD, "short")[1][0]
    assert runtime.users.check("maya", PASSWORD)
    assert change(PASSWORD, NEW) == (["Password changed"], [])
    assert runtime.users.check("maya", NEW)
    assert session_user(runtime.sessions, runtime.users, here)
    assert session_user(runtime.sessions, runtime.users, other) is None
    assert entries(store, "password_set") == [("maya", "")]


def test_guesses_of_the_current_password_are_limited(runtime: Runtime, here: str) -> None:
    for _ in range(PAIR):
        assert runtime.throttle.admit("maya", "") == 0
    assert "Too many attempts" in change(PASSWORD, NEW)[1][0]
    assert runtime.users.check("maya", PASSWORD)


def test_sessions_are_listed_and_end(runtime: Runtime, store: Store, here: str) -> None:
    other = signed_in(runtime, "maya", "Safari on iPhone")
    of_jon = signed_in(runtime, "jon", "Chrome on Windows")
    app = account()
    shown = [item.value for item in app.text]
    assert "Firefox on Linux" in shown
    assert "Safari on iPhone" in shown
    assert "Chrome on Windows" not in shown
    assert any("192\\.0\\.2\\.7 · last used" in item.value for item in app.caption)
    press(app, "End session")
    assert runtime.sessions.end_reason(other) == ENDED
    assert runtime.sessions.find(here)
    with pytest.raises(InputError, match="has ended already"):
        sessions_card._end(of_jon)
    third = signed_in(runtime, "maya")
    press(account(), "Sign out everywhere")
    assert not any(runtime.sessions.find(key) for key in (here, third))
    assert runtime.sessions.find(of_jon)
    assert sorted(what for what, _ in entries(store, "session_ended")) == [
        "signed out everywhere",
        "signed out from another browser",
    ]


def test_users_of_a_provider_have_no_password_here(
    runtime: Runtime, here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = User("oidc:rita", "Rita", "", "reviewer")
    monkeypatch.setattr(ui_page, "current_user", lambda: user)
    assert process.current() is runtime
    assert not account().text_input
