"""Sessions on the server: who holds which cookie, until when.

Separate because it is the only judge of identity. A browser holds a random value, the server only
the hash of it; ending a session is forgetting that hash, so nothing that was copied works again.
"""

import hashlib
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trail.access_log import log
from trail.accounts import session_file
from trail.accounts.session_file import Session
from trail.accounts.users import User, Users
from trail.core.errors import TrailError

CODE_SECONDS = 30
KEEP_SECONDS = 60.0  # how old the last use may be that a restart finds
USED_SECONDS = 3600.0  # longer than any proof from a provider is fresh
REMEMBERED_SECONDS = 24 * 3600  # for so long the form can say why a session ended
MOST_SESSIONS, MOST_CODES, MOST_ENDED = 10_000, 1_000, 10_000
IDLE, OVER, CHANGED = "idle", "over", "changed"  # why a session has ended
_log = logging.getLogger("trail.access")


@dataclass(frozen=True, slots=True)
class _Code:
    username: str
    binding: str
    version: str
    until: float
    vouched: User | None = None
    proof: str = ""


def hash_of(secret: str) -> str:
    """Return the hash under which a secret is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Sessions:
    """The sessions of this process; with a *path* they outlive it, in a file of hashes."""

    def __init__(
        self,
        hours: float,
        idle_minutes: float,
        clock: Callable[[], float] = time.time,
        path: Path | None = None,
        provider: str = "",
        *,
        by_password: bool = True,
    ) -> None:
        """With *provider*, the mark of its settings, sessions that it vouched for are good."""
        self.provider, self.by_password = provider, by_password
        self.seconds, self.idle_seconds = hours * 3600, idle_minutes * 60
        self._clock, self._path = clock, path
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._sessions = session_file.read(path, clock()) if path else dict[str, Session]()
        self._codes: dict[str, _Code] = {}
        self._used: dict[str, float] = {}  # proofs that a session was made of, until when
        self._ended: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._kept = clock()

    def code(self, username: str, binding: str, version: str = "") -> str:
        """Return a code that `finish` takes once, within 30 seconds, from the same browser."""
        return self._code(_Code(username, binding, version, self._clock() + CODE_SECONDS))

    def code_for(self, vouched: User, binding: str, proof: str) -> str:
        """Return a code as `code` does, for whom a provider vouched; a *proof* makes one session.

        The proof counts as used only when its session begins, since a page may be drawn twice.
        """
        until = self._clock() + CODE_SECONDS
        return self._code(
            _Code(vouched.username, binding, self.provider, until, vouched, hash_of(proof))
        )

    def is_used(self, proof: str) -> bool:
        """Return whether a session was made of that proof already."""
        with self._lock:
            return hash_of(proof) in self._used

    def _code(self, fresh: _Code) -> str:
        now, code = self._clock(), secrets.token_urlsafe(32)
        with self._lock:
            self._codes = {key: each for key, each in self._codes.items() if each.until > now}
            while len(self._codes) >= MOST_CODES:
                del self._codes[next(iter(self._codes))]
            self._codes[hash_of(code)] = fresh
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
            if known.vouched and not self._use(known.proof, now):
                return None
            if len(self._sessions) >= MOST_SESSIONS:
                self._make_room(now)
            sid = secrets.token_urlsafe(32)
            self._sessions[hash_of(sid)] = _begun(known, now)
        self.keep()
        return sid

    def find(self, sid_hash: str, *, touch: bool = True) -> Session | None:
        """Return the session kept under that hash if it is still good; `touch` counts as use."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(sid_hash)
            if session is None:
                return None
            reason = self._over(session, now)
            if not reason and touch:
                session.seen = now
            late = now - self._kept >= KEEP_SECONDS
            if late:
                self._kept = now
        if reason:
            self._expire(sid_hash, session, reason)
            return None
        if late and self._path:
            threading.Thread(target=self.keep, name="trail-sessions", daemon=True).start()
        return session

    def why(self, sid_hash: str) -> str:
        """Return why the session of that hash has ended; '' where nobody knows, or need know."""
        with self._lock:
            reason, until = self._ended.get(sid_hash, ("", 0.0))
        return reason if self._clock() < until else ""

    def user_of(self, sid: str) -> str | None:
        """Return the username that the cookie value *sid* stands for, or None."""
        session = self.find(hash_of(sid))
        return session.username if session else None

    def end(self, sid: str) -> None:
        """End one session, in every tab that uses it."""
        self.end_hash(hash_of(sid))

    def end_hash(self, sid_hash: str, reason: str = "") -> None:
        """End the session kept under that hash; the form can say the *reason* to its browser."""
        with self._lock:
            ended = self._sessions.pop(sid_hash, None)
            if ended and reason:
                self._ended[sid_hash] = (reason, self._clock() + REMEMBERED_SECONDS)
                while len(self._ended) > MOST_ENDED:
                    self._ended.popitem(last=False)
        if ended:
            self.keep()

    def end_all(self, username: str) -> None:
        """End every session of a user, and the sign-ins that are under way."""
        with self._lock:
            for table in (self._sessions, self._codes):
                for key in [key for key, each in table.items() if each.username == username]:
                    del table[key]
        self.keep()

    def keep(self) -> None:
        """Write the sessions down, so that a restart ends none; after an end, before it counts."""
        if self._path is None:
            return
        with self._writing:  # around both, so that no older state is written over a newer one
            with self._lock:
                kept = session_file.text(self._sessions)
            session_file.write(self._path, kept)

    def _expire(self, sid_hash: str, session: Session, reason: str) -> None:
        self.end_hash(sid_hash, reason)
        log.note("session_ended", session.username, what=self.said(reason))

    def said(self, reason: str) -> str:
        """Return what a person reads about an end for that *reason*."""
        if reason == IDLE:
            return f"Signed out after {self.idle_seconds / 60:g} minutes without use."
        if reason == OVER:
            return f"Signed out after {self.seconds / 3600:g} hours. Sign in again to go on."
        return "Signed out, since your password or your role has changed." if reason else ""

    def _over(self, session: Session, now: float) -> str:
        idle, over = session.seen + self.idle_seconds, session.started + self.seconds
        if now < min(idle, over):
            return ""
        return IDLE if idle < over else OVER

    def _use(self, proof: str, now: float) -> bool:
        self._used = {key: until for key, until in self._used.items() if until > now}
        if proof in self._used:
            return False
        self._used[proof] = now + USED_SECONDS
        return True

    def _make_room(self, now: float) -> None:
        for key in [key for key, each in self._sessions.items() if self._over(each, now)]:
            del self._sessions[key]
        while len(self._sessions) >= MOST_SESSIONS:
            del self._sessions[min(self._sessions, key=lambda key: self._sessions[key].seen)]


def who(sessions: Sessions, users: Users, sid_hash: str, *, touch: bool = True) -> User | None:
    """Return the user behind a session as the users file has it now, or None.

    Ends the session when the user is gone, or has another password or role than at sign-in; for
    whom a provider vouched, when its settings are others. A users file that cannot be read lets
    nobody in by password, and ends nothing.
    """
    session = sessions.find(sid_hash, touch=touch)
    if session is None:
        return None
    try:
        user, version = _known(sessions, users, session)
    except TrailError as problem:
        _log.error("nobody can be let in: %s", problem.message)
        return None
    if user is None or (session.version and session.version != version):
        sessions.end_hash(sid_hash, CHANGED)
        log.note("session_ended", session.username, what="removed, or another password or role")
        return None
    return user


def _begun(code: _Code, now: float) -> Session:
    session = Session(code.username, code.version, now, now)
    if user := code.vouched:
        session.role, session.name, session.email = user.role, user.name, user.email
    return session


def _known(sessions: Sessions, users: Users, session: Session) -> tuple[User | None, str]:
    if session.role:
        user = User(session.username, session.name, session.email, session.role)
        return (user if sessions.provider else None), sessions.provider
    if not sessions.by_password:
        return None, ""
    return users.get(session.username), users.version(session.username)
