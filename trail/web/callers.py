"""Who sends a request: a session's cookie or an API token, and what that one may ask for.

Separate from the guard for its length: here a secret becomes a user; there a request is let
through or not.
"""

import datetime as dt
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers

from trail.access_log import log
from trail.accounts import roles
from trail.accounts.api_tokens import PREFIX, Token
from trail.accounts.login_throttle import Throttle
from trail.accounts.sessions import hash_of, who
from trail.accounts.users import User
from trail.core.errors import TrailError
from trail.runtime import process

SESSION_COOKIE = "audit_session"
TOKENS_TOO = re.compile(r"/(api(/|$)|export([./]|$)|metrics/?$)")
REFUSALS = {
    401: ("This token is not known here, or it has ended.", "An owner can make another."),
    429: ("Too many wrong tokens.", "Wait a few minutes, then try with another token."),
    503: ("Tokens cannot be read just now.", "An owner of this server has to look at it."),
}
# Slows wrong tokens only: a right one passes, so that nobody can shut out a neighbour.
WRONG_TOKENS = Throttle()
_PAGING = ("after", "limit", "skip")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a user, by session or by token; or nobody; or somebody to turn away."""

    user: User | None = None
    sid_hash: str = ""
    token: Token | None = None
    refused: int = 0
    ended: str = ""  # why the session that the cookie stood for is no more


def cookies(headers: Headers, name: str) -> list[str]:
    """Return the values of every cookie of that name."""
    pairs = (part.strip().partition("=") for part in ";".join(headers.getlist("cookie")).split(";"))
    return [value for key, _, value in pairs if key == name and value]


def identify(headers: Headers, path: str, address: str, *, touch: bool) -> Caller:
    """Return who sends a request for *path*; a token goes before a cookie, where it may be used."""
    if TOKENS_TOO.match(path) and (secret := _bearer(headers)):
        return _by_token(secret, address)
    now = process.current()
    found = cookies(headers, SESSION_COOKIE)
    for sid in found[:4]:  # a neighbouring site can add a cookie of this name
        sid_hash = hash_of(sid)
        if user := who(now.sessions, now.users, sid_hash, touch=touch):
            return Caller(user, sid_hash)
    if found:
        # Enough of the hash to tell two apart, too little to be of use.
        mark = f"cookie {hash_of(found[0])[:8]}"
        log.note("session_refused", what=mark, address=address, together=True)
    reasons = (now.sessions.why(hash_of(sid)) for sid in found[:4])
    return Caller(ended=next((reason for reason in reasons if reason), ""))


def permitted(caller: Caller, path: str, method: str, address: str) -> bool:
    """Return whether the caller's role, and a token's scope, allow *path*; note a refusal."""
    user, needed = caller.user, roles.needs(path, method)
    if user is None or needed is None:
        return True
    scope = roles.scope_of(path)
    if user.may(needed) and (caller.token is None or scope in caller.token.scopes):
        return True
    words = f"needs {needed}" if not user.may(needed) else f"the token lacks the scope {scope}"
    log.note(
        "route_refused",
        user.username,
        user.role,
        what=path,
        detail=words,
        address=address,
        together=True,
    )
    return False


def note_reading(caller: Caller, path: str, query: str, address: str) -> None:
    """Note that the caller reads *path*, with its filter; pages of one answer count as one."""
    assert caller.user
    pairs = [pair for pair in parse_qsl(query) if pair[0] not in _PAGING]
    log.note(
        "read",
        caller.user.username,
        caller.user.role,
        what=path,
        detail=urlencode(pairs),
        address=address,
        together=True,
    )


def _bearer(headers: Headers) -> str:
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" and secret.startswith(PREFIX) else ""


def _by_token(secret: str, address: str) -> Caller:
    tokens = process.current().tokens
    try:
        token = tokens.find(secret, dt.datetime.now(dt.UTC)) if tokens else None
    except TrailError:
        return Caller(refused=503)
    if token:
        return Caller(User(token.username, token.name, "", token.role), token=token)
    waits = WRONG_TOKENS.admit(address, address)
    log.note("token_refused", address=address, together=True)
    return Caller(refused=429 if waits else 401)
