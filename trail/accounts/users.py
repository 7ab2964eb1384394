"""The users file: usernames, roles and password hashes, in the format of streamlit-authenticator.

The file is read again whenever it changes on disk, so that a removal or a new role takes effect
with the next request.
"""

import contextlib
import copy
import datetime as dt
import hashlib
import logging
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trail.accounts import passwords, roles
from trail.accounts.users_file import Entries, UsersFile, normalize_username
from trail.core.account_key import account_key
from trail.core.errors import InputError

ROLES = roles.ROLES
FIRST_OWNER = "owner"
MAX_ACTORS = 20
MAX_DAYS = 366
_LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_ACTOR = re.compile(r"[!-~]{1,200}")
_ACCOUNT_ID = re.compile(r"[0-9a-f]{12}")
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")  # also safe in headers and log lines
_log = logging.getLogger("trail.users")


@dataclass(frozen=True, slots=True)
class User:
    """A user; `actors` are the Segment actor IDs of the same person.

    `account_id` was drawn when the user was added; it is empty for users that no command added. A
    user that is `disabled`, or whose access ended at `ends_at` (aware, UTC), cannot sign in.
    """

    username: str
    name: str
    email: str
    role: str
    actors: tuple[str, ...] = ()
    account_id: str = ""
    disabled: bool = False
    ends_at: dt.datetime | None = None

    def is_active(self, now: dt.datetime) -> bool:
        """Return whether the user may sign in at *now* (aware)."""
        return not self.disabled and (self.ends_at is None or now < self.ends_at)

    @property
    def account(self) -> str:
        """Return what the user's own things are stored under; see `account_key`."""
        return account_key(self.username, self.account_id)

    def may(self, capability: str) -> bool:
        """Return whether the role has *capability* (see `roles`)."""
        return roles.may(self.role, capability)


class Users:
    """The users file at *path*; each call reads its current content."""

    def __init__(
        self,
        path: Path,
        *,
        warn: bool = True,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        """With *warn*, log the entries that cannot sign in; *clock* returns aware times."""
        self._clock = clock
        self._file, self._warn = UsersFile(path), warn
        self._lock = threading.RLock()
        self._stamp: tuple[int, int, int] | None = None
        self._entries: Entries = {}
        self._users: dict[str, User] = {}
        self._decoy = passwords.decoy_hash()

    def get(self, username: str) -> User | None:
        """Return the user with that name, ignoring case, or None if nobody can sign in with it."""
        with self._lock:
            self._refresh()
            user = self._users.get(normalize_username(username))
        return user if user and user.is_active(self._clock()) else None

    def all(self) -> list[User]:
        """Return all users, also those that cannot sign in now, ordered by username."""
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
                    if name in self._users and self._users[name].is_active(self._clock())
                }
            }

    def check(self, username: str, password: str) -> bool:
        """Return whether the password is correct; takes one bcrypt even for an unknown user."""
        with self._lock:
            self._refresh()
            user = self.get(username)
            hash_ = self._entries[user.username]["password"] if user else self._decoy
        return passwords.matches(password, hash_) and user is not None

    def add(
        self,
        username: str,
        name: str,
        email: str,
        role: str,
        password: str,
        ends_at: dt.datetime | None = None,
    ) -> None:
        """Add a user; raises `InputError` for a taken name, unknown role or weak password.

        The access ends at *ends_at* (aware), which an auditor must have.
        """
        key = normalize_username(username)
        if not _USERNAME.fullmatch(key):
            raise InputError(
                f"Invalid username {username!r}.",
                "Use 1 to 64 letters, digits or . _ @ + - and start with a letter or digit.",
            )
        _check_role(role)
        _check_end(role, ends_at)
        passwords.check_strength(key, password)
        entry = _entry(
            name, email, role, password, ends_at
        )  # outside the lock, since hashing is slow
        with self._file.changing() as entries:
            if key in entries:
                raise InputError(f"User {key} already exists.", "Choose another username.")
            entries[key] = entry

    def remove(self, username: str) -> None:
        """Remove a user, whose sessions end with the next request; not the last owner."""
        with self._changing(username) as entries:
            del entries[_known(entries, username)]

    def set_password(self, username: str, password: str) -> None:
        """Set a new password; the sessions of the user end with their next request."""
        passwords.check_strength(normalize_username(username), password)
        hash_ = passwords.hash_password(password)
        with self._file.changing() as entries:
            entries[_known(entries, username)] |= _secret(hash_)

    def set_role(self, username: str, role: str) -> None:
        """Change the role; the user's sessions end with their next request; not the last owner."""
        _check_role(role)
        with self._changing(username) as entries:
            entry = entries[_known(entries, username)]
            _check_end(role, _ends_at(entry))
            entry["roles"] = [role]

    def set_disabled(self, username: str, *, disabled: bool) -> None:
        """Refuse or allow sign-in; the user's sessions end with their next request.

        Raises `InputError` for the last owner.
        """
        with self._changing(username) as entries:
            entry = entries[_known(entries, username)]
            entry.pop("disabled", None)
            if disabled:
                entry["disabled"] = True

    def set_end(self, username: str, ends_at: dt.datetime | None) -> None:
        """Let the access end at *ends_at* (aware), or never with None.

        Raises `InputError` for the last owner, for an auditor without an end, and for an end that
        is past or more than `MAX_DAYS` ahead.
        """
        now = self._clock()
        if ends_at and not now < ends_at <= now + dt.timedelta(days=MAX_DAYS):
            raise InputError(
                "The end of the access is past or too far ahead.", f"Use 1 to {MAX_DAYS} days."
            )
        with self._changing(username) as entries:
            entry = entries[_known(entries, username)]
            _check_end(_role(entry), ends_at)
            entry.pop("ends_at", None)
            if ends_at:
                entry["ends_at"] = ends_at.astimezone(dt.UTC).isoformat(timespec="seconds")

    @contextlib.contextmanager
    def _changing(self, username: str) -> Iterator[Entries]:
        """Give the entries to change; raise `InputError` if no owner were left for *username*."""
        with self._file.changing() as entries:
            had_owner = self._has_owner(entries)
            yield entries
            if had_owner and not self._has_owner(entries):
                raise InputError(
                    f"{normalize_username(username)} is the last owner.",
                    "Make another user an owner first.",
                )

    def _has_owner(self, entries: Entries) -> bool:
        users = [_user_of(name, entry) for name, entry in entries.items()]
        now = self._clock()
        return any(user and user.role == "owner" and user.is_active(now) for user in users)

    def set_actors(self, username: str, actors: Iterable[str]) -> None:
        """Link the account to these Segment actor IDs, or to none; raises `InputError`."""
        ids = list(dict.fromkeys(actor.strip() for actor in actors))
        if len(ids) > MAX_ACTORS or not all(_ACTOR.fullmatch(actor) for actor in ids):
            raise InputError(
                "Invalid actor ID.", f"Use up to {MAX_ACTORS} IDs such as users/abc123."
            )
        with self._file.changing() as entries:
            entry = entries[_known(entries, username)]
            entry.pop("actors", None)
            if ids:
                entry["actors"] = ids

    def first_owner(self) -> str | None:
        """Create the user `owner` if there is no users file; return its password."""
        with self._file.locked():
            if self._file.exists():
                return None
            password = secrets.token_urlsafe(18)
            entry = _entry("Owner", "", "owner", password)
            self._file.create({FIRST_OWNER: entry})
            return password

    def _refresh(self) -> None:
        stamp = self._file.stamp()
        if stamp == self._stamp:
            return
        try:
            entries = self._file.entries()
        except FileNotFoundError:
            stamp, entries = (0, 0, 0), {}
        users: dict[str, User] = {}
        for name, entry in entries.items():
            if user := _user_of(name, entry):
                users[name] = user
            elif self._warn:
                _log.warning("users file: %r cannot sign in: unknown role or no bcrypt hash", name)
        self._stamp, self._entries, self._users = stamp, entries, users


def _user_of(username: str, entry: Any) -> User | None:
    if not isinstance(entry, dict) or not _USERNAME.fullmatch(username):
        return None
    role = _role(entry)
    if not role or not passwords.is_hash(entry.get("password")):
        return None
    parts = (str(entry.get("first_name") or ""), str(entry.get("last_name") or ""))
    name = " ".join(part for part in parts if part) or str(entry.get("name") or username)
    return User(
        username,
        name,
        str(entry.get("email") or ""),
        role,
        actor_ids(entry.get("actors")),
        _account_id(entry),
        disabled=bool(entry.get("disabled")),
        ends_at=_ends_at(entry),
    )


def _role(entry: dict[str, Any]) -> str:
    """Return the first known role of *entry*, or an empty string."""
    given = entry.get("roles") or []
    known = [role for role in (given if isinstance(given, list) else [given]) if role in ROLES]
    return known[0] if known else ""


def _ends_at(entry: dict[str, Any]) -> dt.datetime | None:
    """Return when the access ends (aware); one that cannot be read has ended."""
    given = entry.get("ends_at")
    if given is None:
        return None
    try:
        end = given if isinstance(given, dt.datetime) else dt.datetime.fromisoformat(str(given))
    except ValueError:
        return _LONG_AGO
    return end if end.tzinfo else end.replace(tzinfo=dt.UTC)


def _check_end(role: str, ends_at: dt.datetime | None) -> None:
    if role in roles.TIME_LIMITED and ends_at is None:
        raise InputError(f"The access of the role {role} must end.", "Say for how many days.")


def _account_id(entry: object) -> str:
    given = entry.get("account") if isinstance(entry, dict) else None
    return given if isinstance(given, str) and _ACCOUNT_ID.fullmatch(given) else ""


def actor_ids(value: object) -> tuple[str, ...]:
    """Return the valid actor IDs of a stored value or of a claim, which is one text or a list."""
    values = value if isinstance(value, list) else [value]
    return tuple(
        item for item in values[:MAX_ACTORS] if isinstance(item, str) and _ACTOR.fullmatch(item)
    )


def _entry(
    name: str, email: str, role: str, password: str, ends_at: dt.datetime | None = None
) -> dict[str, Any]:
    first, _, last = name.strip().partition(" ")
    end = {"ends_at": ends_at.astimezone(dt.UTC).isoformat(timespec="seconds")} if ends_at else {}
    return {
        "email": email.strip(),
        "first_name": first,
        "last_name": last.strip(),
        **_secret(passwords.hash_password(password)),
        "roles": [role],
        "account": secrets.token_hex(6),
        **end,
    }


def _secret(hash_: str) -> dict[str, str]:
    return {"password": hash_, "judged": passwords.strength_mark(hash_)}


def _known(entries: Entries, username: str) -> str:
    key = normalize_username(username)
    if key not in entries:
        raise InputError(f"Unknown user {username!r}.", "List users: python -m trail users list")
    return key


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise InputError(f"Unknown role {role!r}.", f"Allowed: {', '.join(ROLES)}.")
