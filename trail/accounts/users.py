"""The users file: usernames, roles and password hashes, in the format of streamlit-authenticator.

The file is read again whenever it changes on disk, so that a removal or a new role takes effect
with the next request.
"""

import contextlib
import copy
import hashlib
import logging
import re
import secrets
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from trail.accounts import passwords, roles
from trail.core import atomic_file
from trail.core.account_key import account_key
from trail.core.errors import InputError, UnavailableError

ROLES = roles.ROLES
FIRST_OWNER = "owner"
MAX_ACTORS = 20
_ACTOR = re.compile(r"[!-~]{1,200}")
_ACCOUNT_ID = re.compile(r"[0-9a-f]{12}")
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")  # also safe in headers and log lines
_log = logging.getLogger("trail.users")


@dataclass(frozen=True, slots=True)
class User:
    """A user who can sign in; `actors` are the Segment actor IDs of the same person.

    `account_id` was drawn when the user was added; it is empty for users that no command added.
    """

    username: str
    name: str
    email: str
    role: str
    actors: tuple[str, ...] = ()
    account_id: str = ""

    @property
    def account(self) -> str:
        """Return what the user's own things are stored under; see `account_key`."""
        return account_key(self.username, self.account_id)

    def may(self, capability: str) -> bool:
        """Return whether the role has *capability* (see `roles`)."""
        return roles.may(self.role, capability)


def normalize_username(username: str) -> str:
    """Return *username* as it is stored and compared: trimmed and case-folded."""
    return username.strip().casefold()


class Users:
    """The users file at *path*; each call reads its current content."""

    def __init__(self, path: Path, *, warn: bool = True) -> None:
        """With *warn*, log the entries that cannot sign in."""
        self._path, self._warn = path, warn
        self._lock = threading.RLock()
        self._stamp: tuple[int, int, int] | None = None
        self._entries: dict[str, dict[str, Any]] = {}
        self._users: dict[str, User] = {}
        self._decoy = passwords.decoy_hash()

    def get(self, username: str) -> User | None:
        """Return the user with that name, ignoring case, or None."""
        with self._lock:
            self._refresh()
            return self._users.get(normalize_username(username))

    def all(self) -> list[User]:
        """Return all users, ordered by username."""
        with self._lock:
            self._refresh()
            return sorted(self._users.values(), key=lambda user: user.username)

    def credentials_digest(self, username: str) -> str:
        """Return a digest of password and role; an empty string for an unknown user."""
        with self._lock:
            self._refresh()
            user = self._users.get(normalize_username(username))
            if user is None:
                return ""
            credentials = f"{user.role} {self._entries[user.username]['password']}"
            return hashlib.sha256(credentials.encode()).hexdigest()

    def accounts(self) -> set[str]:
        """Return the `User.account` of everybody in the file, also of who cannot sign in."""
        with self._lock:
            self._refresh()
            return {account_key(name, _account_id(item)) for name, item in self._entries.items()}

    def hashes(self, *, unchecked: bool = False) -> dict[str, Any]:
        """Return the password entry by username; with *unchecked*, only those not set by us."""
        with self._lock:
            self._refresh()
            entries = {n: entry for n, entry in self._entries.items() if isinstance(entry, dict)}
        return {
            name: entry.get("password")
            for name, entry in entries.items()
            if not unchecked
            or entry.get("judged") != passwords.strength_mark(str(entry.get("password")))
        }

    def credentials(self) -> dict[str, Any]:
        """Return a new dictionary in the format of streamlit-authenticator."""
        with self._lock:
            self._refresh()
            fields = ("email", "first_name", "last_name", "name", "password", "roles")
            return {
                "usernames": {
                    name: {key: copy.copy(entry[key]) for key in fields if key in entry}
                    for name, entry in self._entries.items()
                    if name in self._users
                }
            }

    def check(self, username: str, password: str) -> bool:
        """Return whether the password is correct; takes one bcrypt even for an unknown user."""
        with self._lock:
            self._refresh()
            user = self._users.get(normalize_username(username))
            hash_ = self._entries[user.username]["password"] if user else self._decoy
        return passwords.matches(password, hash_) and user is not None

    def add(self, username: str, name: str, email: str, role: str, password: str) -> None:
        """Add a user; raises `InputError` for a taken name, unknown role or weak password."""
        key = normalize_username(username)
        if not _USERNAME.fullmatch(key):
            raise InputError(
                f"Invalid username {username!r}.",
                "Use 1 to 64 letters, digits or . _ @ + - and start with a letter or digit.",
            )
        _check_role(role)
        passwords.check_strength(key, password)
        entry = _entry(name, email, role, password)  # outside the lock, since hashing is slow
        with self._changing() as entries:
            if key in entries:
                raise InputError(f"User {key} already exists.", "Choose another username.")
            entries[key] = entry

    def remove(self, username: str) -> None:
        """Remove a user; the sessions of the user end with their next request."""
        with self._changing() as entries:
            del entries[_known(entries, username)]

    def set_password(self, username: str, password: str) -> None:
        """Set a new password; the sessions of the user end with their next request."""
        passwords.check_strength(normalize_username(username), password)
        hash_ = passwords.hash_password(password)
        with self._changing() as entries:
            entries[_known(entries, username)] |= _secret(hash_)

    def set_role(self, username: str, role: str) -> None:
        """Change the role; the sessions of the user end with their next request."""
        _check_role(role)
        with self._changing() as entries:
            entries[_known(entries, username)]["roles"] = [role]

    def set_actors(self, username: str, actors: Iterable[str]) -> None:
        """Link the account to these Segment actor IDs, or to none; raises `InputError`."""
        ids = list(dict.fromkeys(actor.strip() for actor in actors))
        if len(ids) > MAX_ACTORS or not all(_ACTOR.fullmatch(actor) for actor in ids):
            raise InputError(
                "Invalid actor ID.", f"Use up to {MAX_ACTORS} IDs such as users/abc123."
            )
        with self._changing() as entries:
            entry = entries[_known(entries, username)]
            entry.pop("actors", None)
            if ids:
                entry["actors"] = ids

    def first_owner(self) -> str | None:
        """Create the user `owner` if there is no users file; return its password."""
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
                _log.warning("users file: %r cannot sign in: unknown role or no bcrypt hash", name)
        self._stamp, self._entries, self._users = stamp, entries, users

    def _read(self) -> dict[str, Any]:
        try:
            text = self._path.read_text(encoding="utf-8")
            document = yaml.load(text, _Loader)  # noqa: S506 - a safe loader
            _entries_of(document)
        except FileNotFoundError:
            raise
        except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError):
            raise UnavailableError(
                "The users file cannot be read.", "The server administrator must repair it."
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


class _Loader(yaml.SafeLoader):
    """Refuses repeated keys, of which the last would silently replace the others."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping of *node*; raise `UnavailableError` for a repeated key."""
        known: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in known:
                raise _repeated(key.value, key.value)
            known.add(str(key.value))
        return super().construct_mapping(node, deep)


def _entries_of(document: Any) -> dict[str, dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {}
    spellings: dict[str, str] = {}
    for name, entry in document["credentials"]["usernames"].items():
        username = normalize_username(str(name))
        if username in entries:
            raise _repeated(spellings[username], str(name))
        entries[username], spellings[username] = entry, str(name)
    return entries


def _repeated(first: str, second: str) -> UnavailableError:
    return UnavailableError(
        f"The users file has {first!r} and {second!r}, which are the same.",
        "Remove or rename one of them in the file.",
    )


def _user_of(username: str, entry: Any) -> User | None:
    if not isinstance(entry, dict) or not _USERNAME.fullmatch(username):
        return None
    given = entry.get("roles") or []
    known = [role for role in (given if isinstance(given, list) else [given]) if role in ROLES]
    if not known or not passwords.is_hash(entry.get("password")):
        return None
    parts = (str(entry.get("first_name") or ""), str(entry.get("last_name") or ""))
    name = " ".join(part for part in parts if part) or str(entry.get("name") or username)
    actors = actor_ids(entry.get("actors"))
    email = str(entry.get("email") or "")
    return User(username, name, email, known[0], actors, _account_id(entry))


def _account_id(entry: object) -> str:
    given = entry.get("account") if isinstance(entry, dict) else None
    return given if isinstance(given, str) and _ACCOUNT_ID.fullmatch(given) else ""


def actor_ids(value: object) -> tuple[str, ...]:
    """Return the valid actor IDs of a stored value or of a claim, which is one text or a list."""
    values = value if isinstance(value, list) else [value]
    return tuple(
        item for item in values[:MAX_ACTORS] if isinstance(item, str) and _ACTOR.fullmatch(item)
    )


def _entry(name: str, email: str, role: str, password: str) -> dict[str, Any]:
    first, _, last = name.strip().partition(" ")
    return {
        "email": email.strip(),
        "first_name": first,
        "last_name": last.strip(),
        **_secret(passwords.hash_password(password)),
        "roles": [role],
        "account": secrets.token_hex(6),
    }


def _secret(hash_: str) -> dict[str, str]:
    return {"password": hash_, "judged": passwords.strength_mark(hash_)}


def _known(entries: dict[str, dict[str, Any]], username: str) -> str:
    key = normalize_username(username)
    if key not in entries:
        raise InputError(f"Unknown user {username!r}.", "List users: python -m trail users list")
    return key


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise InputError(f"Unknown role {role!r}.", f"Allowed: {', '.join(ROLES)}.")
