"""The Account page: the own password and sessions, never those of another user."""

import dataclasses
import datetime as dt
from pathlib import Path

import pyotp
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.ui.test_logged_actions import entries, page, press, runtime
from trail.accounts.api_tokens import Tokens
from trail.accounts.login_throttle import PAIR
from trail.accounts.second_factors import RECOVERY_CODES
from trail.accounts.sessions import CHANGED, ENDED, hash_of, session_user
from trail.accounts.users import User
from trail.core.errors import InputError
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.storage.duckdb import Store
from ui import page as ui_page
from ui import script_run, tokens_list
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
def here(runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the hash of the session of the page, whose user is maya."""
    runtime.users.add("maya", "Maya Lind", "", "owner", PASSWORD)
    runtime.users.add("jon", "Jon Berg", "", "manager", PASSWORD)
    process.start(dataclasses.replace(runtime, tokens=Tokens(tmp_path / "tokens.json")))
    sid_hash = signed_in(runtime, "maya", "Firefox on Linux")
    identity = {"sid": sid_hash, "username": "maya"}
    monkeypatch.setattr(script_run, "identity", lambda: identity)
    monkeypatch.setattr(ui_page, "current_user", lambda: runtime.users.get("maya"))
    return sid_hash


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
    assert {item.value for item in app.text_input if "password" in item.label} == {""}
    return [item.value for item in app.success], [item.value for item in app.error]


def test_a_new_password_ends_the_other_sessions(runtime: Runtime, store: Store, here: str) -> None:
    other = signed_in(runtime, "maya")
    assert change("wrong-horse-1", NEW)[1] == ["The current password is wrong\\. Try again\\."]
    assert change(PASSWORD, NEW, "another")[1] == ["The new passwords do not match\\. Try again\\."]
    assert "current one" in change(PASSWORD, PASSWORD)[1][0]
    assert "too easy" in change(PASSWORD, "short")[1][0]
    assert runtime.users.check("maya", PASSWORD)
    assert change(PASSWORD, NEW) == (["Password changed"], [])
    assert runtime.users.check("maya", NEW)
    assert "End session" not in [button.label for button in account().button]
    assert runtime.sessions.end_reason(other) == CHANGED
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
    with pytest.raises(InputError, match="has already ended"):
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
    assert not [item for item in account().text_input if "password" in item.label]


@pytest.fixture
def tokens(here: str) -> Tokens:
    made = process.current().tokens
    assert made
    return made


def test_own_tokens_are_made_shown_once_and_revoked(tokens: Tokens, store: Store) -> None:
    app = account()
    app.text_input(key="own-tokens-name").set_value("ci")
    app.selectbox(key="own-tokens-role").set_value("viewer")
    for given in ("", "wrong-horse-1"):
        app.text_input(key="own-tokens-confirmation").set_value(given)
        app = press(app, "Create token")
        assert "password is wrong" in app.error[0].value
        assert app.text_input(key="own-tokens-confirmation").value == ""
    assert tokens.all() == []
    assert entries(store, "confirmation_refused") == [("wrong password", "")]
    app.text_input(key="own-tokens-confirmation").set_value(PASSWORD)
    app = press(app, "Create token")
    secret = app.code[0].value
    assert app.session_state["own-tokens-confirmation"] == ""
    token = tokens.authenticate(secret, dt.datetime.now(dt.UTC))
    assert token
    maya = process.current().users.get("maya")
    assert maya
    assert (token.name, token.role, token.owner) == ("ci", "viewer", maya.account)
    assert any("Viewer · read · until" in item.value for item in app.caption)
    app = press(press(app, "Done"), "Revoke")
    assert tokens.all() == []
    assert not app.code
    assert [what for what, _ in entries(store, "token_added")] == ["ci"]
    assert entries(store, "token_revoked") == [("ci", "")]


@pytest.mark.parametrize("form", ["own-tokens", "all-tokens"])
def test_a_token_needs_a_code_of_the_second_factor(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """An open session or a known password is not enough, and a code is not used up for nothing."""
    app = turn_on()
    recovery, *others = [line for item in app.code for line in item.value.splitlines()]
    values = {"name": "ci", "role": "viewer", "scopes": ["read"], "days": 9}
    state = {f"{form}-{field}": value for field, value in values.items()}
    monkeypatch.setattr(st, "session_state", state)
    for given in (PASSWORD, "000000", ""):
        state[f"{form}-confirmation"] = given
        with pytest.raises(InputError, match="This code is wrong"):
            tokens_list._create(form)
    state |= {f"{form}-confirmation": recovery, f"{form}-name": "Not A Name"}
    with pytest.raises(InputError, match="Invalid token name"):
        tokens_list._create(form)
    state[f"{form}-name"] = "ci"
    tokens_list._create(form)
    assert [token.name for token in tokens.all()] == ["ci"]
    state |= {f"{form}-confirmation": recovery, f"{form}-name": "again"}
    with pytest.raises(InputError, match="This code is wrong"):
        tokens_list._create(form)
    assert len(others) == RECOVERY_CODES - 1 == ui_page.factors().codes_left(_maya().account)


def test_users_of_a_provider_confirm_there(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    user = User("oidc:rita", "Rita", "", "owner")
    monkeypatch.setattr(ui_page, "current_user", lambda: user)
    assert not page("ui.admin.roles_tab").text_input(key="all-tokens-name").value
    values = {"name": "ci", "role": "viewer", "scopes": ["read"], "days": 9}
    monkeypatch.setattr(st, "session_state", {f"all-tokens-{k}": v for k, v in values.items()})
    tokens_list._create("all-tokens")
    assert [token.owner for token in tokens.all()] == [""]


def _maya() -> User:
    maya = process.current().users.get("maya")
    assert maya
    return maya


@pytest.mark.parametrize("how", ["sign out", "new password", "keep"])
def test_own_tokens_end_with_all_sessions_and_with_the_password(
    tokens: Tokens, store: Store, how: str
) -> None:
    now = dt.datetime.now(dt.UTC)
    jon = process.current().users.get("jon")
    assert jon
    for name, owner in (("a", _maya().account), ("b", _maya().account), ("c", jon.account)):
        tokens.add(name, "viewer", ("read",), 1, now, owner)
    tokens.add("ours", "viewer", ("read",), 1, now)
    app = account()
    said = "Ends all sessions, including this one, and revokes your API tokens (2)."
    assert said in [item.value for item in app.caption]
    if how == "sign out":
        press(app, "Sign out everywhere")
    else:
        [box] = app.checkbox
        assert (box.label, box.value) == ("Revoke my API tokens (2)", True)
        if how == "keep":
            box.uncheck()
        for field, value in (("old", PASSWORD), ("new", NEW), ("repeated", NEW)):
            app.text_input(key=f"account-password-{field}").set_value(value)
        app = press(app, "Change password")
        revoked = "" if how == "keep" else ", 2 API tokens revoked"
        assert [item.value for item in app.success] == [f"Password changed{revoked}"]
    left = ["a", "b"] if how == "keep" else []
    assert [token.name for token in tokens.all()] == [*left, "c", "ours"]
    reason = "signed out everywhere" if how == "sign out" else "with a new password"
    assert sorted(entries(store, "token_revoked")) == [
        (name, reason) for name in ("a", "b") if name not in left
    ]


def test_a_token_has_at_most_the_role_of_whose_it_is(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form offers no other role, and a forged choice or name is refused."""
    of_workspace, _ = tokens.add("bi", "owner", ("read",), 1, dt.datetime.now(dt.UTC))
    jon = process.current().users.get("jon")
    monkeypatch.setattr(ui_page, "current_user", lambda: jon)
    app = account()
    assert app.selectbox(key="own-tokens-role").options == ["Manager", "Viewer"]
    assert not [button for button in app.button if button.label == "Revoke"]
    with pytest.raises(InputError, match="not your token"):
        tokens_list._revoke("own-tokens", "bi")
    with pytest.raises(InputError, match="Your role does not allow"):
        tokens_list._revoke("all-tokens", "bi")
    monkeypatch.setattr(
        st,
        "session_state",
        {f"own-tokens-{k}": v for k, v in {"name": "x", "role": "owner"}.items()},
    )
    with pytest.raises(InputError, match="does not cover"):
        tokens_list._create("own-tokens")
    assert tokens.all() == [of_workspace]


def test_owners_see_and_revoke_all_tokens(tokens: Tokens) -> None:
    maya = process.current().users.get("maya")
    assert maya
    now = dt.datetime.now(dt.UTC)
    tokens.add("mine", "viewer", ("read",), 1, now, maya.account)
    tokens.add("lost", "viewer", ("read",), 1, now, "gone~0123456789ab")
    app = page("ui.admin.roles_tab")
    shown = " ".join(item.value for item in app.caption)
    assert "owned by maya · Viewer" in shown
    assert "owned by a removed user · Viewer" in shown
    app.button(key="all-tokens-revoke-lost").click().run()
    assert [token.name for token in tokens.all()] == ["mine"]


def turn_on(code: str = "", password: str = PASSWORD) -> AppTest:
    """Set up the second factor on the page, with the code of its key unless another is given."""
    app = press(account(), "Set up")
    [secret] = [item.value for item in app.code]
    app.text_input(key="account-factor-code").set_value(code or pyotp.TOTP(secret).now())
    app.text_input(key="account-factor-password").set_value(password)
    return press(app, "Turn on")


def test_a_second_factor_is_set_up_and_turned_off(
    runtime: Runtime, store: Store, here: str
) -> None:
    for given in ({"code": "000000"}, {"password": "wrong-horse-1"}):
        assert "wrong" in turn_on(**given).error[0].value
    assert ui_page.factors().accounts() == set()
    app = turn_on()
    [recovery] = [item.value.splitlines() for item in app.code]
    assert any(item.value == "✓ On, 10 recovery codes left" for item in app.text)
    app = press(app, "Done")
    assert not app.code
    app.text_input(key="account-factor-code").set_value("000000")
    assert "wrong" in press(app, "Turn off").error[0].value
    app.text_input(key="account-factor-code").set_value(recovery[3])
    press(app, "Turn off")
    assert ui_page.factors().accounts() == set()
    assert entries(store, "factor_on") == entries(store, "factor_off") == [("maya", "")]


def _another_page() -> None:
    import streamlit as st

    from ui.page import Page

    Page("another", "Another", lambda _: st.text("SECRET")).run()


def test_who_must_set_one_up_does_only_that(
    runtime: Runtime, here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = runtime.settings.auth.model_copy(update={"require_second_factor": ("owner",)})
    settings = runtime.settings.model_copy(update={"auth": auth})
    process.start(dataclasses.replace(process.current(), settings=settings))
    with pytest.raises(InputError, match="second factor first"):
        ui_page.acting_user("configure")
    # Not drawn: the link to Account needs the navigation of the main script.
    monkeypatch.setattr(st, "page_link", lambda *_, **__: None)
    other = AppTest.from_function(_another_page, default_timeout=30).run()
    assert not other.exception
    assert not other.text
    assert [item.value for item in other.info] == [
        "Your role requires a second factor. Set it up to continue."
    ]
    app = account()
    assert [item.label for item in app.button] == ["Set up"]
    app = turn_on()
    assert ui_page.acting_user("configure").username == "maya"
    assert "Change password" in [item.label for item in app.button]
    other.run()
    assert [item.value for item in other.text] == ["SECRET"]
