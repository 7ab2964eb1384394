"""One entry of the users file: the user it describes, and the fields of a new entry."""

import datetime as dt
import re
import secrets
from dataclasses import dataclass
from typing import Any

from trail.accounts import passwords, roles
from trail.core.account_key import account_key
from trail.core.errors import InputError

MAX_ACTORS = 20
MAX_DAYS = 366
_LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_ACTOR = re.compile(r"[!-~]{1,200}")
_ACCOUNT_ID = re.compile(r"[0-9a-f]{12}")
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")  # also safe in headers and log lines


@dataclass(frozen=True, slots=True)
class User:
    """A user; `actors` are the Segment actor IDs of the same person.

    `account_id` is a random ID from when the user was added; it is empty for users not added by a
    command. A user who is `disabled`, or whose access ended at `ends_at` (aware, UTC), cannot sign
    in. For an API token, `owner_role` is the role of the token's owner.
    """

    username: str
    name: str
    email: str
    role: str
    actors: tuple[str, ...] = ()
    account_id: str = ""
    disabled: bool = False
    ends_at: dt.datetime | None = None
    owner_role: str = ""

    def is_active(self, now: dt.datetime) -> bool:
        """Return whether the user may sign in at *now* (aware)."""
        return not self.disabled and (self.ends_at is None or now < self.ends_at)

    @property
    def account(self) -> str:
        """Return the key under which the user's data is stored; see `account_key`."""
        return account_key(self.username, self.account_id)

    def may(self, capability: str) -> bool:
        """Return whether the role has *capability* (see `roles`)."""
        return roles.may(self.role, capability)


def user_of(username: str, entry: Any) -> User | None:
    """Return the user of *entry*, or None if nobody can sign in with it."""
    if not isinstance(entry, dict) or not _USERNAME.fullmatch(username):
        return None
    role = role_of(entry)
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
        account_id_of(entry),
        disabled=bool(entry.get("disabled")),
        ends_at=end_of(entry),
    )


def role_of(entry: dict[str, Any]) -> str:
    """Return the first known role of *entry*, or an empty string."""
    given = entry.get("roles") or []
    known = [
        role for role in (given if isinstance(given, list) else [given]) if role in roles.ROLES
    ]
    return known[0] if known else ""


def end_of(entry: dict[str, Any]) -> dt.datetime | None:
    """Return when the access ends (aware); an unreadable value counts as ended."""
    given = entry.get("ends_at")
    if given is None:
        return None
    try:
        end = given if isinstance(given, dt.datetime) else dt.datetime.fromisoformat(str(given))
    except ValueError:
        return _LONG_AGO
    return end if end.tzinfo else end.replace(tzinfo=dt.UTC)


def set_end_of(entry: dict[str, Any], ends_at: dt.datetime | None) -> None:
    """Set the end of the access of *entry* to *ends_at* (aware); None for no end."""
    entry.pop("ends_at", None)
    if ends_at:
        entry["ends_at"] = ends_at.astimezone(dt.UTC).isoformat(timespec="seconds")


def check_end(role: str, ends_at: dt.datetime | None) -> None:
    """Raise `InputError` if the access of the role must end and *ends_at* is None."""
    if role in roles.TIME_LIMITED and ends_at is None:
        raise InputError(f"Access for the role {role} must have an end.", "Set the number of days.")


def end_after(days: int | None, now: dt.datetime) -> dt.datetime | None:
    """Return the end (aware) of access for *days* from *now* (aware); None for None or 0.

    Raises `InputError` for a negative number or one beyond `MAX_DAYS`.
    """
    if not days:
        return None
    if not 1 <= days <= MAX_DAYS:
        raise InputError(f"Invalid number of days: {days}.", f"Use 1 to {MAX_DAYS} days.")
    return now + dt.timedelta(days=days)


def account_id_of(entry: object) -> str:
    """Return the random ID from when the user was added, or an empty string."""
    given = entry.get("account") if isinstance(entry, dict) else None
    return given if isinstance(given, str) and _ACCOUNT_ID.fullmatch(given) else ""


def actor_ids(value: object) -> tuple[str, ...]:
    """Return the valid actor IDs of a stored value or a claim, which is a string or a list."""
    values = value if isinstance(value, list) else [value]
    return tuple(
        item for item in values[:MAX_ACTORS] if isinstance(item, str) and _ACTOR.fullmatch(item)
    )


def new_entry(
    name: str, email: str, role: str, password: str, ends_at: dt.datetime | None = None
) -> dict[str, Any]:
    """Return the entry of a new user, with the hash of *password*."""
    end = {"ends_at": ends_at.astimezone(dt.UTC).isoformat(timespec="seconds")} if ends_at else {}
    return {
        "email": email.strip(),
        **name_fields(name),
        **password_fields(passwords.hash_password(password)),
        "roles": [role],
        "account": secrets.token_hex(6),
        **end,
    }


def name_fields(name: str) -> dict[str, str]:
    """Return the fields of a full name."""
    first, _, last = name.strip().partition(" ")
    return {"first_name": first, "last_name": last.strip()}


def password_fields(hash_: str) -> dict[str, str]:
    """Return the fields of a password that passed the strength check."""
    return {"password": hash_, "judged": passwords.strength_mark(hash_)}


def check_role(role: str) -> None:
    if role not in roles.ROLES:
        raise InputError(f"Unknown role {role!r}.", f"Allowed: {', '.join(roles.ROLES)}.")


def check_actors(ids: list[str]) -> None:
    """Raise `InputError` for an invalid actor ID, or for too many."""
    if len(ids) > MAX_ACTORS or not all(_ACTOR.fullmatch(actor) for actor in ids):
        raise InputError("Invalid actor ID.", f"Use up to {MAX_ACTORS} IDs such as users/abc123.")


def check_username(username: str) -> None:
    """Raise `InputError` for a name (normalized) that no user can have."""
    if not _USERNAME.fullmatch(username):
        raise InputError(
            f"Invalid username {username!r}.",
            "Use 1 to 64 letters, digits or . _ @ + - and start with a letter or digit.",
        )
