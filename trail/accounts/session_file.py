"""The sessions on disk, so that a restart signs nobody out: hashes of cookies, never a cookie.

Separate from `sessions`, which judges; here is only what the file looks like, and what is believed
of it. One process writes it, whole each time, readable by its owner only.
"""

import logging
import stat
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from trail.core import atomic_file

_log = logging.getLogger("trail.access")


@dataclass(slots=True)
class Session:
    """One signed-in browser; `version` is the mark of the user's password and role.

    For who was vouched for by a provider it is the mark of the provider's settings, and `role`,
    `name` and `email` are kept here, since the users file knows nothing of that person. Times are
    seconds since 1970.
    """

    username: str
    version: str
    started: float
    seen: float
    role: str = ""
    name: str = ""
    email: str = ""


_FORM = TypeAdapter(dict[str, Session])


def read(path: Path, now: float) -> dict[str, Session]:
    """Return the sessions that *path* holds; none where it cannot be believed."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            _log.warning("%s was open to other users of this machine: nobody stays in", path.name)
            return {}
        sessions = _FORM.validate_json(path.read_bytes(), strict=True)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        _log.warning("%s cannot be read: everybody signs in again", path.name)
        return {}
    # A clock that went back would let a session outlive its end.
    return {key: each for key, each in sessions.items() if each.started <= each.seen <= now}


def text(sessions: dict[str, Session]) -> str:
    """Return *sessions* as the file holds them."""
    return _FORM.dump_json(sessions).decode()


def write(path: Path, content: str) -> None:
    """Put *content* in the place of the file; a disk that takes nothing is told to the log."""
    try:
        atomic_file.replace(path, content)
    except OSError as error:
        _log.error("%s cannot be written: %s", path.name, error.strerror)
