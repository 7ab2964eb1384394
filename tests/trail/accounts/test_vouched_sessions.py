"""Sessions of provider users: no users file, valid only while the provider is configured."""

from pathlib import Path

import pytest

from trail.accounts import sessions as module
from trail.accounts.sessions import CHANGED, Sessions, hash_of, session_user
from trail.accounts.users import User, Users

RITA = User("oidc:rita", "Rita", "rita@example.com", "reviewer")


@pytest.fixture
def users(tmp_path: Path) -> Users:
    return Users(tmp_path / "no-users.yaml")


def open_sessions(path: Path, provider: str = "one", *, by_password: bool = False) -> Sessions:
    return Sessions(12, 30, path=path, provider=provider, by_password=by_password)


def sign_in(sessions: Sessions, proof: str = "n1") -> str:
    sid = sessions.finish(sessions.issue_provider_code(RITA, "browser", proof), "browser")
    assert sid is not None
    return hash_of(sid)


def test_provider_session_needs_no_users_file_and_survives_a_restart(
    tmp_path: Path, users: Users
) -> None:
    path = tmp_path / "sessions.json"
    sid_hash = sign_in(open_sessions(path))
    assert session_user(open_sessions(path), users, sid_hash) == RITA


@pytest.mark.parametrize("provider", ["another", ""])
def test_changed_provider_settings_end_the_session(
    tmp_path: Path, users: Users, provider: str
) -> None:
    path = tmp_path / "sessions.json"
    sid_hash = sign_in(open_sessions(path))
    later = open_sessions(path, provider, by_password=True)
    assert session_user(later, users, sid_hash) is None
    assert later.end_reason(sid_hash) == CHANGED


def test_disabling_passwords_ends_local_sessions(tmp_path: Path) -> None:
    users = Users(tmp_path / "users.yaml")
    users.add("maya", "Maya", "", "owner", "correct-horse-9")
    for allowed in (True, False):
        sessions = open_sessions(tmp_path / "sessions.json", by_password=allowed)
        code = sessions.issue_code("maya", "browser", users.credentials_digest("maya"))
        sid = sessions.finish(code, "browser")
        assert sid
        assert bool(session_user(sessions, users, hash_of(sid))) is allowed


def test_one_nonce_creates_one_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = open_sessions(tmp_path / "sessions.json")
    codes = [sessions.issue_provider_code(RITA, "browser", "n1") for _ in range(3)]
    assert not sessions.is_used("n1")
    made = [sessions.finish(code, "browser") for code in codes]
    assert [sid is not None for sid in made] == [True, False, False]
    assert sessions.is_used("n1")
    assert sign_in(sessions, "n2")
    monkeypatch.setattr(module, "USED_SECONDS", -1.0)
    sign_in(sessions, "n3")
    sign_in(sessions, "n4")
    assert not sessions.is_used("n3")  # removed after a while, so the table stays small
