"""Changes to users by owners on Admin: the role check, the change, the access-log entry."""

import datetime as dt

from trail.accounts.invitations import Invitations
from trail.accounts.users import User, end_after
from trail.core.errors import InputError
from trail.runtime import process
from ui.audit import record_action
from ui.page import acting_user, factors

CAPABILITY = "manage_users"


def open_invitations() -> Invitations:
    """Return the invitations of this server."""
    return Invitations(process.current().users)


def invite(username: str, name: str, role: str, days: int) -> str:
    """Invite a new user and return the secret of the invitation; *days* of access, 0 for no end.

    All functions here raise `InputError`, also for users without permission.
    """
    user = acting_user(CAPABILITY)
    end = end_after(days, dt.datetime.now(dt.UTC))
    pending = open_invitations()
    item, secret = pending.invite(username, name, role, end, user.username)
    record_action("user_invited", user, item.username, _access(role, end))
    return secret


def reset(username: str) -> str:
    """Replace the password with an invitation, and return its secret.

    Sessions end, and the API tokens of the user are revoked.
    """
    user = acting_user(CAPABILITY)
    runtime, pending = process.current(), open_invitations()
    account = next((one.account for one in runtime.users.all() if one.username == username), "")
    _, secret = pending.reset(username, user.username)
    revoked = runtime.tokens.revoke_all_of(account) if runtime.tokens else []
    detail = f"tokens revoked: {', '.join(revoked)}" if revoked else ""
    record_action("user_reset", user, username, detail)
    return secret


def revoke(username: str) -> None:
    """Revoke the open invitation of *username*."""
    user = acting_user(CAPABILITY)
    pending = open_invitations()
    pending.revoke(username)
    record_action("invitation_revoked", user, username)


def set_access(seen: User, role: str, ends_at: dt.datetime | None) -> None:
    """Set role and end of access (aware; None for no end) of the user *seen* on the page.

    Raises `InputError` if they have changed since.
    """
    user = acting_user(CAPABILITY)
    process.current().users.set_access(seen.username, role, ends_at, seen=seen)
    record_action("role_set", user, seen.username, _access(role, ends_at))


def set_disabled(username: str, *, disabled: bool) -> None:
    """Disable or enable a user."""
    user = acting_user(CAPABILITY)
    process.current().users.set_disabled(username, disabled=disabled)
    record_action("user_disabled" if disabled else "user_enabled", user, username)


def remove(username: str) -> None:
    """Remove a user."""
    user = acting_user(CAPABILITY)
    process.current().users.remove(username)
    record_action("user_removed", user, username)


def reset_factor(username: str) -> None:
    """Remove the second factor of a user, who then signs in with the password or sets up a new one.

    Sessions are kept.
    """
    user = acting_user(CAPABILITY)
    found = next((one for one in process.current().users.all() if one.username == username), None)
    if found is None:
        raise InputError(f"Unknown user {username!r}.", "Reload the page.")
    if found.username == user.username:
        raise InputError(
            "You cannot reset your own second factor.", "Turn it off on Account, with a code."
        )
    second_factors = factors()
    second_factors.remove(found.account)
    record_action("factor_reset", user, username)


def link(seen: User, actors: list[str]) -> None:
    """Link the user *seen* on the page to Segment actors, or to none."""
    user = acting_user(CAPABILITY)
    process.current().users.set_actors(seen.username, actors, seen=seen)
    record_action("linked", user, seen.username, ", ".join(actors))


def _access(role: str, ends_at: dt.datetime | None) -> str:
    return f"{role} until {ends_at:%Y-%m-%d %H:%M} UTC" if ends_at else role
