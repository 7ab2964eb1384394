"""The users file: who may sign in, with which role, and the hash of each password.

Separate because it is the only place that reads or writes that file. Its shape is the one that
streamlit-authenticator documents. It is read again whenever it changes on disk, so that a removal
or a new role acts on the very next request.
"""

import contextlib
import copy
import hashlib
import logging
import re
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from trail.accounts import passwords, roles
from trail.core import atomic_file
from trail.core.errors import InputError, UnavailableError

ROLES = roles.ROLES
FIRST_OWNER = "owner"
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")  # also safe in a header and in a log line
_log = logging.getLogger("trail.users")


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in."""

    username: str
    name: str
    email: str
    role: str

    def may(self, capability: str) -> bool:
        """Return whether the role allows what *capability* names (see roles)."""
        return roles.may(self.role, capability)


def normal(username: str) -> str:
    """Return *username* as it is compared and kept: trimmed, case folded."""
    return username.strip().casefold()


class Users:
    """The users file at *path*; every call sees the file as it is now."""

    def __init__(self, path: Path, *, warn: bool = True) -> None:
        """With *warn* the log names the entries that cannot sign in."""
        self._path, self._warn = path, warn
        self._lock = threading.RLock()
        self._stamp: tuple[int, int, int] | None = None
        self._entries: dict[str, dict[str, Any]] = {}
        self._users: dict[str, User] = {}
        self._decoy = passwords.decoy_hash()

    def get(self, username: str) -> User | None:
        """Return the user of that name, whatever its case, or None."""
        with self._lock:
            self._refresh()
            return self._users.get(normal(username))

    def all(self) -> list[User]:
        """Return every user, by username."""
        with self._lock:
            self._refresh()
            return sorted(self._users.values(), key=lambda user: user.username)

    def version(self, username: str) -> str:
        """Return a mark that differs once the password or the role changes; '' for nobody."""
        with self._lock:
            self._refresh()
            user = self._users.get(normal(username))
            if user is None:
                return ""
            told = f"{user.role} {self._entries[user.username]['password']}"
            return hashlib.sha256(told.encode()).hexdigest()

    def hashes(self, *, judged: bool = True) -> dict[str, Any]:
        """Return what stands as each one's password; without *judged*, what was not set here."""
        with self._lock:
            self._refresh()
            found = {
                name: (each.get("password"), each.get("judged"))
                for name, each in self._entries.items()
                if isinstance(each, dict)
            }
        return {
            name: hash_
            for name, (hash_, mark) in found.items()
            if judged or mark != passwords.judged(str(hash_))
        }

    def credentials(self) -> dict[str, Any]:
        """Return a fresh dictionary in the shape that streamlit-authenticator takes."""
        with self._lock:
            self._refresh()
            kept = ("email", "first_name", "last_name", "name", "password", "roles")
            return {
                "usernames": {
                    name: {key: copy.copy(entry[key]) for key in kept if key in entry}
                    for name, entry in self._entries.items()
                    if name in self._users
                }
            }

    def check(self, username: str, password: str) -> bool:
        """Return whether the password is right, after exactly one bcrypt, user or no user."""
        with self._lock:
            self._refresh()
            user = self._users.get(normal(username))
            hash_ = self._entries[user.username]["password"] if user else self._decoy
        return passwords.matches(password, hash_) and user is not None

    def add(self, username: str, name: str, email: str, role: str, password: str) -> None:
        """Add a user; raises `InputError` for a taken name, an unknown role, a weak password."""
        key = normal(username)
        if not _USERNAME.fullmatch(key):
            raise InputError(
                "This username cannot be used.",
                "Use 1 to 64 letters, digits or . _ @ + - and start with a letter or a digit.",
            )
        _check_role(role)
        passwords.check(key, password)
        entry = _entry(name, email, role, password)  # before the lock: a hash takes its time
        with self._changing() as entries:
            if key in entries:
                raise InputError(f"The user {key} exists already.", "Choose another username.")
            entries[key] = entry

    def remove(self, username: str) -> None:
        """Remove a user; the sessions of the user end with the next request."""
        with self._changing() as entries:
            del entries[_known(entries, username)]

    def set_password(self, username: str, password: str) -> None:
        """Set a new password; the sessions of the user end with the next request."""
        passwords.check(normal(username), password)
        hash_ = passwords.hashed(password)
        with self._changing() as entries:
            entries[_known(entries, username)] |= _secret(hash_)

    def set_role(self, username: str, role: str) -> None:
        """Give a user another role; the sessions of the user end with the next request."""
        _check_role(role)
        with self._changing() as entries:
            entries[_known(entries, username)]["roles"] = [role]

    def first_owner(self) -> str | None:
        """Make the user `owner` when there is no users file; return its password, once."""
        with self._locked():
            if self._path.exists():
                return None
            password = secrets.token_urlsafe(18)
            entry = _entry("Owner", "", "owner", password)
            self._write({"credentials": {"usernames": {FIRST_OWNER: entry}}})
            return password

    def _refresh(self) -> None:
        stamp = atomic_file.stamp(self._path)
        if stamp == self._stamp:
            return
        try:
            entries = _entries_of(self._read())
        except FileNotFoundError:
            stamp, entries = (0, 0, 0), {}
        users: dict[str, User] = {}
        for name, entry in entries.items():
            if user := _user_of(name, entry):
                users[name] = user
            elif self._warn:
                _log.warning("users file: %r cannot sign in: no known role or no bcrypt hash", name)
        self._stamp, self._entries, self._users = stamp, entries, users

    def _read(self) -> dict[str, Any]:
        try:
            document = yaml.safe_load(self._path.read_text(encoding="utf-8"))
            _entries_of(document)
        except FileNotFoundError:
            raise
        except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError):
            raise UnavailableError(
                "The users file cannot be read.", "An owner of this server has to look at it."
            ) from None
        assert isinstance(document, dict)
        return document

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, dict[str, Any]]]:
        with self._locked():
            try:
                document = self._read()
            except FileNotFoundError:
                document = {"credentials": {"usernames": {}}}
            entries = _entries_of(document)
            yield entries
            document["credentials"]["usernames"] = entries
            self._write(document)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock, atomic_file.locked(self._path):
            yield

    def _write(self, document: dict[str, Any]) -> None:
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        atomic_file.replace(self._path, text)


def _entries_of(document: Any) -> dict[str, dict[str, Any]]:
    return {normal(str(key)): each for key, each in document["credentials"]["usernames"].items()}


def _user_of(username: str, entry: Any) -> User | None:
    if not isinstance(entry, dict) or not _USERNAME.fullmatch(username):
        return None
    given = entry.get("roles") or []
    known = [role for role in (given if isinstance(given, list) else [given]) if role in ROLES]
    if not known or not passwords.is_hash(entry.get("password")):
        return None
    parts = (str(entry.get("first_name") or ""), str(entry.get("last_name") or ""))
    name = " ".join(part for part in parts if part) or str(entry.get("name") or username)
    return User(username, name, str(entry.get("email") or ""), known[0])


def _entry(name: str, email: str, role: str, password: str) -> dict[str, Any]:
    first, _, last = name.strip().partition(" ")
    return {
        "email": email.strip(),
        "first_name": first,
        "last_name": last.strip(),
        **_secret(passwords.hashed(password)),
        "roles": [role],
    }


def _secret(hash_: str) -> dict[str, str]:
    return {"password": hash_, "judged": passwords.judged(hash_)}


def _known(entries: dict[str, dict[str, Any]], username: str) -> str:
    key = normal(username)
    if key not in entries:
        raise InputError("There is no such user.", "The list of users has the names.")
    return key


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise InputError("There is no such role.", f"Roles are {', '.join(ROLES)}.")
