"""Confirmation of an action with a password or a code, under the limits of sign-in.

All attempts count against the limit of sign-in attempts. Codes have a second limit, because six
digits can be guessed by somebody who knows the password and has many addresses.
"""

import contextlib
from collections.abc import Iterator

from trail.access_log import log
from trail.accounts.login_throttle import Throttle, wait_message
from trail.accounts.oidc import is_provider_user
from trail.accounts.second_factors import SecondFactors
from trail.accounts.users import User, Users
from trail.core.errors import InputError

WRONG_PASSWORD = InputError("The current password is wrong.", "Try again.")


class Confirmation:
    """The checks of passwords and codes of *users*, shared by sign-in and pages."""

    def __init__(self, users: Users, factors: SecondFactors, throttle: Throttle) -> None:
        self._users, self._factors, self._throttle = users, factors, throttle

    def kind(self, user: User) -> str:
        """Return what *user* confirms with: `code`, `password`, or empty for a provider user."""
        if is_provider_user(user):
            return ""
        return "code" if user.account in self._factors.accounts() else "password"

    def check(self, user: User, given: str, address: str) -> None:
        """Raise `InputError` unless *given* is the password or code of *user*."""
        if kind := self.kind(user):
            check = self.check_code if kind == "code" else self.check_password
            check(user, given, address)

    def check_password(self, user: User, password: str, address: str) -> None:
        """Raise `InputError` for a wrong password, and after too many attempts."""
        with self._attempt(user, address, "wrong password"):
            if not self._users.check(user.username, password):
                raise WRONG_PASSWORD

    def check_code(self, user: User, code: str, address: str) -> None:
        """Use up a code of *user*; raise `InputError` for a wrong one and while a delay runs."""
        with self._attempt(user, address, "wrong code"):
            if self.is_code_of(user, code):
                return
            if seconds := self._throttle.code_delay(self._subject(user)):
                raise InputError(wait_message(seconds, "wrong codes"), "Or enter a recovery code.")
            raise InputError("This code is wrong.", "Enter the current code or a recovery code.")

    @contextlib.contextmanager
    def _attempt(self, user: User, address: str, problem: str) -> Iterator[None]:
        """Count the block as an attempt, and record it as a *problem* if it raises an error."""
        try:
            with self._throttle.attempt(user.username, address):
                yield
        except InputError:
            log.record(
                *("confirmation_refused", user.username, user.role),
                what=problem,
                address=address,
                merge=True,
            )
            raise

    def is_code_of(self, user: User | None, code: str) -> bool:
        """Return whether *code* is one of *user*, and use it up; False without a user.

        While a delay runs, only recovery codes are accepted, which are too long to guess. Takes as
        long without a user.
        """
        subject = self._subject(user)
        is_delayed = self._throttle.admit_code(subject) > 0
        account = user.account if user else ""
        is_right = self._factors.check(account, code, only_recovery=is_delayed)
        if is_right:
            self._throttle.record_code(subject)
        return is_right

    def _subject(self, user: User | None) -> str:
        """Return the key under which wrong codes are counted: account and password.

        A new password resets the count, since an attacker then no longer reaches this step.
        """
        return f"{user.account} {self._users.password_digest(user.username)}" if user else ""
