"""Second factors: each code once, secrets encrypted, recovery codes as hashes."""

from pathlib import Path

import pyotp
import pytest

from trail.accounts import second_factors
from trail.accounts.second_factors import RECOVERY_CODES, STEP_S, SecondFactors
from trail.accounts.users import User, Users
from trail.core.errors import InputError, UnavailableError
from trail.core.settings import Settings, box_of

AT = 1_790_000_010.0


class Clock:
    """A clock that tests set."""

    now = AT

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def maya(tmp_path: Path) -> User:
    users = Users(tmp_path / "users.yaml")
    users.add("maya", "Maya Lind", "", "owner", "correct-horse-9")
    [user] = users.all()
    return user


@pytest.fixture
def factors(tmp_path: Path, settings: Settings, clock: Clock) -> SecondFactors:
    return SecondFactors(Users(tmp_path / "users.yaml"), settings, clock)


def code_at(secret: str, at: float) -> str:
    return pyotp.TOTP(secret).at(int(at))


@pytest.fixture
def enrolled(factors: SecondFactors, maya: User, clock: Clock) -> tuple[str, list[str]]:
    """Return the secret and the recovery codes of maya; the clock is past the first code."""
    secret = second_factors.new_secret()
    codes = factors.enroll(maya, secret, code_at(secret, AT))
    clock.now = AT + 2 * STEP_S
    return secret, codes


def test_a_code_is_valid_once_and_for_its_time(
    factors: SecondFactors, maya: User, clock: Clock, enrolled: tuple[str, list[str]]
) -> None:
    secret, _ = enrolled
    code = code_at(secret, clock.now)
    assert not factors.check(maya.account, code_at(secret, AT))  # used to set it up
    assert not factors.check("jon", code)
    assert factors.check(maya.account, f" {code[:3]} {code[3:]} ")
    assert not factors.check(maya.account, code)
    assert factors.check(maya.account, code_at(secret, clock.now + STEP_S))  # a clock that is fast
    assert not factors.check(maya.account, code_at(secret, clock.now))  # none before a used one
    assert not factors.check(maya.account, code_at(secret, clock.now + 2 * STEP_S))
    clock.now += 10 * STEP_S
    assert not factors.check(maya.account, code_at(secret, clock.now - 2 * STEP_S))
    for junk in ("", "000000" * 20, "ünïcödé", "\0", code + "1"):
        assert not factors.check(maya.account, junk)


def test_recovery_codes_work_once(
    factors: SecondFactors, maya: User, enrolled: tuple[str, list[str]]
) -> None:
    _, codes = enrolled
    assert len(set(codes)) == RECOVERY_CODES
    for number, code in enumerate(codes, 1):
        assert factors.check(maya.account, code.upper().replace("-", " "))
        assert not factors.check(maya.account, code)
        assert factors.codes_left(maya.account) == RECOVERY_CODES - number


def test_the_file_reveals_neither_secret_nor_codes(
    tmp_path: Path, enrolled: tuple[str, list[str]]
) -> None:
    secret, codes = enrolled
    path = tmp_path / "second-factors.json"
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    assert not any(word in text for word in (secret, *codes, *(c.replace("-", "") for c in codes)))


def test_without_the_key_only_recovery_codes_work(
    factors: SecondFactors,
    maya: User,
    settings: Settings,
    clock: Clock,
    enrolled: tuple[str, list[str]],
) -> None:
    secret, codes = enrolled
    box_of(settings).path.unlink()
    assert not factors.check(maya.account, code_at(secret, clock.now))
    assert factors.check(maya.account, codes[0])
    jon = User("jon", "Jon Berg", "", "manager")
    with pytest.raises(UnavailableError, match="is missing"):
        factors.enroll(jon, secret, code_at(secret, clock.now))


def test_a_wrong_first_code_and_a_second_factor_of_the_same_user_are_refused(
    factors: SecondFactors, maya: User, clock: Clock, enrolled: tuple[str, list[str]]
) -> None:
    other = second_factors.new_secret()
    with pytest.raises(InputError, match="code is wrong"):
        factors.enroll(maya, other, code_at(other, clock.now + 500))
    with pytest.raises(InputError, match="already"):
        factors.enroll(maya, other, code_at(other, clock.now))
    factors.remove(maya.account)
    assert factors.accounts() == set()
    with pytest.raises(InputError, match="no second factor"):
        factors.remove(maya.account)


def test_who_must_set_one_up(
    settings: Settings, tmp_path: Path, factors: SecondFactors, maya: User
) -> None:
    assert not factors.is_missing(maya)
    auth = settings.auth.model_copy(update={"require_second_factor": ("owner",)})
    using = settings.model_copy(update={"auth": auth})
    strict = SecondFactors(Users(tmp_path / "users.yaml"), using, Clock())
    assert strict.is_missing(maya)
    assert not strict.is_missing(User("jon", "Jon Berg", "", "manager"))
    assert not strict.is_missing(User("oidc:maya", "Maya Lind", "", "owner"))
    secret = second_factors.new_secret()
    strict.enroll(maya, secret, code_at(secret, AT))
    assert not strict.is_missing(maya)
