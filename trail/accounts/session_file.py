"""The sessions file, which keeps users signed in across restarts: hashes, never cookie values.

One process writes it, as a whole and readable by its owner only.
"""

import logging
import stat
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from trail.core import atomic_file

_log = logging.getLogger("trail.access")


@dataclass(slots=True)
class Session:
    """One signed-in browser; `version` is the digest of the user's password and role.

    For a provider user it is the digest of the provider's settings, and `role`, `name`, `email`
    and `actors` are stored here, since the users file does not list that user. `browser` and
    `address` are those at sign-in, empty for sessions of earlier versions. Times are seconds since
    1970.
    """

    username: str
    version: str
    started: float
    seen: float
    role: str = ""
    name: str = ""
    email: str = ""
    actors: list[str] = field(default_factory=list)
    browser: str = ""
    address: str = ""


_FORMAT = TypeAdapter(dict[str, Session])


def read(path: Path, now: float) -> dict[str, Session]:
    """Return the sessions in *path*; none if the file is unreadable or open to others."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            _log.warning("%s was readable by other users: all sessions end", path.name)
            return {}
        sessions = _FORMAT.validate_json(path.read_bytes(), strict=True)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        _log.warning("%s cannot be read: all sessions end", path.name)
        return {}
    # After a clock change backwards, a session could outlive its end.
    return {key: row for key, row in sessions.items() if row.started <= row.seen <= now}


def text(sessions: dict[str, Session]) -> str:
    """Return the file content for *sessions*."""
    return _FORMAT.dump_json(sessions).decode()


def write(path: Path, content: str) -> None:
    """Replace the file with *content*; log an error of the disk."""
    try:
        atomic_file.replace(path, content)
    except OSError as error:
        _log.error("%s cannot be written: %s", path.name, error.strerror)
