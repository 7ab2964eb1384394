"""API tokens: name, role, scopes, expiry and the hash of the secret.

The file is read again whenever it changes on disk, so that a revocation takes effect immediately.
"""

import datetime as dt
import hashlib
import json
import logging
import re
import secrets
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from trail.accounts import roles
from trail.core import atomic_file
from trail.core.errors import InputError, UnavailableError
from trail.core.settings import Settings

PREFIX = "trail_"
DEFAULT_DAYS, MAX_DAYS = 90, 730
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_log = logging.getLogger("trail.access")


@dataclass(frozen=True, slots=True)
class Token:
    """One stored token. Times are ISO 8601 in UTC; `used_on` is the day of the last use.

    `owner` is the `User.account` of the token's owner: the token works as long as that user has
    access and a role that covers the token's. It is empty for a workspace token.
    """

    name: str
    role: str
    scopes: tuple[str, ...]
    hash: str
    made_at: str
    ends_at: str
    used_on: str = ""
    owner: str = ""

    @property
    def username(self) -> str:
        """Name of the token in the access log; no user can have it."""
        return f"token:{self.name}"

    def is_expired(self, now: dt.datetime) -> bool:
        """Return whether the token is expired at *now* (aware)."""
        return dt.datetime.fromisoformat(self.ends_at) <= now

    def to_dict(self, now: dt.datetime) -> dict[str, object]:
        """Return all fields except the hash, and whether the token is expired at *now*."""
        fields = asdict(self) | {"scopes": list(self.scopes), "expired": self.is_expired(now)}
        del fields["hash"]
        return fields


def path_of(settings: Settings) -> Path:
    """Return the path of the tokens file, beside the users file."""
    return settings.auth.users_path.with_name("tokens.json")


class Tokens:
    """The tokens file at *path*; each call reads its current content."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._stamp: tuple[int, int, int] | None = None
        self._tokens: dict[str, Token] = {}

    def all(self) -> list[Token]:
        """Return all tokens, expired ones included, ordered by name."""
        with self._lock:
            self._refresh()
            return sorted(self._tokens.values(), key=lambda token: token.name)

    def authenticate(self, secret: str, now: dt.datetime) -> Token | None:
        """Return the valid token with this *secret* and record the day of use, or return None."""
        hash_ = hashlib.sha256(secret.encode()).hexdigest()
        with self._lock:
            self._refresh()
            token = self._tokens.get(hash_)
        if token is None or token.is_expired(now):
            return None
        if token.used_on != f"{now:%Y-%m-%d}":
            self._record_use(token, now)
        return token

    def add(
        self,
        name: str,
        role: str,
        scopes: tuple[str, ...],
        days: int,
        now: dt.datetime,
        owner: str = "",
    ) -> tuple[Token, str]:
        """Create a token; return it and its secret, which is not stored.

        *owner* is the `User.account` of the owner, empty for a workspace token. Raises `InputError`
        for a name in use, an unknown role or scope, or a lifetime that is too long.
        """
        secret, now = PREFIX + secrets.token_urlsafe(32), now.replace(microsecond=0)
        with self._lock, atomic_file.locked(self._path):
            self.check_new(name, role, scopes, days)
            token = Token(
                name,
                role,
                tuple(sorted(set(scopes))),
                hashlib.sha256(secret.encode()).hexdigest(),
                now.isoformat(),
                (now + dt.timedelta(days=days)).isoformat(),
                owner=owner,
            )
            self._write([*self._tokens.values(), token])
        return token, secret

    def check_new(self, name: str, role: str, scopes: tuple[str, ...], days: int) -> None:
        """Raise `InputError` for a token that `add` would refuse."""
        _check(name, role, scopes, days)
        if any(token.name == name for token in self.all()):
            raise InputError(
                f"Token {name} already exists.", "Revoke it first or choose another name."
            )

    def revoke(self, name: str) -> None:
        """Delete the token with that name; its next request is refused."""
        with self._lock, atomic_file.locked(self._path):
            self._refresh()
            others = [token for token in self._tokens.values() if token.name != name]
            if len(others) == len(self._tokens):
                raise InputError(
                    f"Unknown token {name!r}.", "List tokens: python -m trail tokens list"
                )
            self._write(others)

    def revoke_all_of(self, owner: str) -> list[str]:
        """Delete the tokens of the user with that `User.account`; return their names."""
        with self._lock, atomic_file.locked(self._path):
            self._refresh()
            others = [t for t in self._tokens.values() if not owner or t.owner != owner]
            names = [token.name for token in self.all() if token not in others]
            if names:
                self._write(others)
            return names

    def _record_use(self, token: Token, now: dt.datetime) -> None:
        try:
            with self._lock, atomic_file.locked(self._path):
                self._refresh()
                if stored := self._tokens.get(token.hash):
                    self._tokens[token.hash] = replace(stored, used_on=f"{now:%Y-%m-%d}")
                    self._write(list(self._tokens.values()))
        except OSError as problem:
            _log.warning("cannot record the use of a token: %s", problem.strerror)

    def _refresh(self) -> None:
        stamp = atomic_file.stamp(self._path)
        if stamp == self._stamp:
            return
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))["tokens"]
            tokens = [Token(**{**row, "scopes": tuple(row["scopes"])}) for row in rows]
            for token in tokens:
                token.is_expired(dt.datetime.now(dt.UTC))  # raises for an unreadable time
        except FileNotFoundError:
            tokens = []
        except (OSError, ValueError, KeyError, TypeError):
            raise UnavailableError(
                "The tokens file cannot be read.", "The server administrator must repair it."
            ) from None
        self._stamp = stamp
        self._tokens = {token.hash: token for token in tokens if token.role in roles.ROLES}

    def _write(self, tokens: list[Token]) -> None:
        # Empty values are omitted, since earlier versions do not know these fields.
        rows = [
            {k: v for k, v in asdict(token).items() if (k, v) != ("owner", "")} for token in tokens
        ]
        document = {"tokens": rows}
        atomic_file.replace(self._path, json.dumps(document, indent=1) + "\n")


def _check(name: str, role: str, scopes: tuple[str, ...], days: int) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(
            f"Invalid token name {name!r}.",
            "Use 1 to 64 lower-case letters, digits or . _ - and start with a letter or digit.",
        )
    if role not in roles.ROLES:
        raise InputError(f"Unknown role {role!r}.", f"Allowed: {', '.join(roles.ROLES)}.")
    if not scopes or not set(scopes) <= set(roles.SCOPES):
        given = ", ".join(scopes) or "none"
        raise InputError(f"Invalid scopes: {given}.", f"Allowed: {', '.join(roles.SCOPES)}.")
    if not 1 <= days <= MAX_DAYS:
        raise InputError(f"Invalid lifetime of {days} days.", f"Allowed: 1 to {MAX_DAYS} days.")
