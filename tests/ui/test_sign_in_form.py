"""The sign-in controller: one bcrypt for any username, the rate limit, and the access log."""

import logging
from typing import Any

import bcrypt
import pytest

from trail.accounts import passwords
from trail.accounts.login_throttle import PAIR, Throttle
from ui.sign_in_form import WRONG, SignInController

PASSWORD = "correct-horse-9"


class Library:
    """Replaces the library's controller: one lookup, one bcrypt."""

    def __init__(self, credentials: dict[str, Any]) -> None:
        self.credentials = credentials

    def login(self, username: str, password: str) -> bool:
        entry = self.credentials["usernames"].get(username)
        if entry is None:  # as the library does, which reveals who exists
            return False
        return bcrypt.checkpw(password.encode(), entry["password"].encode())


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch, cheap_hashes: None) -> list[int]:
    """Return a list with the cost of each bcrypt that is done."""
    checkpw = bcrypt.checkpw
    done: list[int] = []

    def check(password: bytes, hash_: bytes) -> bool:
        done.append(int(hash_.split(b"$")[2]))
        return checkpw(password, hash_)

    monkeypatch.setattr(bcrypt, "checkpw", check)
    return done


def checked(address: str = "10.0.0.7", throttle: Throttle | None = None) -> SignInController:
    credentials = {"usernames": {"maya": {"password": passwords.hash_password(PASSWORD)}}}
    return SignInController(Library(credentials), credentials, address, throttle or Throttle())


@pytest.mark.parametrize("username", ["maya", "nobody", "x" * 500, "\x00"])
@pytest.mark.parametrize("password", ["wrong", PASSWORD, "y" * 99])
def test_one_bcrypt_for_any_username(counted: list[int], username: str, password: str) -> None:
    form = checked()
    right = form.login(username, password)
    assert right is (username == "maya" and password == PASSWORD)
    assert counted == [4]
    assert form.refusal == ("" if right else WRONG)


def test_rate_limit_needs_no_bcrypt(counted: list[int]) -> None:
    messages, throttle = set(), Throttle(lambda: 0.0)
    for username in ("maya", "nobody"):
        for _ in range(12):
            checked(f"10.0.1.{username}", throttle).login(username, "wrong")
        form = checked(f"10.0.1.{username}", throttle)
        assert len(counted) == PAIR
        counted.clear()
        assert form.login(username, PASSWORD) is False
        assert counted == []
        messages.add(form.refusal)
    assert messages == {"Too many attempts. Try again in 15 minutes."}


def test_unknown_name_is_not_logged(counted: list[int], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "trail.access")
    typed = "correct-horse-10"  # a password in the wrong field
    for address in ("10.0.2.1", "10.0.2.2"):
        checked(address).login(typed, "wrong")
    checked("10.0.2.3").login("MAYA", "wrong")
    assert typed not in caplog.text
    lines = [record.getMessage() for record in caplog.records]
    marks = [line.split("unknown name ")[1].split(" ")[0] for line in lines if "unknown" in line]
    assert len(marks) == 2
    assert marks[0] == marks[1]
    assert "sign-in refused · maya · wrong password · from 10.0.2.3" in lines
