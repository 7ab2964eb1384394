"""An entry of the access log, and the words of each kind. Separate: the keeper and `note` share it.

Passwords, codes and tokens never come here; what looks like a token is cut out.
"""

import datetime as dt
import logging
import re
from dataclasses import asdict, dataclass
from typing import Any

# What is noted, in the words of the screen.
KINDS = {
    "signed_in": "Signed in",
    "sign_in_refused": "Sign-in refused",
    "signed_out": "Signed out",
    "session_ended": "Session ended",
    "session_refused": "Session refused",
    "page_refused": "Page refused",
    "route_refused": "Address refused",
    "token_refused": "Token refused",
    "viewed": "Page viewed",
    "read": "API read",
    "exported": "Downloaded",
    "evidence": "Evidence pack taken",
    "decided": "Decided",
    "signed_off": "Signed off",
    "retried": "Quarantine tried again",
    "mapped": "Type put in a category",
    "annotated": "Annotations changed",
    "held": "Hold made",
    "hold_ended": "Hold ended",
    "retained": "Retention run",
    "settings": "Settings changed",
    "user_added": "User added",
    "user_removed": "User removed",
    "password_set": "Password set",
    "role_set": "Role set",
    "token_added": "Token made",
    "token_revoked": "Token revoked",
    "command": "Command run",
    "verified": "Seals verified",
    "accepted": "Seals accepted as they are",
    "backed_up": "Backup made",
    "restored": "Restored from a backup",
    "trimmed": "Access log trimmed",
}

_LOOKING = ("viewed", "read", "exported", "evidence", "page_refused")
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)  # until it is noted
_LONGEST = 2_000
_TOKEN = re.compile(r"trail_[\w-]{16,}")
_log = logging.getLogger("trail.access")


@dataclass(slots=True)
class Entry:
    """One row. `what` is the page, user, token or thing; `detail` the filter or other words."""

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
        """Make the words short and harmless; raises `LookupError` for a kind that is none."""
        if self.kind not in KINDS:
            raise LookupError(f"{self.kind} is no kind of the access log")
        for name in ("username", "role", "address", "what", "detail"):
            setattr(self, name, _clean(getattr(self, name)))

    def say(self) -> None:
        """Write one line to the log of the process; what somebody looks for stays out of it."""
        detail = "" if self.kind in _LOOKING else self.detail
        parts = [KINDS[self.kind].lower(), self.username, self.role, self.what, detail]
        parts.append(f"from {self.address}" if self.address else "")
        _log.info("%s", " · ".join(part for part in parts if part))

    def plain(self) -> dict[str, Any]:
        """Return the entry as JSON can hold it."""
        return {
            name: value.isoformat() if isinstance(value, dt.datetime) else value
            for name, value in asdict(self).items()
        }


def whole(row: dict[str, Any]) -> Entry:
    """Return the entry that `plain` gave; raises `ValueError` or `TypeError` for what is none."""
    times = {name: dt.datetime.fromisoformat(row[name]) for name in ("first_at", "last_at")}
    return Entry(**{**row, **times})


def _clean(text: str) -> str:
    seen = "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:_LONGEST])
    return _TOKEN.sub("trail_…", seen)
