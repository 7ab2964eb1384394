"""The user of this tab, and the parameters they may use if e-mails are masked."""

from collections.abc import Iterable

from trail.accounts.sessions import session_user
from trail.accounts.users import User
from trail.runtime import process
from trail.web import email_masks
from ui import script_run


def current_user() -> User | None:
    """Return the user of the session, checked on every call; None if not signed in."""
    headers = script_run.identity()
    sid_hash = headers.get("sid")
    if not isinstance(sid_hash, str) or not sid_hash:
        return None
    runtime = process.current()
    # A run may start without user activity.
    user = session_user(runtime.sessions, runtime.users, sid_hash, touch=False)
    return user if user and user.username == headers.get("username") else None


def askable(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the parameters of a URL or view, without searches for e-mails if masked.

    Checked here and not only at the start of a page, since a browser can rerun part of a page.
    """
    if not process.current().settings.auth.mask_emails or not email_masks.is_masked(current_user()):
        return list(pairs)
    return [pair for pair in pairs if not email_masks.leads_to_emails(*pair)]
