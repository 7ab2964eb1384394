"""Users on Admin: what owners change there, and that nobody else can."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.test_logged_actions import entries, page, press, runtime
from trail.accounts import roles
from trail.accounts.api_tokens import Tokens
from trail.accounts.users import User
from trail.core.errors import InputError
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.storage.duckdb import Store
from ui import page as ui_page
from ui.admin import user_changes

__all__ = ["runtime"]
TAB = "ui.admin.users_tab"
PASSWORD = "correct-horse-9"


@pytest.fixture
def known(runtime: Runtime) -> Runtime:
    runtime.users.add("maya", "Maya Lind", "", "owner", PASSWORD)
    runtime.users.add("rita", "Rita Moen", "", "reviewer", PASSWORD)
    return runtime


def chosen(username: str) -> AppTest:
    app = page(TAB)
    app.selectbox(key="users-change").set_value(username).run()
    assert not app.exception
    return app


def listed(app: AppTest) -> dict[str, dict[str, Any]]:
    [table] = app.dataframe
    rows: list[dict[str, Any]] = table.value.to_dict("records")
    return {row["Username"]: row for row in rows}


def test_an_invitation_is_shown_once_and_can_be_revoked(known: Runtime, store: Store) -> None:
    app = page(TAB)
    app.text_input(key="users-invite-username").set_value("Kim")
    app.selectbox(key="users-invite-role").set_value("auditor")
    app = press(app, "Create invitation link")
    assert [item.value for item in app.error] == [
        "Access for the role auditor must have an end\\. Set the number of days\\."
    ]
    app.number_input(key="users-invite-days").set_value(30)
    app = press(app, "Create invitation link")
    [link] = app.code
    secret = link.value.partition("/auth/invitation#")[2]
    assert user_changes.open_invitations().find(secret).username == "kim"
    row = listed(app)["kim"]
    assert row["State"].startswith("✉ Invited until ")
    assert row["Access ends"] != "Never"
    assert press(app, "Done").code == []
    press(chosen("kim"), "Revoke invitation")
    assert user_changes.open_invitations().all() == []
    [(what, detail)] = entries(store, "user_invited")
    assert what == "kim"
    assert detail.startswith("auditor until ")
    assert entries(store, "invitation_revoked") == [("kim", "")]


def test_an_owner_changes_disables_resets_and_removes(known: Runtime, store: Store) -> None:
    app = chosen("rita")
    app.selectbox(key="users-access-rita-reviewer-0-role").set_value("auditor")
    app.number_input(key="users-access-rita-reviewer-0-days").set_value(10)
    press(app, "Save access")
    [rita] = [user for user in known.users.all() if user.username == "rita"]
    assert rita.role == "auditor"
    assert rita.ends_at
    assert (rita.ends_at - dt.datetime.now(dt.UTC)).days == 9
    assert [item.value for item in press(chosen("rita"), "Save access").success] == [
        "Nothing changed"
    ]
    app = press(chosen("rita"), "Disable")
    assert listed(app)["rita"]["State"] == "○ Disabled"
    press(app, "Enable")
    app = press(app, "Reset user")
    assert not known.users.check("rita", PASSWORD)
    assert listed(app)["rita"]["State"] == "✉ Invited to set a password"
    assert "/auth/invitation#" in app.code[0].value
    press(app, "Remove user")
    assert [user.username for user in known.users.all()] == ["maya"]
    kinds = ("role_set", "user_disabled", "user_enabled", "user_reset", "user_removed")
    assert [len(entries(store, kind)) for kind in kinds] == [1] * len(kinds)


def test_the_last_owner_stays(known: Runtime) -> None:
    app = chosen("maya")
    labels = {button.label for button in app.button}
    assert "Reset user" not in labels
    for label in ("Disable", "Remove user"):
        assert ["last owner" in item.value for item in press(app, label).error] == [True]
    app.selectbox(key="users-access-maya-owner-0-role").set_value("viewer")
    assert ["last owner" in item.value for item in press(app, "Save access").error] == [True]
    owner = known.users.get("maya")
    assert owner
    assert owner.role == "owner"


@pytest.mark.parametrize("role", [*sorted(set(roles.ROLES) - {"owner"}), ""])
def test_only_owners_change_users(
    known: Runtime, store: Store, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    pending = user_changes.open_invitations()
    pending.invite("kim", "", "viewer", None, "maya")
    rita = known.users.get("rita")
    assert rita
    user = User("jon", "Jon Berg", "", role) if role else None
    monkeypatch.setattr(ui_page, "current_user", lambda: user)
    before = (known.users.all(), known.users.hashes(), pending.all())
    for action in (
        lambda: user_changes.invite("eve", "", "owner", 0),
        lambda: user_changes.reset("rita"),
        lambda: user_changes.revoke("kim"),
        lambda: user_changes.set_access(rita, "owner", None),
        lambda: user_changes.set_disabled("maya", disabled=True),
        lambda: user_changes.remove("rita"),
        lambda: user_changes.reset_factor("rita"),
        lambda: user_changes.link(rita, []),
    ):
        with pytest.raises(InputError, match="Your role does not allow"):
            action()
    assert (known.users.all(), known.users.hashes(), pending.all()) == before


def test_a_change_of_somebody_else_is_not_undone(known: Runtime) -> None:
    app = chosen("rita")
    known.users.set_role("rita", "manager")
    app.number_input(key="users-access-rita-reviewer-0-days").set_value(9)
    app = press(app, "Save access")
    assert [item.value for item in app.error] == [
        "The access of rita has changed in the meantime\\. Reload the page\\."
    ]
    assert app.selectbox(key="users-access-rita-manager-0-role").value == "manager"
    rita = known.users.get("rita")
    assert rita and (rita.role, rita.ends_at) == ("manager", None)


def test_actors_that_somebody_else_linked_are_not_undone(known: Runtime) -> None:
    app = chosen("rita")
    known.users.set_actors("rita", ["users/a1"])
    app = press(app, "Save link")
    assert [item.value for item in app.error] == [
        "The actors of rita have changed in the meantime\\. Reload the page\\."
    ]
    assert app.text_input(key="users-actors-rita-users/a1").value == "users/a1"
    press(app, "Save link")
    rita = known.users.get("rita")
    assert rita and rita.actors == ("users/a1",)


def test_a_reset_revokes_the_tokens_of_the_user(known: Runtime, tmp_path: Path) -> None:
    tokens, rita = Tokens(tmp_path / "tokens.json"), known.users.get("rita")
    process.start(replace(known, tokens=tokens))
    assert rita
    now = dt.datetime.now(dt.UTC)
    tokens.add("of-rita", "reviewer", ("read",), 9, now, owner=rita.account)
    tokens.add("of-nobody", "reviewer", ("read",), 9, now)
    press(chosen("rita"), "Reset user")
    assert [token.name for token in tokens.all()] == ["of-nobody"]


def test_nobody_resets_their_own_second_factor(known: Runtime) -> None:
    with pytest.raises(InputError, match="cannot reset your own second factor"):
        user_changes.reset_factor("maya")
