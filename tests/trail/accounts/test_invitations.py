"""Invitations: for one use, one person and seven days."""

import datetime as dt
import json
from pathlib import Path

import pytest

from trail.accounts.invitations import Invitations
from trail.accounts.users import Users
from trail.core.errors import InputError, UnavailableError

PASSWORD = "correct-horse-9"
NOW = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)


class Clock:
    """A clock that tests set."""

    now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def users(tmp_path: Path, clock: Clock) -> Users:
    made = Users(tmp_path / "users.yaml", clock=clock)
    made.add("maya", "Maya Lind", "", "owner", PASSWORD)
    return made


@pytest.fixture
def pending(users: Users, clock: Clock) -> Invitations:
    return Invitations(users, clock)


def test_an_invited_person_sets_name_and_password_once(
    pending: Invitations, users: Users, tmp_path: Path
) -> None:
    end = NOW + dt.timedelta(days=30)
    item, secret = pending.invite("Kim", "Kim", "auditor", end, "maya")
    assert users.get("kim") is None
    assert secret not in (tmp_path / "invitations.json").read_text()
    assert pending.all() == [item]
    with pytest.raises(InputError, match="too easy to guess"):
        pending.accept(secret, "", "short")
    pending.accept(secret, "Kim\n \x1bVang", PASSWORD)
    user = users.get("kim")
    assert user and (user.name, user.role, user.ends_at) == ("Kim Vang", "auditor", end)
    assert users.check("kim", PASSWORD)
    assert pending.all() == []
    with pytest.raises(InputError, match="used or revoked, or has expired"):
        pending.accept(secret, "", "another-horse-7")


def test_a_reset_ends_the_password_and_keeps_the_rest(pending: Invitations, users: Users) -> None:
    users.add("rita", "Rita Moen", "", "reviewer", PASSWORD)
    users.set_actors("rita", ["users/a1"])
    before = users.credentials_digest("rita")
    _, secret = pending.reset("rita", "maya")
    assert users.credentials_digest("rita") != before  # so that sessions end
    assert not users.check("rita", PASSWORD)
    pending.accept(secret, "", "another-horse-7")
    user = users.get("rita")
    assert user and (user.name, user.role, user.actors) == ("Rita Moen", "reviewer", ("users/a1",))
    assert users.check("rita", "another-horse-7")


@pytest.mark.parametrize("end", ["used", "revoked", "replaced", "expired", "access over"])
def test_an_invitation_ends(pending: Invitations, clock: Clock, end: str) -> None:
    days = dt.timedelta(days=3 if end == "access over" else 30)
    _, secret = pending.invite("kim", "", "auditor", NOW + days, "maya")
    assert pending.find(secret).username == "kim"
    if end == "used":
        pending.accept(secret, "", PASSWORD)
    elif end == "revoked":
        pending.revoke("kim")
    elif end == "replaced":
        pending.invite("kim", "", "viewer", None, "maya")
    else:
        clock.now = NOW + dt.timedelta(days=4 if end == "access over" else 7)
    with pytest.raises(InputError, match="used or revoked, or has expired"):
        pending.find(secret)
    with pytest.raises(InputError, match="used or revoked, or has expired"):
        pending.accept(secret, "", "another-horse-7")


def test_an_invitation_never_takes_over_another_account(pending: Invitations, users: Users) -> None:
    """Neither that of a new user one added since, nor a reset one added after the removal."""
    _, secret = pending.invite("kim", "", "owner", None, "maya")
    users.add("kim", "Kim Vang", "", "viewer", PASSWORD)
    with pytest.raises(InputError, match="already exists"):
        pending.accept(secret, "", "another-horse-7")
    _, secret = pending.reset("kim", "maya")
    users.remove("kim")
    users.add("kim", "Kim Other", "", "viewer", PASSWORD)
    with pytest.raises(InputError, match="used or revoked, or has expired"):
        pending.accept(secret, "", "another-horse-7")
    assert users.check("kim", PASSWORD)


def test_what_cannot_be_invited(pending: Invitations) -> None:
    for username, role, message in (
        ("maya", "viewer", "already exists"),
        ("no spaces", "viewer", "Invalid username"),
        ("kim", "admin", "Unknown role"),
        ("kim", "auditor", "must have an end"),
    ):
        with pytest.raises(InputError, match=message):
            pending.invite(username, "", role, None, "maya")
    with pytest.raises(InputError, match="cannot reset your own account"):
        pending.reset("Maya", "maya")
    assert pending.all() == []


def test_an_unreadable_file_is_said(pending: Invitations, tmp_path: Path) -> None:
    (tmp_path / "invitations.json").write_text('{"invitations": [{}]}')
    with pytest.raises(UnavailableError, match="cannot be read"):
        pending.all()


def test_an_invitation_ends_with_the_right_of_who_made_it(
    pending: Invitations, users: Users
) -> None:
    users.add("ann", "Ann", "", "owner", PASSWORD)
    for end in (
        lambda: users.set_role("ann", "reviewer"),
        lambda: users.set_disabled("ann", disabled=True),
        lambda: users.remove("ann"),
    ):
        _, secret = pending.invite("kim", "Kim", "owner", None, "ann")
        assert pending.find(secret)
        end()
        assert pending.all() == []
        with pytest.raises(InputError, match="used or revoked, or has expired"):
            pending.accept(secret, "", "another-horse-7")
        if users.get("ann"):
            users.set_role("ann", "owner")
        elif users.of_account("ann") is None and "ann" in users.hashes():
            users.set_disabled("ann", disabled=False)
    assert users.get("kim") is None


@pytest.mark.parametrize("is_reset", [True, False])
def test_an_invitation_is_of_the_account_that_made_it(
    pending: Invitations, users: Users, tmp_path: Path, is_reset: bool
) -> None:
    """Another owner who is given the name of a removed one does not bring it back."""
    users.add("ann", "Ann", "", "owner", PASSWORD)
    users.add("rita", "Rita Moen", "", "reviewer", PASSWORD)
    if is_reset:
        _, secret = pending.reset("rita", "ann")
    else:
        _, secret = pending.invite("kim", "Kim", "owner", None, "Ann")
    stored = json.loads((tmp_path / "invitations.json").read_text())
    users.remove("ann")
    users.add("ann", "Another Ann", "", "owner", PASSWORD)
    assert pending.all() == []
    with pytest.raises(InputError, match="used or revoked, or has expired"):
        pending.accept(secret, "", "stolen-horse-8")
    # Those that earlier versions stored have no account, and end after seven days.
    del stored["invitations"][0]["by_account"]
    (tmp_path / "invitations.json").write_text(json.dumps(stored))
    assert pending.find(secret)


def test_who_is_unknown_invites_nobody(pending: Invitations, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Unknown user 'ann'"):
        pending.invite("kim", "Kim", "owner", None, "ann")
    assert not (tmp_path / "invitations.json").exists()
    item, secret = pending.invite("kim", "Kim", "owner", None, "oidc:ann")
    assert pending.find(secret) == item


@pytest.mark.parametrize("is_stored_before", [False, True])
def test_a_reset_outlives_what_does_not_concern_the_password(
    pending: Invitations, users: Users, tmp_path: Path, is_stored_before: bool
) -> None:
    users.add("rita", "Rita Moen", "", "reviewer", PASSWORD)
    _, secret = pending.reset("rita", "maya")
    if is_stored_before:  # when the digest was of password and role
        path = tmp_path / "invitations.json"
        old, new = users.password_digest("rita"), users.credentials_digest("rita")
        path.write_text(path.read_text().replace(old, new))
        assert pending.find(secret)
    users.set_name("rita", "Rita M.")
    users.set_actors("rita", ["users/a1"])
    users.set_end("rita", NOW + dt.timedelta(days=9))
    if not is_stored_before:
        users.set_role("rita", "owner")
    assert pending.accept(secret, "", "another-horse-7").role == (
        "reviewer" if is_stored_before else "owner"
    )
    assert users.check("rita", "another-horse-7")


def test_a_reset_ends_when_the_password_is_set_in_another_way(
    pending: Invitations, users: Users
) -> None:
    users.add("rita", "Rita Moen", "", "reviewer", PASSWORD)
    _, secret = pending.reset("rita", "maya")
    users.set_password("rita", "another-horse-7")
    assert pending.all() == []
    with pytest.raises(InputError, match="used or revoked, or has expired"):
        pending.accept(secret, "", "stolen-horse-8")
    assert users.check("rita", "another-horse-7")


def test_an_owner_who_cannot_sign_in_for_good_is_not_the_last_one(
    pending: Invitations, users: Users, clock: Clock
) -> None:
    users.add("bob", "Bob", "", "owner", PASSWORD)
    _, secret = pending.reset("bob", "maya")
    for act in (
        lambda: users.set_role("maya", "reviewer"),
        lambda: users.set_disabled("maya", disabled=True),
        lambda: users.remove("maya"),
        lambda: users.set_end("maya", NOW + dt.timedelta(days=3)),
        lambda: users.block("maya"),
    ):
        with pytest.raises(InputError, match="maya is the last owner"):
            act()
    pending.accept(secret, "", "another-horse-7")
    users.set_end("bob", NOW + dt.timedelta(days=1))
    with pytest.raises(InputError, match="maya is the last owner"):
        users.remove("maya")
    users.set_end("bob", None)
    users.remove("maya")
    assert [user.username for user in users.all()] == ["bob"]


def test_the_only_owner_stays_also_if_the_access_ends(users: Users) -> None:
    """An older file, or the command line, may have left an owner with an end only."""
    with users._file.changing() as entries:
        entries["maya"]["ends_at"] = (NOW + dt.timedelta(days=3)).isoformat()
    for act in (
        lambda: users.set_role("maya", "reviewer"),
        lambda: users.set_disabled("maya", disabled=True),
        lambda: users.remove("maya"),
        lambda: users.block("maya"),
    ):
        with pytest.raises(InputError, match="maya is the last owner"):
            act()
    users.set_end("maya", None)
