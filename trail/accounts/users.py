"""The users file: usernames, roles and password hashes, in the format of streamlit-authenticator.

The file is read again whenever it changes on disk, so that a removal or a new role takes effect
with the next request.
"""

import contextlib
import copy
import datetime as dt
import hashlib
import logging
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from trail.accounts import passwords, roles
from trail.accounts.user_entry import (
    MAX_DAYS,
    User,
    account_id_of,
    actor_ids,
    check_actors,
    check_end,
    check_role,
    check_username,
    end_after,
    end_of,
    name_fields,
    new_entry,
    password_fields,
    role_of,
    set_end_of,
    user_of,
)
from trail.accounts.users_file import Entries, UsersFile, normalize_username
from trail.core.account_key import account_key
from trail.core.errors import InputError

__all__ = ["FIRST_OWNER", "MAX_DAYS", "ROLES", "User", "Users", "actor_ids", "end_after"]
ROLES = roles.ROLES
FIRST_OWNER = "owner"
_log = logging.getLogger("trail.users")


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
        self.path = path
        self._file, self._warn = UsersFile(path), warn
        self._lock = threading.RLock()
        self._stamp: tuple[int, int, int] | None = None
        self._entries: Entries = {}
        self._users: dict[str, User] = {}
        self._decoy = passwords.decoy_hash()

    def get(self, username: str) -> User | None:
        """Return the user with that name, ignoring case, or None if that user cannot sign in."""
        with self._lock:
            self._refresh()
            user = self._users.get(normalize_username(username))
        return user if user and user.is_active(self._clock()) else None

    def all(self) -> list[User]:
        """Return all users, including those that cannot sign in, ordered by username."""
        with self._lock:
            self._refresh()
            return sorted(self._users.values(), key=lambda user: user.username)

    def of_account(self, account: str) -> User | None:
        """Return the user with that `User.account`, or None if that user cannot sign in."""
        users = (user for user in self.all() if user.is_active(self._clock()))
        return next((user for user in users if user.account == account), None)

    def credentials_digest(self, username: str) -> str:
        """Return a digest of password and role; an empty string for an unknown user.

        What it proves ends with a change of either, as sessions do.
        """
        return self._digest(username, lambda user, hash_: f"{user.role} {hash_}")

    def password_digest(self, username: str) -> str:
        """Return a digest of the password alone; an empty string for an unknown user."""
        return self._digest(username, lambda _, hash_: f"password {hash_}")

    def _digest(self, username: str, content: Callable[[User, str], str]) -> str:
        with self._lock:
            self._refresh()
            user = self._users.get(normalize_username(username))
            if user is None:
                return ""
            text = content(user, self._entries[user.username]["password"])
        return hashlib.sha256(text.encode()).hexdigest()

    def accounts(self) -> set[str]:
        """Return the `User.account` of everybody in the file, also of who cannot sign in."""
        with self._lock:
            self._refresh()
            return {account_key(name, account_id_of(item)) for name, item in self._entries.items()}

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
        """Add a user; raises `InputError` for a name in use, unknown role or weak password.

        The access ends at *ends_at* (aware), which is required for auditors.
        """
        key = normalize_username(username)
        check_username(key)
        check_role(role)
        check_end(role, ends_at)
        passwords.check_strength(key, password, name, email)
        # Outside the lock, since hashing is slow.
        entry = new_entry(name, email, role, password, ends_at)
        with self._file.changing() as entries:
            if key in entries:
                raise InputError(f"User {key} already exists.", "Choose another username.")
            entries[key] = entry

    def remove(self, username: str) -> None:
        """Remove a user other than the last owner; sessions end with the next request."""
        with self._changing(username) as entries:
            del entries[_known(entries, username)]

    def set_password(self, username: str, password: str) -> None:
        """Set a new password; the sessions of the user end with their next request."""
        user = next(
            (user for user in self.all() if user.username == normalize_username(username)), None
        )
        known = (user.name, user.email) if user else ()
        passwords.check_strength(normalize_username(username), password, *known)
        hash_ = passwords.hash_password(password)
        with self._file.changing() as entries:
            entry = entries[_known(entries, username)]
            entry.pop("blocked", None)
            entry |= password_fields(hash_)

    def change_password(self, username: str, old: str, new: str) -> None:
        """Set a new password like `set_password`, if *old* is correct; raises `InputError`."""
        if not self.check(username, old):
            raise InputError("The current password is wrong.", "Try again.")
        if passwords.prepare(old) == passwords.prepare(new):
            raise InputError(
                "The new password is the same as the current one.", "Choose another one."
            )
        self.set_password(username, new)

    def block(self, username: str) -> None:
        """Invalidate the password until a new one is set; sessions end as well.

        Raises `InputError` for an unknown user and for the last owner.
        """
        with self._changing(username) as entries:
            entry = entries[_known(entries, username)]
            entry |= {"password": passwords.decoy_hash(), "blocked": True}

    def set_name(self, username: str, name: str) -> None:
        """Set the full name; raises `InputError` for an unknown user."""
        with self._file.changing() as entries:
            entries[_known(entries, username)] |= name_fields(name)

    def set_role(self, username: str, role: str) -> None:
        """Change the role, but not of the last owner; sessions end with the next request."""
        check_role(role)
        with self._changing(username) as entries:
            entry = entries[_known(entries, username)]
            check_end(role, end_of(entry))
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
        """Set the end of access to *ends_at* (aware); None for no end.

        Raises `InputError` for the last owner, for an auditor without an end, and for an end in the
        past or more than `MAX_DAYS` ahead.
        """
        now = self._clock()
        if ends_at and not now < ends_at <= now + dt.timedelta(days=MAX_DAYS):
            raise InputError(
                "The end of access is in the past or too far ahead.", f"Use 1 to {MAX_DAYS} days."
            )
        with self._changing(username) as entries:
            entry = entries[_known(entries, username)]
            check_end(role_of(entry), ends_at)
            set_end_of(entry, ends_at)

    def set_access(
        self, username: str, role: str, ends_at: dt.datetime | None, *, seen: User | None = None
    ) -> None:
        """Set role and end of the access (aware; None for never) at once.

        The user's sessions end with a new role. *seen* is the user as shown when the change was
        made. Raises `InputError` like `set_role` and `set_end`, and if role or end have changed
        since.
        """
        check_role(role)
        check_end(role, ends_at)
        with self._changing(username) as entries:
            entry = entries[_known(entries, username)]
            if seen and (seen.role, seen.ends_at) != (role_of(entry), end_of(entry)):
                raise InputError(
                    f"The access of {normalize_username(username)} has changed in the meantime.",
                    "Reload the page.",
                )
            entry["roles"] = [role]
            set_end_of(entry, ends_at)

    @contextlib.contextmanager
    def _changing(self, username: str) -> Iterator[Entries]:
        """Yield the entries for changes; raise `InputError` if *username* was the last owner."""
        with self._file.changing() as entries:
            before = self._best_owner(entries)
            yield entries
            if self._best_owner(entries) < before:
                raise InputError(
                    f"{normalize_username(username)} is the last owner.",
                    "Make another user an owner first.",
                )

    def _best_owner(self, entries: Entries) -> int:
        """Return 2 if an owner has unlimited access, 1 if only limited access, 0 without one."""
        now, best = self._clock(), 0
        for name, entry in entries.items():
            user = user_of(name, entry)
            is_owner = user and user.role == "owner" and user.is_active(now)
            if user and is_owner and not entry.get("blocked"):
                best = max(best, 1 if user.ends_at else 2)
        return best

    def set_actors(self, username: str, actors: Iterable[str], *, seen: User | None = None) -> None:
        """Link the account to these Segment actor IDs, or to none.

        *seen* is the user as shown when the change was made. Raises `InputError` for invalid IDs,
        and if the links have changed since.
        """
        ids = list(dict.fromkeys(actor.strip() for actor in actors))
        check_actors(ids)
        with self._file.changing() as entries:
            entry = entries[_known(entries, username)]
            if seen and seen.actors != actor_ids(entry.get("actors")):
                raise InputError(
                    f"The actors of {normalize_username(username)} have changed in the meantime.",
                    "Reload the page.",
                )
            entry.pop("actors", None)
            if ids:
                entry["actors"] = ids

    def first_owner(self) -> str | None:
        """Create the user `owner` if there is no users file; return its password."""
        with self._file.locked():
            if self._file.exists():
                return None
            password = secrets.token_urlsafe(18)
            entry = new_entry("Owner", "", "owner", password)
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
            if user := user_of(name, entry):
                users[name] = user
            elif self._warn:
                _log.warning("users file: %r cannot sign in: unknown role or no bcrypt hash", name)
        self._stamp, self._entries, self._users = stamp, entries, users


def _known(entries: Entries, username: str) -> str:
    key = normalize_username(username)
    if key not in entries:
        raise InputError(f"Unknown user {username!r}.", "List users: python -m trail users list")
    return key
