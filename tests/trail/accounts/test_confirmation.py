"""What users confirm with, and the limits of wrong passwords and codes, which are shared."""

from pathlib import Path

import pyotp
import pytest

from trail.accounts.confirmation import Confirmation
from trail.accounts.login_throttle import FREE_CODES, PAIR, Throttle
from trail.accounts.second_factors import SecondFactors, new_secret
from trail.accounts.users import User, Users
from trail.core.errors import InputError
from trail.core.settings import Settings

PASSWORD = "correct-horse-9"


class Clock:
    """A clock that tests set."""

    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


class Setup:
    """One user with a second factor and one without."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.clock, self.users = Clock(), Users(folder / "users.yaml")
        for name in ("maya", "jon"):
            self.users.add(name, "", "", "owner", PASSWORD)
        self.maya, self.jon = self.user("maya"), self.user("jon")
        factors = SecondFactors(self.users, settings, self.clock)
        self.secret = new_secret()
        self.recovery = factors.enroll(self.maya, self.secret, self.code())
        self.throttle = Throttle(self.clock)
        self.confirmation = Confirmation(self.users, factors, self.throttle)

    def user(self, name: str) -> User:
        user = self.users.get(name)
        assert user
        return user

    def code(self) -> str:
        """Return the code of the next half minute."""
        self.clock.now += 30
        return pyotp.TOTP(self.secret).at(int(self.clock.now))


@pytest.fixture
def known(tmp_path: Path, settings: Settings, cheap_hashes: None) -> Setup:
    return Setup(tmp_path, settings)


def test_who_has_a_second_factor_confirms_with_a_code(known: Setup) -> None:
    check = known.confirmation.check
    check(known.jon, PASSWORD, "a")
    check(known.maya, known.code(), "a")
    check(known.maya, known.recovery[0], "a")
    check(User("oidc:rita", "Rita", "", "owner"), "", "a")  # confirms at the provider
    with pytest.raises(InputError, match="This code is wrong"):
        check(known.maya, PASSWORD, "a")
    with pytest.raises(InputError, match="current password is wrong"):
        check(known.jon, known.code(), "a")


@pytest.mark.parametrize("name", ["maya", "jon"])
def test_wrong_ones_count_as_attempts_to_sign_in(known: Setup, name: str) -> None:
    user, check = known.user(name), known.confirmation.check
    for _ in range(PAIR):
        with pytest.raises(InputError, match="wrong"):
            check(user, "000000", "a")
    with pytest.raises(InputError, match="Too many attempts"):
        check(user, PASSWORD if name == "jon" else known.code(), "a")
    assert known.throttle.admit(name, "a") > 0


def test_after_wrong_codes_from_anywhere_only_recovery_codes_are_accepted(known: Setup) -> None:
    """Until the delay is over, a code is right, or the password is another."""
    check = known.confirmation.check_code
    for number in range(FREE_CODES):
        with pytest.raises(InputError, match=r"This code is wrong|Too many wrong codes"):
            check(known.maya, "000000", f"192.0.2.{number}")
    with pytest.raises(InputError, match=r"Too many wrong codes.*Or enter a recovery code"):
        check(known.maya, known.code(), "198.51.100.1")
    assert not known.confirmation.is_code_of(known.maya, known.code()[::-1])
    check(known.maya, known.recovery[0], "198.51.100.2")
    check(known.maya, known.code(), "198.51.100.2")
    for _ in range(FREE_CODES):
        assert not known.confirmation.is_code_of(known.maya, "000000")
    assert not known.confirmation.is_code_of(known.maya, known.code())
    known.clock.now += 60
    assert known.confirmation.is_code_of(known.maya, known.code())
    for _ in range(FREE_CODES + 1):
        assert not known.confirmation.is_code_of(known.maya, "000000")
    known.users.set_password("maya", "another-horse-7")
    assert known.confirmation.is_code_of(known.maya, known.code())


def test_nobody_has_codes_and_delays_nobody(known: Setup) -> None:
    for _ in range(FREE_CODES * 3):
        assert not known.confirmation.is_code_of(None, known.code())
    assert known.confirmation.is_code_of(known.maya, known.code())
