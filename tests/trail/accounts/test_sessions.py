"""Sessions: one-time codes, two kinds of expiry, and an end that is final."""

import threading
from pathlib import Path

import pytest

from trail.accounts import sessions as module
from trail.accounts.sessions import Sessions, hash_of, session_user
from trail.accounts.users import Users

GOOD = "correct-horse-9"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(hours=12, idle_minutes=30, clock=clock)


def sign_in(sessions: Sessions, username: str = "maya", version: str = "") -> str:
    sid = sessions.finish(sessions.issue_code(username, "browser", version), "browser")
    assert sid is not None
    return sid


def test_code_works_once(sessions: Sessions) -> None:
    code = sessions.issue_code("maya", "browser")
    sid = sessions.finish(code, "browser")
    assert sid is not None
    assert sessions.username_of(sid) == "maya"
    assert sessions.finish(code, "browser") is None


@pytest.mark.parametrize("binding", ["", "another browser"])
def test_code_used_by_another_browser_is_consumed(sessions: Sessions, binding: str) -> None:
    code = sessions.issue_code("maya", "browser")
    assert sessions.finish(code, binding) is None
    assert sessions.finish(code, "browser") is None


def test_code_without_a_browser_is_refused(sessions: Sessions) -> None:
    assert sessions.finish(sessions.issue_code("maya", ""), "") is None
    assert sessions.finish("", "browser") is None
    assert sessions.finish("guess", "browser") is None


def test_code_expires_after_30_seconds(sessions: Sessions, clock: Clock) -> None:
    early, late = sessions.issue_code("maya", "browser"), sessions.issue_code("maya", "browser")
    clock.now += 29.9
    assert sessions.finish(early, "browser")
    clock.now += 0.1
    assert sessions.finish(late, "browser") is None


def test_active_session_expires_after_its_maximum_age(sessions: Sessions, clock: Clock) -> None:
    sid = sign_in(sessions)
    for _ in range(12 * 3 - 1):
        clock.now += 20 * 60
        assert sessions.username_of(sid) == "maya"
    clock.now += 20 * 60
    assert sessions.username_of(sid) is None


def test_idle_session_expires_and_untouched_lookups_do_not_extend_it(
    sessions: Sessions, clock: Clock
) -> None:
    sid = sign_in(sessions)
    clock.now += 20 * 60
    assert sessions.find(hash_of(sid), touch=False) is not None
    clock.now += 10 * 60
    assert sessions.username_of(sid) is None
    clock.now -= 10 * 60
    assert sessions.username_of(sid) is None  # deleted, not only hidden


def test_ended_session_stays_ended_and_others_continue(sessions: Sessions) -> None:
    one, two, other = sign_in(sessions), sign_in(sessions), sign_in(sessions, "jon")
    sessions.end(one)
    assert sessions.username_of(one) is None
    assert sessions.username_of(two) == "maya"
    assert sessions.username_of(other) == "jon"
    sessions.end("unknown")


def test_only_hashes_are_stored(sessions: Sessions) -> None:
    code = sessions.issue_code("maya", "browser")
    assert code not in repr(vars(sessions))
    sid = sessions.finish(code, "browser")
    assert sid is not None
    assert len(sid) >= 43
    assert sid not in repr(vars(sessions))
    assert sessions.username_of(hash_of(sid)) is None  # the hash is not accepted as a cookie


def test_sessions_and_codes_are_bounded(
    sessions: Sessions, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SESSIONS", 5)
    monkeypatch.setattr(module, "MAX_CODES", 5)
    sids = []
    for _ in range(8):
        sids.append(sign_in(sessions))
        clock.now += 1
    assert [sessions.username_of(sid) is not None for sid in sids] == [False] * 3 + [True] * 5
    codes = [sessions.issue_code("maya", "browser") for _ in range(7)]
    assert [sessions.finish(code, "browser") is not None for code in codes] == (
        [False] * 2 + [True] * 5
    )


def test_concurrent_uses_of_one_code_create_one_session(sessions: Sessions) -> None:
    code, result = sessions.issue_code("maya", "browser"), []
    threads = [
        threading.Thread(target=lambda: result.append(sessions.finish(code, "browser")))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([sid for sid in result if sid]) == 1


def test_end_reason_is_remembered(sessions: Sessions, clock: Clock) -> None:
    idle, over, out = sign_in(sessions), sign_in(sessions), sign_in(sessions)
    sessions.end(out)
    for _ in range(12 * 3):
        clock.now += 20 * 60
        sessions.find(hash_of(over))
    assert sessions.find(hash_of(idle)) is None
    message = [
        sessions.ended_message(sessions.end_reason(hash_of(sid)))
        for sid in (idle, over, out, "guess")
    ]
    assert message == [
        "Signed out after 30 minutes without activity.",
        "Signed out after 12 hours. Sign in again to continue.",
        "",
        "",
    ]
    clock.now += module.REMEMBERED_SECONDS
    assert sessions.end_reason(hash_of(idle)) == ""


class TestPersistence:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "sessions.json"

    @staticmethod
    def open_sessions(path: Path, clock: Clock) -> Sessions:
        return Sessions(12, 30, clock, path)

    def test_restart_keeps_active_and_ended_sessions(self, path: Path, clock: Clock) -> None:
        first = self.open_sessions(path, clock)
        good, out, idle = sign_in(first), sign_in(first), sign_in(first)
        first.end(out)
        clock.now += 29 * 60
        assert first.username_of(good) == "maya"
        first.save()  # as on shutdown
        again = self.open_sessions(path, clock)
        assert again.username_of(out) is None
        clock.now += 60
        assert again.username_of(good) == "maya"
        assert again.username_of(idle) is None
        assert again.end_reason(hash_of(idle)) == module.IDLE
        clock.now += 12 * 3600
        assert self.open_sessions(path, clock).username_of(good) is None

    def test_kill_keeps_active_and_ended_sessions(self, path: Path, clock: Clock) -> None:
        first = self.open_sessions(path, clock)
        good, out = sign_in(first), sign_in(first)
        first.end(out)
        killed = self.open_sessions(path, clock)  # `first` was not shut down
        assert killed.username_of(good) == "maya"
        assert killed.username_of(out) is None

    def test_last_use_is_written_once_per_minute(self, path: Path, clock: Clock) -> None:
        first = self.open_sessions(path, clock)
        sid = sign_in(first)
        before = path.stat().st_ino
        for _ in range(50):
            clock.now += 1
            first.find(hash_of(sid))
        assert path.stat().st_ino == before
        clock.now += 10
        first.find(hash_of(sid))
        for thread in threading.enumerate():
            if thread.name == "trail-sessions":
                thread.join()
        clock.now += 30 * 60 - 1  # expired if counted from the sign-in
        assert self.open_sessions(path, clock).username_of(sid) == "maya"

    def test_file_is_private_and_contains_no_cookie(self, path: Path, clock: Clock) -> None:
        sid = sign_in(self.open_sessions(path, clock))
        assert sid not in path.read_text()
        assert hash_of(sid) in path.read_text()
        assert path.stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize(
        "damage",
        ["", "[]", "{", '{"x": 1}', '{"x": {"username": "maya"}}', "\x00\xff", '{"x": null}'],
    )
    def test_damaged_file_ends_all_sessions(self, path: Path, clock: Clock, damage: str) -> None:
        sid = sign_in(self.open_sessions(path, clock))
        path.write_text(damage)
        again = self.open_sessions(path, clock)
        assert again.username_of(sid) is None
        assert again.username_of(sign_in(again)) == "maya"

    def test_file_writable_by_others_is_not_trusted(self, path: Path, clock: Clock) -> None:
        sid = sign_in(self.open_sessions(path, clock))
        path.chmod(0o660)
        assert self.open_sessions(path, clock).username_of(sid) is None

    def test_clock_set_back_does_not_extend_a_session(self, path: Path, clock: Clock) -> None:
        sid = sign_in(self.open_sessions(path, clock))
        clock.now -= 3600
        assert self.open_sessions(path, clock).username_of(sid) is None

    def test_sign_in_works_when_the_file_cannot_be_written(
        self, path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        sessions = self.open_sessions(path, clock)
        path.mkdir()  # cannot be replaced by a file
        assert sessions.username_of(sign_in(sessions)) == "maya"
        assert "sessions.json cannot be written" in caplog.text


class TestSessionUser:
    @pytest.fixture
    def users(self, tmp_path: Path, cheap_hashes: None) -> Users:
        users = Users(tmp_path / "users.yaml")
        users.add("maya", "Maya", "", "owner", GOOD)
        return users

    def test_session_user_comes_from_the_users_file(self, sessions: Sessions, users: Users) -> None:
        sid_hash = hash_of(sign_in(sessions, version=users.credentials_digest("maya")))
        user = session_user(sessions, users, sid_hash)
        assert user is not None
        assert user.role == "owner"
        assert session_user(sessions, users, "") is None
        assert session_user(sessions, users, hash_of("guess")) is None

    @pytest.mark.parametrize("change", ["password", "role", "removal", "disabled"])
    def test_user_change_ends_the_session(
        self, sessions: Sessions, users: Users, change: str
    ) -> None:
        users.add("otto", "Otto", "", "owner", GOOD)
        sid_hash = hash_of(sign_in(sessions, version=users.credentials_digest("maya")))
        if change == "password":
            users.set_password("maya", "another-horse-7")
        elif change == "role":
            users.set_role("maya", "manager")
        elif change == "disabled":
            users.set_disabled("maya", disabled=True)
        else:
            users.remove("maya")
        assert session_user(sessions, users, sid_hash) is None
        assert sessions.find(sid_hash) is None

    def test_damaged_users_file_denies_access_without_ending_the_session(
        self, sessions: Sessions, users: Users, tmp_path: Path
    ) -> None:
        sid_hash = hash_of(sign_in(sessions, version=users.credentials_digest("maya")))
        whole = (tmp_path / "users.yaml").read_text()
        (tmp_path / "users.yaml").write_text("")
        assert session_user(sessions, users, sid_hash) is None
        (tmp_path / "users.yaml").write_text(whole)
        assert session_user(sessions, users, sid_hash) is not None
