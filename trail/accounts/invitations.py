"""Invitations: one-time links for setting one's own password.

Only the hash of a link's secret is stored. An invitation is for a new user, or resets an existing
user, whose old password stopped working when it was created.
"""

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from trail.accounts.oidc import PREFIX as PROVIDER_PREFIX
from trail.accounts.user_entry import User, check_end, check_role, check_username
from trail.accounts.users import Users
from trail.accounts.users_file import normalize_username
from trail.core import atomic_file
from trail.core.errors import InputError, UnavailableError
from trail.core.settings import Settings
from trail.core.text import printable

DAYS = 7
_FILE = "invitations.json"
PREFIX = "trail_invite_"
_UNKNOWN = InputError(
    "This invitation was used or revoked, or has expired.", "Ask an owner for a new one."
)


@dataclass(frozen=True, slots=True)
class Invitation:
    """A stored invitation. Times are ISO 8601 in UTC; `ends_at` is the end of access, or empty.

    `account` is the `User.account` of the user whom it resets, and empty for a new user.
    `credentials` is the digest of the password that it replaces. `by_account` is the account of
    `by`, empty for a user of the provider, and in invitations that earlier versions stored.
    """

    username: str
    name: str
    role: str
    hash: str
    by: str
    made_at: str
    until: str
    ends_at: str = ""
    account: str = ""
    credentials: str = ""
    by_account: str = ""

    def is_open(self, now: dt.datetime) -> bool:
        """Return whether the invitation can be accepted at *now* (aware)."""
        return now < dt.datetime.fromisoformat(self.until) and (
            not self.ends_at or now < dt.datetime.fromisoformat(self.ends_at)
        )


def path_of(settings: Settings) -> Path:
    """Return the path of the invitations file, beside the users file."""
    return settings.auth.users_path.with_name(_FILE)


class Invitations:
    """The invitations to *users*, in a file beside theirs; each call reads the current content.

    Each call raises `UnavailableError` if the file cannot be read.
    """

    def __init__(
        self,
        users: Users,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        """*clock* returns aware times."""
        self._path = users.path.with_name(_FILE)
        self._users, self._clock = users, clock

    def all(self) -> list[Invitation]:
        """Return the invitations that can still be accepted, ordered by username."""
        now = self._clock()
        pending = [item for item in self._read() if item.is_open(now) and self._is_valid(item)]
        return sorted(pending, key=lambda item: item.username)

    def invite(
        self, username: str, name: str, role: str, ends_at: dt.datetime | None, by: str
    ) -> tuple[Invitation, str]:
        """Invite a new user; return the invitation and its secret, which is not stored.

        It replaces an earlier invitation of that name. The access ends at *ends_at* (aware), which
        is required for auditors. Raises `InputError` for a name in use, an invalid name or an
        unknown role.
        """
        key = normalize_username(username)
        check_username(key)
        check_role(role)
        check_end(role, ends_at)
        if self._user(key):
            raise InputError(f"User {key} already exists.", "Choose another username.")
        end = ends_at.astimezone(dt.UTC).isoformat(timespec="seconds") if ends_at else ""
        return self._add(key, _clean(name) or key, role, by, ends_at=end)

    def reset(self, username: str, by: str) -> tuple[Invitation, str]:
        """Replace a user's password with an invitation to set a new one; end the sessions.

        Return the invitation and its secret. Raises `InputError` for an unknown user, and for the
        user *by*, who could be the last one able to sign in.
        """
        key = normalize_username(username)
        user = self._user(key)
        if user is None:
            raise InputError(f"Unknown user {username!r}.")
        if key == normalize_username(by):
            raise InputError(
                "You cannot reset your own account.", "Change your password on Account."
            )
        self._users.block(key)
        digest = self._users.password_digest(key)
        return self._add(key, user.name, user.role, by, account=user.account, credentials=digest)

    def revoke(self, username: str) -> None:
        """Delete the invitation of *username*; raises `InputError` if there is none."""
        key = normalize_username(username)
        with atomic_file.locked(self._path):
            known = self._read()
            others = [item for item in known if item.username != key]
            if len(others) == len(known):
                raise InputError(f"No invitation for {username!r}.", "Reload the page.")
            self._write(others)

    def find(self, secret: str) -> Invitation:
        """Return the open invitation with that *secret*; raises `InputError` if there is none."""
        now, hash_ = self._clock(), _hash(secret)
        for item in self._read():
            is_asked = secrets.compare_digest(item.hash, hash_)
            if is_asked and item.is_open(now) and self._is_valid(item):
                return item
        raise _UNKNOWN

    def _is_valid(self, item: Invitation) -> bool:
        """Return whether who invited still may, and a reset user has got no password since.

        Both are accounts: a user who was added later under the same name is another person.
        """
        if not item.by.startswith(PROVIDER_PREFIX):
            owner = self._users.get(item.by)
            if owner is None or not owner.may("manage_users"):
                return False
            if item.by_account and owner.account != item.by_account:
                return False
        if not item.account:
            return True
        user = self._user(item.username)
        if user is None or user.account != item.account:
            return False
        # Not the role, which an owner may change in the meantime. Earlier versions included it.
        password = self._users.password_digest(item.username)
        credentials = self._users.credentials_digest(item.username)
        return item.credentials in ("", password, credentials)

    def accept(self, secret: str, name: str, password: str) -> Invitation:
        """Accept the invitation with *secret*: set name and *password*, and add a new user.

        Return the invitation, with the role that the user has by now. Raises `InputError`, and
        leaves the invitation open, for a password that is easy to guess.
        """
        with atomic_file.locked(self._path):
            found = self.find(secret)
            chosen = _clean(name) or found.name
            if found.account:
                self._users.set_password(found.username, password)
                self._users.set_name(found.username, chosen)
            else:
                end = dt.datetime.fromisoformat(found.ends_at) if found.ends_at else None
                self._users.add(found.username, chosen, "", found.role, password, end)
            self._write([item for item in self._read() if item.username != found.username])
            user = self._user(found.username)
        return replace(found, role=user.role) if user else found

    def _user(self, username: str) -> User | None:
        return next((user for user in self._users.all() if user.username == username), None)

    def _add(
        self,
        username: str,
        name: str,
        role: str,
        by: str,
        *,
        ends_at: str = "",
        account: str = "",
        credentials: str = "",
    ) -> tuple[Invitation, str]:
        owner = self._user(normalize_username(by))
        if owner is None and not by.startswith(PROVIDER_PREFIX):
            raise InputError(f"Unknown user {by!r}.", "Sign in again.")
        secret = PREFIX + secrets.token_urlsafe(32)
        now = self._clock().replace(microsecond=0)
        until = now + dt.timedelta(days=DAYS)
        item = Invitation(
            *(username, name, role, _hash(secret), by, now.isoformat(), until.isoformat()),
            ends_at=ends_at,
            account=account,
            credentials=credentials,
            by_account=owner.account if owner else "",
        )
        with atomic_file.locked(self._path):
            others = [known for known in self._read() if known.username != username]
            self._write([*(known for known in others if known.is_open(now)), item])
        return item, secret

    def _read(self) -> list[Invitation]:
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))["invitations"]
            items = [Invitation(**row) for row in rows]
            for item in items:
                item.is_open(self._clock())  # raises for an unreadable time
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError):
            raise UnavailableError(
                "The invitations file cannot be read.", "The server administrator must repair it."
            ) from None
        return items

    def _write(self, items: list[Invitation]) -> None:
        document = {"invitations": [asdict(item) for item in items]}
        atomic_file.replace(self._path, json.dumps(document, indent=1) + "\n")


def _clean(name: str) -> str:
    return " ".join(printable(name, " ").split())[:100]


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
