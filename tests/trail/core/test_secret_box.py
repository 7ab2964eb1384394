"""Secrets at rest: who can read them, and what is said when nobody can."""

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from trail.core.errors import SettingError, UnavailableError
from trail.core.secret_box import SecretBox, UnreadableError

JSON = st.recursive(st.text() | st.integers() | st.booleans(), st.lists, max_leaves=5)


@given(name=st.text(), value=JSON)
@profile(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_secret_is_read_back_under_its_name_only(
    tmp_path: Path, name: str, value: object
) -> None:
    box = SecretBox(tmp_path / "secrets.key")
    secret = box.encrypt(name, value, new_key=True)
    assert box.decrypt(name, secret) == value
    with pytest.raises(UnreadableError):
        box.decrypt(f"{name}.", secret)


def test_the_first_secret_makes_a_private_key_file(tmp_path: Path) -> None:
    box = SecretBox(tmp_path / "secrets.key")
    assert box.problem() == "The key file secrets.key is missing."
    with pytest.raises(UnavailableError, match=r"secrets\.key is missing"):
        box.encrypt("a", "value", new_key=False)
    first = box.encrypt("a", "value", new_key=True)
    assert stat.S_IMODE(box.path.stat().st_mode) == 0o600
    key = box.path.read_text()
    box.encrypt("b", "value", new_key=True)
    assert box.path.read_text() == key
    assert "value" not in first
    assert box.problem() == ""


def test_the_key_of_the_settings_wins_over_the_file(tmp_path: Path) -> None:
    given_box = SecretBox(tmp_path / "secrets.key", Fernet.generate_key().decode())
    secret = given_box.encrypt("a", "value", new_key=True)
    assert not given_box.path.exists()
    with pytest.raises(UnreadableError):
        SecretBox(given_box.path).decrypt("a", secret)
    assert given_box.decrypt("a", secret) == "value"


@pytest.mark.parametrize("key", ["short", "é" * 44, "A" * 43, ""])
def test_a_key_that_is_none_is_said_and_never_shown(tmp_path: Path, key: str) -> None:
    path = tmp_path / "secrets.key"
    secret = SecretBox(path).encrypt("a", "value", new_key=True)
    path.write_text(key, encoding="utf-8")
    with pytest.raises((SettingError, UnreadableError)) as raised:
        SecretBox(path).decrypt("a", secret)
    assert not key or key not in str(raised.value)
    assert key not in repr(SecretBox(path, key)) or not key
