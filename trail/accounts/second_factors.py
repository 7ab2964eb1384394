"""Second factors: time-based codes of an authenticator app (RFC 6238), and recovery codes.

The secret of an app is encrypted with the key of the stored secrets; recovery codes are stored as
hashes. Each code is accepted once. Users of an identity provider set up their factor there.
"""

import contextlib
import datetime as dt
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pyotp

from trail.accounts.oidc import is_provider_user
from trail.accounts.users import User, Users
from trail.core import atomic_file, stored_settings
from trail.core.errors import InputError, UnavailableError
from trail.core.secret_box import UnreadableError
from trail.core.settings import Settings, box_of

RECOVERY_CODES = 10
STEP_S = 30
_FILE = "second-factors.json"
# A code is valid in its own 30-second step and the adjacent ones, to tolerate clock skew.
_TOLERATED = (-1, 0, 1)
_DECOY = pyotp.random_base32()


@dataclass(frozen=True, slots=True)
class _Factor:
    """The factor of one account; `used_step` is the 30-second step of the last accepted code."""

    secret: str
    codes: tuple[str, ...]
    since: str
    used_step: int = 0


def path_of(settings: Settings) -> Path:
    """Return the path of the file of second factors, beside the users file."""
    return settings.auth.users_path.with_name(_FILE)


def new_secret() -> str:
    """Return a new secret for an authenticator app, as Base32."""
    return pyotp.random_base32()


def address(secret: str, username: str, workspace: str) -> str:
    """Return the `otpauth:` URI that an authenticator app reads from a QR code."""
    issuer = f"Audit Trail {workspace}".strip().replace(":", " ")
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=issuer)


class SecondFactors:
    """The second factors of *users*; each call reads the current file.

    Each call raises `UnavailableError` if the file cannot be read.
    """

    def __init__(
        self, users: Users, settings: Settings, clock: Callable[[], float] = time.time
    ) -> None:
        """*clock* returns seconds since 1970."""
        self._path = users.path.with_name(_FILE)
        self._settings, self._box, self._clock = settings, box_of(settings), clock

    def accounts(self) -> set[str]:
        """Return the `User.account` of every user with a second factor."""
        return set(self._read())

    def is_missing(self, user: User) -> bool:
        """Return whether *user* must set up a second factor first."""
        if user.role not in self._settings.auth.require_second_factor or is_provider_user(user):
            return False
        return user.account not in self.accounts()

    def enroll(self, user: User, secret: str, code: str) -> list[str]:
        """Store *secret*, proven by its current *code*; return the recovery codes.

        Raises `InputError` for a wrong code or a user who already has a factor, and
        `UnavailableError` if the key of the stored secrets is missing.
        """
        step = self._matching_step(secret, 0, code)
        if not step:
            raise InputError(
                "This code is wrong.", "Check the clock of your device and enter the current code."
            )
        codes = [_new_code() for _ in range(RECOVERY_CODES)]
        with atomic_file.locked(self._path):
            known = self._read()
            if user.account in known:
                raise InputError("You already have a second factor.", "Turn it off first.")
            stored = stored_settings.path_of(self._settings.store.path)
            is_first = not known and not stored_settings.has_secrets(stored)
            encrypted = self._box.encrypt(_name(user.account), secret, new_key=is_first)
            since = dt.datetime.fromtimestamp(self._clock(), dt.UTC).isoformat(timespec="seconds")
            known[user.account] = _Factor(encrypted, tuple(map(_hash, codes)), since, step)
            self._write(known)
        return codes

    def check(self, account: str, code: str, *, only_recovery: bool = False) -> bool:
        """Return whether *code* is a current or a recovery code of *account*, and use it up.

        With *only_recovery*, current codes are wrong, and stay unused. Takes as long for an account
        without a factor.
        """
        with atomic_file.locked(self._path):
            known = self._read()
            factor = known.get(account)
            hash_ = _hash(code)
            step = self._matching_step(*self._secret_of(account, factor), code)
            if factor is None:
                return False
            if step and not only_recovery:
                known[account] = replace(factor, used_step=step)
            elif hash_ in factor.codes:
                left = tuple(other for other in factor.codes if other != hash_)
                known[account] = replace(factor, codes=left)
            else:
                return False
            self._write(known)
            return True

    def codes_left(self, account: str) -> int:
        """Return how many recovery codes are left."""
        factor = self._read().get(account)
        return len(factor.codes) if factor else 0

    def remove(self, account: str) -> None:
        """Remove the factor of *account*; raises `InputError` if there is none."""
        with atomic_file.locked(self._path):
            known = self._read()
            if known.pop(account, None) is None:
                raise InputError("There is no second factor to remove.", "Reload the page.")
            self._write(known)

    @contextlib.contextmanager
    def changing_secrets(self) -> Iterator[dict[str, str]]:
        """Yield the encrypted secrets, by the names they are encrypted under, for changes.

        They are written if the block ends without an error; enrollment waits until then.
        """
        with atomic_file.locked(self._path):
            known = self._read()
            names = {_name(account): account for account in known}
            changed = {name: known[account].secret for name, account in names.items()}
            yield changed
            for name, secret in changed.items():
                known[names[name]] = replace(known[names[name]], secret=secret)
            if known:
                self._write(known)

    def _secret_of(self, account: str, factor: _Factor | None) -> tuple[str, int]:
        """Return the secret and the last used step; a dummy secret if it cannot be decrypted."""
        if factor is None:
            return _DECOY, 0
        try:
            return str(self._box.decrypt(_name(account), factor.secret)), factor.used_step
        except UnreadableError:  # the recovery codes still work
            return _DECOY, int(self._clock()) // STEP_S + max(_TOLERATED)

    def _matching_step(self, secret: str, used_step: int, code: str) -> int:
        """Return the unused step to which *code* belongs, or 0."""
        now, typed = int(self._clock()) // STEP_S, _plain(code)
        found = 0
        for step in (now + offset for offset in _TOLERATED):
            equal = secrets.compare_digest(pyotp.TOTP(secret).generate_otp(step), typed)
            if equal and step > used_step:
                found = step
        return found

    def _read(self) -> dict[str, _Factor]:
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))["factors"]
            return {
                account: _Factor(**{**row, "codes": tuple(row["codes"])})
                for account, row in rows.items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise UnavailableError(
                "The file of second factors cannot be read.",
                "The server administrator must repair it.",
            ) from None

    def _write(self, factors: dict[str, _Factor]) -> None:
        document = {"factors": {account: asdict(row) for account, row in factors.items()}}
        atomic_file.replace(self._path, json.dumps(document, indent=1) + "\n")


def _name(account: str) -> str:
    return f"second factor of {account}"


def _new_code() -> str:
    """Return a recovery code of 80 bits, too many to recover from its hash."""
    text = secrets.token_hex(10)
    return "-".join(text[start : start + 5] for start in range(0, 20, 5))


def _plain(code: str) -> str:
    """Return a typed code without spaces and dashes, as ASCII for the comparison."""
    return "".join(c for c in code.casefold() if c.isascii() and c.isalnum())[:64]


def _hash(code: str) -> str:
    return hashlib.sha256(_plain(code).encode()).hexdigest()
