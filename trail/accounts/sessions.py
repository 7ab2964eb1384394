"""Server-side sessions: the user and lifetime of each session cookie.

The browser has a random value, the server only its hash. A session ends when the hash is deleted,
so that no copy of the cookie works again.
"""

import dataclasses
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
SAVE_SECONDS = 60.0  # how often the time of last use is saved
USED_SECONDS = 3600.0  # longer than the maximum age of an ID token
REMEMBERED_SECONDS = 24 * 3600  # how long the reason of an end is available to the form
MAX_SESSIONS, MAX_CODES, MAX_ENDED = 10_000, 1_000, 10_000
IDLE, EXPIRED, CHANGED, ENDED = "idle", "expired", "changed", "ended"  # why a session ended
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
    """Return the hash under which a secret is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Sessions:
    """The sessions of this server; with a *path*, they are stored in a file."""

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
        """With *provider*, the digest of its settings, sessions of provider users are valid."""
        self.provider, self.by_password = provider, by_password
        self.seconds, self.idle_seconds = hours * 3600, idle_minutes * 60
        self._clock, self._path = clock, path
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._sessions = session_file.read(path, clock()) if path else dict[str, Session]()
        self._codes: dict[str, _Code] = {}
        self._used: dict[str, float] = {}  # used nonces and their expiry
        self._ended: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._saved = clock()

    def issue_code(self, username: str, binding: str, version: str = "") -> str:
        """Return a code that `finish` accepts once, within 30 seconds, from the same browser."""
        return self._add(_Code(username, binding, version, self._clock() + CODE_SECONDS))

    def issue_provider_code(self, vouched: User, binding: str, proof: str) -> str:
        """Return a code as `issue_code` does, for a provider user; a *proof* is for one session.

        The proof counts as used only when its session begins, since a page may be drawn twice.
        """
        until = self._clock() + CODE_SECONDS
        return self._add(
            _Code(vouched.username, binding, self.provider, until, vouched, hash_of(proof))
        )

    def is_used(self, proof: str) -> bool:
        """Return whether a session was already created from that proof."""
        with self._lock:
            return hash_of(proof) in self._used

    def _add(self, fresh: _Code) -> str:
        now, code = self._clock(), secrets.token_urlsafe(32)
        with self._lock:
            self._codes = {key: code for key, code in self._codes.items() if code.until > now}
            while len(self._codes) >= MAX_CODES:
                del self._codes[next(iter(self._codes))]
            self._codes[hash_of(code)] = fresh
        return code

    def finish(self, code: str, binding: str, browser: str = "", address: str = "") -> str | None:
        """Exchange a code for a new session; return the value of its cookie, or None.

        *browser* and *address* describe the session to its user.
        """
        now = self._clock()
        with self._lock:
            known = self._codes.pop(hash_of(code), None)
            if known is None or known.until <= now:
                return None
            if not binding or not secrets.compare_digest(known.binding, binding):
                return None
            if known.vouched and not self._use(known.proof, now):
                return None
            if len(self._sessions) >= MAX_SESSIONS:
                self._make_room(now)
            sid = secrets.token_urlsafe(32)
            session = _new_session(known, now)
            session.browser, session.address = browser, address
            self._sessions[hash_of(sid)] = session
        self.save()
        return sid

    def find(self, sid_hash: str, *, touch: bool = True) -> Session | None:
        """Return the session with that hash if it is valid; *touch* counts as use."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(sid_hash)
            if session is None:
                return None
            reason = self._end_reason(session, now)
            if not reason and touch:
                session.seen = now
            late = now - self._saved >= SAVE_SECONDS
            if late:
                self._saved = now
        if reason:
            self._expire(sid_hash, session, reason)
            return None
        if late and self._path:
            threading.Thread(target=self.save, name="trail-sessions", daemon=True).start()
        return session

    def of_user(self, username: str) -> dict[str, Session]:
        """Return the valid sessions of a user by hash, most recently used first."""
        now = self._clock()
        with self._lock:
            mine = {
                key: dataclasses.replace(row)
                for key, row in self._sessions.items()
                if row.username == username and not self._end_reason(row, now)
            }
        return dict(sorted(mine.items(), key=lambda item: -item[1].seen))

    def renew(self, sid_hash: str, version: str) -> None:
        """Keep a session valid after a change to its user, whose digest is now *version*."""
        with self._lock:
            if session := self._sessions.get(sid_hash):
                session.version = version
        self.save()

    def end_reason(self, sid_hash: str) -> str:
        """Return why the session with that hash ended, or an empty string."""
        with self._lock:
            reason, until = self._ended.get(sid_hash, ("", 0.0))
        return reason if self._clock() < until else ""

    def username_of(self, sid: str) -> str | None:
        """Return the username of the cookie value *sid*, or None."""
        session = self.find(hash_of(sid))
        return session.username if session else None

    def end(self, sid: str) -> None:
        """End one session in all tabs."""
        self.end_hash(hash_of(sid))

    def end_hash(self, sid_hash: str, reason: str = "") -> None:
        """End the session with that hash; the sign-in form shows the *reason*."""
        with self._lock:
            ended = self._sessions.pop(sid_hash, None)
            if ended and reason:
                self._ended[sid_hash] = (reason, self._clock() + REMEMBERED_SECONDS)
                while len(self._ended) > MAX_ENDED:
                    self._ended.popitem(last=False)
        if ended:
            self.save()

    def save(self) -> None:
        """Write the sessions file."""
        if self._path is None:
            return
        with self._writing:  # around both, so that an older state never replaces a newer one
            with self._lock:
                content = session_file.text(self._sessions)
            session_file.write(self._path, content)

    def _expire(self, sid_hash: str, session: Session, reason: str) -> None:
        self.end_hash(sid_hash, reason)
        log.record("session_ended", session.username, what=self.ended_message(reason))

    def ended_message(self, reason: str) -> str:
        """Return the message for the *reason* of an end."""
        if reason == IDLE:
            minutes = round(self.idle_seconds / 60, 1)
            return f"Signed out after {minutes:g} minutes without activity."
        if reason == EXPIRED:
            return f"Signed out after {self.seconds / 3600:g} hours. Sign in again to continue."
        if reason == ENDED:
            return "Signed out from another browser."
        return "Signed out because your password or role changed." if reason else ""

    def _end_reason(self, session: Session, now: float) -> str:
        idle, over = session.seen + self.idle_seconds, session.started + self.seconds
        if now < min(idle, over):
            return ""
        return IDLE if idle < over else EXPIRED

    def _use(self, proof: str, now: float) -> bool:
        self._used = {key: until for key, until in self._used.items() if until > now}
        if proof in self._used:
            return False
        self._used[proof] = now + USED_SECONDS
        return True

    def _make_room(self, now: float) -> None:
        for key in [key for key, row in self._sessions.items() if self._end_reason(row, now)]:
            del self._sessions[key]
        while len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[min(self._sessions, key=lambda key: self._sessions[key].seen)]


def session_user(
    sessions: Sessions, users: Users, sid_hash: str, *, touch: bool = True
) -> User | None:
    """Return the current user of a session, or None.

    Ends the session if the user was removed or has another password or role than at sign-in; for a
    provider user, if the provider's settings changed. While the users file cannot be read, nobody
    has access by password, but no session ends.
    """
    session = sessions.find(sid_hash, touch=touch)
    if session is None:
        return None
    try:
        user, version = _current_user(sessions, users, session)
    except TrailError as problem:
        _log.error("cannot check sessions: %s", problem.message)
        return None
    if user is None or (session.version and session.version != version):
        sessions.end_hash(sid_hash, CHANGED)
        log.record(
            "session_ended", session.username, what="user removed, or password or role changed"
        )
        return None
    return user


def user_sessions(sessions: Sessions, users: Users, username: str) -> dict[str, Session]:
    """Return the sessions of a user by hash, latest use first; end those of old passwords.

    Such sessions end with their next request anyway, but would be listed as open until then.
    """
    return {
        key: session
        for key, session in sessions.of_user(username).items()
        if session_user(sessions, users, key, touch=False)
    }


def _new_session(code: _Code, now: float) -> Session:
    session = Session(code.username, code.version, now, now)
    if user := code.vouched:
        session.role, session.name, session.email = user.role, user.name, user.email
        session.actors = list(user.actors)
    return session


def _current_user(sessions: Sessions, users: Users, session: Session) -> tuple[User | None, str]:
    if session.role:
        actors = tuple(session.actors)
        user = User(session.username, session.name, session.email, session.role, actors)
        return (user if sessions.provider else None), sessions.provider
    if not sessions.by_password:
        return None, ""
    return users.get(session.username), users.credentials_digest(session.username)
