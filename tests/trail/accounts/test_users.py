"""The users file: validation, storage, damage, and changes by other processes."""

import datetime as dt
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from unicodedata import normalize

import bcrypt
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from trail.accounts import passwords
from trail.accounts.passwords import MAX_BYTES
from trail.accounts.users import Users
from trail.core.errors import InputError, UnavailableError

pytestmark = pytest.mark.usefixtures("cheap_hashes")

GOOD = "correct-horse-9"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "users.yaml"


@pytest.fixture
def users(path: Path) -> Users:
    users = Users(path)
    users.add("Maya.Lind", "Maya Lind", "maya@example.com", "owner", GOOD)
    return users


def test_username_lookup_ignores_case(users: Users) -> None:
    user = users.get(" MAYA.lind ")
    assert user is not None
    assert (user.username, user.name, user.email, user.role) == (
        "maya.lind",
        "Maya Lind",
        "maya@example.com",
        "owner",
    )
    assert users.get("nobody") is None


def test_file_has_the_documented_shape_and_no_password(users: Users, path: Path) -> None:
    entry = yaml.safe_load(path.read_text())["credentials"]["usernames"]["maya.lind"]
    assert entry["first_name"] == "Maya"
    assert entry["last_name"] == "Lind"
    assert entry["roles"] == ["owner"]
    assert passwords.is_hash(entry["password"])
    assert GOOD not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in path.parent.iterdir()] != []
    assert {item.name for item in path.parent.iterdir()} == {"users.yaml", "users.yaml.lock"}


def test_file_in_the_format_of_the_library_is_read(path: Path) -> None:
    path.parent.mkdir()
    hash_ = bcrypt.hashpw(GOOD.encode(), bcrypt.gensalt(4)).decode()
    path.write_text(
        yaml.safe_dump(
            {
                "cookie": {"expiry_days": 30},
                "credentials": {
                    "usernames": {
                        "JSmith": {"name": "J Smith", "password": hash_, "roles": ["reviewer"]},
                        "plain": {"name": "P", "password": "in plain text", "roles": ["owner"]},
                        "norole": {"name": "N", "password": hash_},
                        "odd": None,
                    }
                },
            }
        )
    )
    users = Users(path)
    assert [(user.username, user.role) for user in users.all()] == [("jsmith", "reviewer")]
    assert users.check("jsmith", GOOD)
    assert not users.check("plain", "in plain text")
    users.set_role("jsmith", "manager")
    kept = yaml.safe_load(path.read_text())
    assert kept["cookie"] == {"expiry_days": 30}
    assert "plain" in kept["credentials"]["usernames"]


@pytest.mark.parametrize(
    "password",
    ["", "short", "eleven-char", "a" * 40, "Maya.Lind-but", " " + GOOD, GOOD + " ", "x1y2" * 19],
)
def test_weak_password_is_refused(users: Users, password: str) -> None:
    with pytest.raises(InputError):
        users.add("maya.lind-but", "", "", "owner", password)


@pytest.mark.parametrize("username", ["", " ", "-x", "a b", "a\nb", "a:b", "x" * 65, "å", "a/b"])
def test_invalid_username_is_refused(users: Users, username: str) -> None:
    with pytest.raises(InputError):
        users.add(username, "", "", "owner", GOOD)


def test_taken_names_and_unknown_roles_are_refused(users: Users) -> None:
    with pytest.raises(InputError, match="already exists"):
        users.add("MAYA.LIND", "", "", "owner", GOOD)
    with pytest.raises(InputError, match="Unknown role"):
        users.add("jon", "", "", "admin", GOOD)
    for change in (users.remove, lambda name: users.set_password(name, GOOD)):
        with pytest.raises(InputError, match="Unknown user"):
            change("nobody")


def test_each_check_runs_bcrypt_once(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bytes] = []
    real = bcrypt.checkpw

    def counted(password: bytes, hash_: bytes) -> bool:
        calls.append(hash_)
        return real(password, hash_)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    results = [
        users.check("maya.lind", GOOD),
        users.check("maya.lind", "wrong"),
        users.check("nobody", GOOD),
        users.check("maya.lind", GOOD + "x" * 80),
        users.check("", ""),
        users.check("maya.lind", "a\0b"),
    ]
    assert results == [True, False, False, False, False, False]
    assert len(calls) == len(results)


DECOMPOSED = "Scho\u0308ne-Gru\u0308\u00dfe-27e\u0301"
COMPOSED = "Sch\u00f6ne-Gr\u00fc\u00dfe-27\u00e9"


@pytest.mark.parametrize("stored", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
def test_password_matches_in_any_unicode_form(users: Users, stored: str, typed: str) -> None:
    users.set_password("maya.lind", stored)
    assert users.check("maya.lind", typed)
    assert not users.check("maya.lind", typed + "\u0301")
    assert not users.check("nobody", typed)


@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("stored", [COMPOSED, DECOMPOSED, "No\u00a0break-12345"])
def test_hash_of_an_earlier_version_still_matches(stored: str, typed: str) -> None:
    """Earlier versions hashed what was typed."""
    old = bcrypt.hashpw(stored.encode(), bcrypt.gensalt()).decode()
    same = stored in (COMPOSED, DECOMPOSED)
    assert passwords.matches(typed, old) is same
    assert passwords.matches(stored, old)
    checked = passwords.form_to_check(stored, old)
    assert bcrypt.checkpw(checked.encode(), old.encode())


@given(st.text(max_size=40), st.sampled_from(["NFC", "NFD"]), st.sampled_from(["NFC", "NFD"]))
def test_composition_never_decides(
    text: str, stored: Literal["NFC"], typed: Literal["NFC"]
) -> None:
    text = text.replace("\0", "").replace("\ud800", "")
    first, second = (passwords.prepare(normalize(form, text)) for form in (stored, typed))
    assert first == second == passwords.prepare(first)


def test_composed_length_decides_whether_a_password_fits(users: Users) -> None:
    users.set_password("maya.lind", "e\u0301" * 18 + "velvet-marble")
    assert users.check("maya.lind", "\u00e9" * 18 + "velvet-marble")
    with pytest.raises(InputError, match="too easy"):
        users.set_password("maya.lind", "e\u0301e\u0301abcdef")


@pytest.mark.parametrize("other", ["MAYA.LIND", "Maya.Lind", " maya.lind ", "maya.lind"])
def test_keys_of_the_same_username_are_refused(users: Users, path: Path, other: str) -> None:
    """The last would silently replace the role and the password of the others."""
    lines = path.read_text().splitlines(keepends=True)
    start = next(n for n, line in enumerate(lines) if line.strip() == "maya.lind:")
    copy = [f'    "{other}":\n', *lines[start + 1 :]]
    path.write_text("".join([*lines, *copy]))
    for use in (users.all, lambda: users.check("maya.lind", GOOD), lambda: users.get("x")):
        with pytest.raises(UnavailableError, match="which are the same"):
            use()
    with pytest.raises(UnavailableError, match="Remove or rename one of them"):
        users.set_role("maya.lind", "manager")


def test_password_over_72_bytes_does_not_match_its_prefix(users: Users) -> None:
    long = "velvet-marble-41-x" * 4
    assert len(long) == MAX_BYTES
    users.set_password("maya.lind", long)
    assert users.check("maya.lind", long)
    assert not users.check("maya.lind", long + "more")


def test_credentials_digest_changes_with_password_role_and_removal(users: Users) -> None:
    users.add("otto", "Otto", "", "owner", GOOD)
    seen = {users.credentials_digest("maya.lind")}
    users.set_password("Maya.lind", "another-horse-7")
    seen.add(users.credentials_digest("maya.lind"))
    password = users.password_digest("maya.lind")
    users.set_role("maya.lind", "manager")
    assert users.password_digest("Maya.Lind") == password
    seen.add(users.credentials_digest("maya.lind"))
    users.set_password("maya.lind", GOOD)
    assert users.password_digest("maya.lind") not in {"", password}
    users.remove("maya.lind")
    assert users.password_digest("maya.lind") == ""
    seen.add(users.credentials_digest("maya.lind"))
    assert len(seen) == 4
    assert users.credentials_digest("maya.lind") == ""


def test_change_by_another_process_is_read(users: Users, path: Path) -> None:
    assert users.get("jon") is None
    Users(path).add("jon", "Jon Berg", "", "manager", GOOD)
    assert users.get("jon") is not None
    Users(path).remove("jon")
    assert users.get("jon") is None
    text = path.read_text()
    path.write_text(text.replace("owner", "manager"))
    user = users.get("maya.lind")
    assert user is not None
    assert user.role == "manager"


def test_damaged_file_raises_unavailable(users: Users, path: Path) -> None:
    assert users.get("maya.lind") is not None
    whole = path.read_text()
    for damaged in ("", "credentials: [", "credentials: {}", "credentials: {usernames: 3}", "- 1"):
        path.write_text(damaged)
        with pytest.raises(UnavailableError):
            users.get("maya.lind")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnavailableError):
        users.all()
    path.write_text(whole)
    assert users.get("maya.lind") is not None
    path.unlink()
    assert users.get("maya.lind") is None


def test_failed_write_keeps_the_old_file(
    users: Users, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    users.add("otto", "Otto", "", "owner", GOOD)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        users.remove("maya.lind")
    assert path.read_bytes() == before
    assert {item.name for item in path.parent.iterdir()} == {"users.yaml", "users.yaml.lock"}


def test_readers_never_see_a_partial_file(users: Users, path: Path) -> None:
    problems: list[Exception] = []
    done = threading.Event()

    def read() -> None:
        mine = Users(path)
        while not done.is_set():
            try:
                assert mine.get("maya.lind") is not None
            except Exception as problem:
                problems.append(problem)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(20):
        users.add(f"user{number}", "", "", "manager", GOOD)
    done.set()
    for reader in readers:
        reader.join()
    assert problems == []
    assert len(users.all()) == 21


def test_credentials_are_a_copy(users: Users) -> None:
    given = users.credentials()
    given["usernames"]["maya.lind"]["roles"].append("owner")
    given["usernames"].clear()
    assert users.credentials()["usernames"]["maya.lind"]["roles"] == ["owner"]


def test_first_owner_is_created_once(path: Path) -> None:
    users = Users(path)
    password = users.first_owner()
    assert password is not None
    assert len(password) >= 20
    assert users.check("owner", password)
    user = users.get("owner")
    assert user is not None
    assert user.role == "owner"
    assert users.first_owner() is None
    assert Users(path).first_owner() is None


def test_decoy_hash_matches_no_password() -> None:
    decoy = passwords.decoy_hash()
    assert passwords.is_hash(decoy)
    assert decoy != passwords.decoy_hash()
    assert not passwords.matches("", decoy)


NOW = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)


@pytest.fixture
def clock() -> list[dt.datetime]:
    return [NOW]


@pytest.fixture
def timed(path: Path, clock: list[dt.datetime]) -> Users:
    """Return a file with the owner maya and the reviewer rita, at a moment that the test sets."""
    users = Users(path, clock=lambda: clock[0])
    users.add("maya", "Maya", "", "owner", GOOD)
    users.add("rita", "Rita", "", "reviewer", GOOD)
    return users


def test_an_auditor_has_access_until_the_end(timed: Users, clock: list[dt.datetime]) -> None:
    with pytest.raises(InputError, match="auditor must have an end"):
        timed.add("kim", "Kim", "", "auditor", GOOD)
    end = NOW + dt.timedelta(days=30)
    timed.add("kim", "Kim", "", "auditor", GOOD, end)
    with pytest.raises(InputError, match="auditor must have an end"):
        timed.set_end("kim", None)
    with pytest.raises(InputError, match="auditor must have an end"):
        timed.set_role("rita", "auditor")
    assert timed.check("kim", GOOD)
    clock[0] = end - dt.timedelta(seconds=1)
    assert timed.get("kim")
    clock[0] = end
    assert timed.get("kim") is None
    assert not timed.check("kim", GOOD)
    assert "kim" not in timed.credentials()["usernames"]
    assert [user.username for user in timed.all()] == ["kim", "maya", "rita"]
    timed.set_end("kim", end + dt.timedelta(days=1))
    assert timed.get("kim")


@pytest.mark.parametrize("ends_at", [NOW, NOW - dt.timedelta(days=1), NOW + dt.timedelta(days=400)])
def test_an_end_that_is_past_or_far_ahead_is_refused(timed: Users, ends_at: dt.datetime) -> None:
    with pytest.raises(InputError, match="past or too far ahead"):
        timed.set_end("rita", ends_at)


def test_a_disabled_user_cannot_sign_in_until_enabled(timed: Users) -> None:
    timed.set_disabled("RITA", disabled=True)
    assert timed.get("rita") is None
    assert not timed.check("rita", GOOD)
    assert [user.disabled for user in timed.all()] == [False, True]
    timed.set_disabled("rita", disabled=False)
    assert timed.check("rita", GOOD)


@pytest.mark.parametrize(
    "take_away",
    [
        lambda users: users.remove("maya"),
        lambda users: users.set_role("maya", "reviewer"),
        lambda users: users.set_disabled("maya", disabled=True),
    ],
)
def test_the_last_owner_stays(timed: Users, take_away: Callable[[Users], None]) -> None:
    with pytest.raises(InputError, match="maya is the last owner"):
        take_away(timed)
    assert timed.check("maya", GOOD)
    timed.add("otto", "Otto", "", "owner", GOOD)
    timed.set_disabled("otto", disabled=True)
    with pytest.raises(InputError, match="maya is the last owner"):
        take_away(timed)
    timed.set_disabled("otto", disabled=False)
    take_away(timed)
    user = timed.get("maya")
    assert user is None or user.role == "reviewer"


def test_an_end_that_cannot_be_read_has_passed(timed: Users, path: Path) -> None:
    timed.set_end("rita", NOW + dt.timedelta(days=2))
    path.write_text(path.read_text().replace("2026-11-30", "30.11.2026"))
    assert Users(path, clock=lambda: NOW).get("rita") is None


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("password1234", "very common password"),
        ("qwertyuiop12", "commonly used password"),
        ("abcabcabcabcd", "Repeats like"),
        ("maya.lind2026", "Add another word or two"),
        ("twiliosegment", "Add another word or two"),
        ("maya@example.com", "Add another word or two"),
    ],
)
def test_a_password_that_is_easy_to_guess_is_refused_with_the_reason(
    users: Users, password: str, reason: str
) -> None:
    names = ("Maya Lind", "maya@example.com")
    with pytest.raises(InputError, match=f"too easy to guess.*{reason}"):
        users.add("maya.lind2", *names, "owner", password)
    users.add("maya.lind2", *names, "owner", "correct-horse-9")
    with pytest.raises(InputError, match=f"too easy to guess.*{reason}"):
        users.set_password("maya.lind2", password)
