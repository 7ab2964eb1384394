"""Sessions on the server: who holds which cookie, until when.

Separate because it is the only judge of identity. A browser holds a random value, the server only
the hash of it; ending a session is forgetting that hash, so nothing that was copied works again.
"""

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from trail import access_log
from trail.errors import TrailError
from trail.users import User, Users

CODE_SECONDS = 30
MOST_SESSIONS, MOST_CODES = 10_000, 1_000
_log = logging.getLogger("trail.access")


@dataclass(slots=True)
class Session:
    """One signed-in browser; `version` is the mark of the user's password and role."""

    username: str
    version: str
    started: float
    seen: float


@dataclass(frozen=True, slots=True)
class _Code:
    username: str
    binding: str
    version: str
    until: float


def hash_of(secret: str) -> str:
    """Return the hash under which a secret is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Sessions:
    """The sessions of this process; a restart ends them all."""

    def __init__(
        self, hours: float, idle_minutes: float, clock: Callable[[], float] = time.time
    ) -> None:
        self.seconds = hours * 3600
        self._idle = idle_minutes * 60
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._codes: dict[str, _Code] = {}

    def code(self, username: str, binding: str, version: str = "") -> str:
        """Return a code that `finish` takes once, within 30 seconds, from the same browser."""
        now, code = self._clock(), secrets.token_urlsafe(32)
        with self._lock:
            self._codes = {key: each for key, each in self._codes.items() if each.until > now}
            while len(self._codes) >= MOST_CODES:
                del self._codes[next(iter(self._codes))]
            self._codes[hash_of(code)] = _Code(username, binding, version, now + CODE_SECONDS)
        return code

    def finish(self, code: str, binding: str) -> str | None:
        """Change a code for a new session and return the value of its cookie, or None."""
        now = self._clock()
        with self._lock:
            known = self._codes.pop(hash_of(code), None)
            if known is None or known.until <= now:
                return None
            if not binding or not secrets.compare_digest(known.binding, binding):
                return None
            if len(self._sessions) >= MOST_SESSIONS:
                self._make_room(now)
            sid = secrets.token_urlsafe(32)
            self._sessions[hash_of(sid)] = Session(known.username, known.version, now, now)
        return sid

    def find(self, sid_hash: str, *, touch: bool = True) -> Session | None:
        """Return the session kept under that hash if it is still good; `touch` counts as use."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(sid_hash)
            if session is None:
                return None
            if self._over(session, now):
                del self._sessions[sid_hash]
                return None
            if touch:
                session.seen = now
            return session

    def user_of(self, sid: str) -> str | None:
        """Return the username that the cookie value *sid* stands for, or None."""
        session = self.find(hash_of(sid))
        return session.username if session else None

    def end(self, sid: str) -> None:
        """End one session, in every tab that uses it."""
        self.end_hash(hash_of(sid))

    def end_hash(self, sid_hash: str) -> None:
        """End the session kept under that hash."""
        with self._lock:
            self._sessions.pop(sid_hash, None)

    def end_all(self, username: str) -> None:
        """End every session of a user, and the sign-ins that are under way."""
        with self._lock:
            for table in (self._sessions, self._codes):
                for key in [key for key, each in table.items() if each.username == username]:
                    del table[key]

    def _over(self, session: Session, now: float) -> bool:
        return now - session.started >= self.seconds or now - session.seen >= self._idle

    def _make_room(self, now: float) -> None:
        for key in [key for key, each in self._sessions.items() if self._over(each, now)]:
            del self._sessions[key]
        while len(self._sessions) >= MOST_SESSIONS:
            del self._sessions[min(self._sessions, key=lambda key: self._sessions[key].seen)]


def who(sessions: Sessions, users: Users, sid_hash: str, *, touch: bool = True) -> User | None:
    """Return the user behind a session as the users file has it now, or None.

    Ends the session when the user is gone, or has another password or role than at sign-in. A
    users file that cannot be read lets nobody in, and ends nothing.
    """
    session = sessions.find(sid_hash, touch=touch)
    if session is None:
        return None
    try:
        user, version = users.get(session.username), users.version(session.username)
    except TrailError as problem:
        _log.error("nobody can be let in: %s", problem.message)
        return None
    if user is None or (session.version and session.version != version):
        sessions.end_hash(sid_hash)
        access_log.note(
            "session_ended", session.username, what="removed, or another password or role"
        )
        return None
    return user
