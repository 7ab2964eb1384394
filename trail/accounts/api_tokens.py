"""API tokens: a name, a role, what for, until when, and the hash of the secret; never the secret.

Separate from the users because a token is no person: it signs nowhere in, sees no page, and ends
by itself. The file is read again whenever it changes, so that a revocation acts at once.
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
USUAL_DAYS, MOST_DAYS = 90, 730
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_log = logging.getLogger("trail.access")


@dataclass(frozen=True, slots=True)
class Token:
    """One token as it is kept. Times are ISO 8601 in UTC; `used_on` is no finer than a day."""

    name: str
    role: str
    scopes: tuple[str, ...]
    hash: str
    made_at: str
    ends_at: str
    used_on: str = ""

    @property
    def username(self) -> str:
        """The name that the access log has for what the token does; no user can have it."""
        return f"token:{self.name}"

    def over(self, now: dt.datetime) -> bool:
        """Return whether the token has ended at *now* (aware)."""
        return dt.datetime.fromisoformat(self.ends_at) <= now

    def said(self, now: dt.datetime) -> dict[str, object]:
        """Return what may be shown: everything but the hash."""
        told = {name: value for name, value in asdict(self).items() if name != "hash"}
        return {**told, "scopes": list(self.scopes), "expired": self.over(now)}


def path_of(settings: Settings) -> Path:
    """Return where the tokens are kept: beside the users."""
    return settings.auth.users_path.with_name("tokens.json")


class Tokens:
    """The tokens file at *path*; every call sees the file as it is now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._stamp: tuple[int, int, int] | None = None
        self._tokens: dict[str, Token] = {}

    def all(self) -> list[Token]:
        """Return every token, by name; those that have ended too."""
        with self._lock:
            self._refresh()
            return sorted(self._tokens.values(), key=lambda token: token.name)

    def find(self, secret: str, now: dt.datetime) -> Token | None:
        """Return the token that *secret* is, unless it has ended; note the day of its use."""
        hash_ = hashlib.sha256(secret.encode()).hexdigest()
        with self._lock:
            self._refresh()
            token = self._tokens.get(hash_)
        if token is None or token.over(now):
            return None
        if token.used_on != f"{now:%Y-%m-%d}":
            self._used(token, now)
        return token

    def add(
        self, name: str, role: str, scopes: tuple[str, ...], days: int, now: dt.datetime
    ) -> tuple[Token, str]:
        """Make a token; return it and its secret, which is kept nowhere.

        Raises `InputError` for a taken name, an unknown role or scope, or too long a life.
        """
        _check(name, role, scopes, days)
        secret = PREFIX + secrets.token_urlsafe(32)
        now = now.replace(microsecond=0)
        token = Token(
            name,
            role,
            tuple(sorted(set(scopes))),
            hashlib.sha256(secret.encode()).hexdigest(),
            now.isoformat(),
            (now + dt.timedelta(days=days)).isoformat(),
        )
        with self._lock, atomic_file.locked(self._path):
            self._refresh()
            if any(each.name == name for each in self._tokens.values()):
                raise InputError(
                    f"The token {name} exists already.", "Revoke it first, or choose another name."
                )
            self._write([*self._tokens.values(), token])
        return token, secret

    def revoke(self, name: str) -> None:
        """Forget the token of that name; what uses it is refused from its next request on."""
        with self._lock, atomic_file.locked(self._path):
            self._refresh()
            left = [each for each in self._tokens.values() if each.name != name]
            if len(left) == len(self._tokens):
                raise InputError("There is no such token.", "The list of tokens has the names.")
            self._write(left)

    def _used(self, token: Token, now: dt.datetime) -> None:
        try:
            with self._lock, atomic_file.locked(self._path):
                self._refresh()
                if kept := self._tokens.get(token.hash):
                    self._tokens[token.hash] = replace(kept, used_on=f"{now:%Y-%m-%d}")
                    self._write(list(self._tokens.values()))
        except OSError as problem:
            _log.warning("the use of a token could not be noted: %s", problem.strerror)

    def _refresh(self) -> None:
        stamp = atomic_file.stamp(self._path)
        if stamp == self._stamp:
            return
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))["tokens"]
            kept = [Token(**{**each, "scopes": tuple(each["scopes"])}) for each in found]
            _ = [each.over(dt.datetime.now(dt.UTC)) for each in kept]
        except FileNotFoundError:
            kept = []
        except (OSError, ValueError, KeyError, TypeError):
            raise UnavailableError(
                "The tokens file cannot be read.", "An owner of this server has to look at it."
            ) from None
        known = [each for each in kept if each.role in roles.ROLES]
        self._stamp, self._tokens = stamp, {each.hash: each for each in known}

    def _write(self, tokens: list[Token]) -> None:
        told = {"tokens": [asdict(each) for each in tokens]}
        atomic_file.replace(self._path, json.dumps(told, indent=1) + "\n")


def _check(name: str, role: str, scopes: tuple[str, ...], days: int) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(
            "This name cannot be used for a token.",
            "Use 1 to 64 small letters, digits or . _ - and start with a letter or a digit.",
        )
    if role not in roles.ROLES:
        raise InputError("There is no such role.", f"Roles are {', '.join(roles.ROLES)}.")
    if not scopes or any(scope not in roles.SCOPES for scope in scopes):
        raise InputError("There is no such scope.", f"Scopes are {', '.join(roles.SCOPES)}.")
    if not 1 <= days <= MOST_DAYS:
        raise InputError("A token cannot last so long.", f"Use 1 to {MOST_DAYS} days.")
