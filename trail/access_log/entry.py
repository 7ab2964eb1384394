"""One entry of the access log, and the label of each kind.

Passwords, codes and tokens are never recorded; anything that looks like a token is masked.
"""

import datetime as dt
import logging
import re
from dataclasses import asdict, dataclass
from typing import Any

from trail.core.text import printable

# Label by kind. The kinds are stored, so they never change.
KINDS = {
    "signed_in": "Signed in",
    "sign_in_refused": "Sign-in refused",
    "signed_out": "Signed out",
    "session_ended": "Session ended",
    "session_refused": "Session refused",
    "page_refused": "Page refused",
    "route_refused": "Route refused",
    "token_refused": "Token refused",
    "viewed": "Page viewed",
    "read": "API read",
    "exported": "Downloaded",
    "evidence": "Evidence pack downloaded",
    "decided": "Finding reviewed",
    "assigned": "Problem assigned",
    "commented": "Problem commented on",
    "muted": "Problem muted",
    "signed_off": "Period signed off",
    "retried": "Quarantine retried",
    "polled": "Poll requested",
    "tested": "Test sent",
    "uploaded": "File uploaded",
    "imported": "File imported",
    "discarded": "Uploaded file discarded",
    "resent": "Dead letters sent again",
    "replayed": "Messages sent again",
    "certificate": "Certificate downloaded",
    "mapped": "Event type categorized",
    "annotated": "Annotations changed",
    "view_saved": "Saved view changed",
    "shared": "Share link created",
    "held": "Legal hold placed",
    "hold_ended": "Legal hold ended",
    "retained": "Retention applied",
    "clock_confirmed": "Clock confirmed",
    "shrink_confirmed": "Shorter retention confirmed",
    "settings": "Settings changed",
    "user_invited": "User invited",
    "user_reset": "User reset",
    "invitation_revoked": "Invitation revoked",
    "invitation_accepted": "Invitation accepted",
    "invitation_refused": "Invitation refused",
    "confirmation_refused": "Confirmation refused",
    "user_added": "User added",
    "user_removed": "User removed",
    "user_disabled": "User disabled",
    "user_enabled": "User enabled",
    "access_limited": "End of access set",
    "password_set": "Password set",
    "role_set": "Role changed",
    "factor_on": "Second factor set up",
    "factor_off": "Second factor turned off",
    "factor_reset": "Second factor reset",
    "linked": "Account linked to actors",
    "token_added": "Token created",
    "token_revoked": "Token revoked",
    "command": "Command run",
    "verified": "Seals verified",
    "accepted": "Seal problems accepted",
    "backed_up": "Backup created",
    "restored": "Backup restored",
    "trimmed": "Access log trimmed",
}

_READING = ("viewed", "read", "exported", "evidence", "certificate", "page_refused")
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)  # until the entry is recorded
_MAX_CHARACTERS = 2_000
_TOKEN = re.compile(r"trail_[\w-]{16,}")
_log = logging.getLogger("trail.access")


@dataclass(slots=True)
class Entry:
    """One row. `what` is the page, user, token or object; `detail` the filter or other details."""

    kind: str
    username: str = ""
    role: str = ""
    address: str = ""
    what: str = ""
    detail: str = ""
    file_format: str = ""
    row_count: int | None = None
    byte_count: int | None = None
    digest: str = ""
    entry_id: int = 0
    first_at: dt.datetime = EPOCH
    last_at: dt.datetime = EPOCH
    times: int = 1

    def __post_init__(self) -> None:
        """Clean the texts; raises `LookupError` for an unknown kind."""
        if self.kind not in KINDS:
            raise LookupError(f"unknown kind of access log entry: {self.kind}")
        for name in ("username", "role", "address", "what", "detail"):
            setattr(self, name, _clean(getattr(self, name)))

    def log(self) -> None:
        """Write one line to the process log, without the filters of views."""
        detail = "" if self.kind in _READING else self.detail
        parts = [KINDS[self.kind].lower(), self.username, self.role, self.what, detail]
        parts.append(f"from {self.address}" if self.address else "")
        _log.info("%s", " · ".join(part for part in parts if part))

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as a dictionary for JSON."""
        return {
            name: value.isoformat() if isinstance(value, dt.datetime) else value
            for name, value in asdict(self).items()
        }


def from_dict(row: dict[str, Any]) -> Entry:
    """Return the entry that `to_dict` returned; raises `ValueError` or `TypeError` for others."""
    times = {name: dt.datetime.fromisoformat(row[name]) for name in ("first_at", "last_at")}
    return Entry(**{**row, **times})


def _clean(text: str) -> str:
    return _TOKEN.sub("trail_…", printable(text[:_MAX_CHARACTERS]))
