"""The caller of a request: a session cookie or an API token, and the permissions of its user."""

import datetime as dt
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers

from trail.access_log import log
from trail.accounts import roles
from trail.accounts.api_tokens import PREFIX, Token
from trail.accounts.login_throttle import Throttle
from trail.accounts.second_factors import SecondFactors
from trail.accounts.sessions import hash_of, session_user
from trail.accounts.users import User
from trail.core.errors import TrailError
from trail.runtime import process

SESSION_COOKIE = "audit_session"
TOKEN_PATHS = re.compile(r"/(api(/|$)|export([./]|$)|metrics/?$|mcp/?$)")
REFUSALS = {
    401: ("Unknown or expired token.", "An owner can create a new one."),
    429: ("Too many invalid tokens.", "Wait a few minutes, then use a valid token."),
    503: ("The tokens file cannot be read.", "The server administrator must repair it."),
}
# Delays invalid tokens only, so that nobody can lock out valid ones.
INVALID_TOKENS = Throttle()
# What a result page or a completion adds to the filter.
_PAGING = ("after", "limit", "skip", "text", "cursor")


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller: a user by session or by token, an anonymous caller, or a refused one.

    `refused` is the HTTP status of a refusal; `ended` says why the session of the cookie ended.
    """

    user: User | None = None
    sid_hash: str = ""
    token: Token | None = None
    refused: int = 0
    ended: str = ""


def cookies(headers: Headers, name: str) -> list[str]:
    """Return the values of all cookies with that name."""
    pairs = (part.strip().partition("=") for part in ";".join(headers.getlist("cookie")).split(";"))
    return [value for key, _, value in pairs if key == name and value]


def identify(headers: Headers, path: str, address: str, *, touch: bool) -> Caller:
    """Return the caller of *path*; where tokens are allowed, a token takes precedence."""
    if TOKEN_PATHS.match(path) and (secret := _bearer(headers)):
        return _by_token(secret, address)
    runtime = process.current()
    sids = cookies(headers, SESSION_COOKIE)
    for sid in sids[:4]:  # a sibling domain can add cookies with this name
        sid_hash = hash_of(sid)
        if user := session_user(runtime.sessions, runtime.users, sid_hash, touch=touch):
            return Caller(user, sid_hash)
    if sids:
        # Enough of the hash to tell cookies apart, too little to be useful.
        mark = f"cookie {hash_of(sids[0])[:8]}"
        log.record("session_refused", what=mark, address=address, merge=True)
    reasons = (runtime.sessions.end_reason(hash_of(sid)) for sid in sids[:4])
    return Caller(ended=next((reason for reason in reasons if reason), ""))


def permitted(caller: Caller, path: str, method: str, address: str, query: str = "") -> bool:
    """Return whether role and token scope allow *path* and *query*; record a refusal."""
    user, needed = caller.user, roles.needs(path, method)
    if user is None or needed is None:
        return True
    asked = roles.needed_by_filter(name for name, _ in parse_qsl(query, keep_blank_values=True))
    missing = [name for name in (needed, asked) if name and not user.may(name)]
    scope = roles.scope_of(path)
    if not missing and (caller.token is None or scope in caller.token.scopes):
        return True
    reason = f"needs {missing[0]}" if missing else f"the token lacks the scope {scope}"
    log.record(
        "route_refused",
        user.username,
        user.role,
        what=path,
        detail=reason,
        address=address,
        merge=True,
    )
    return False


def lacks_factor(caller: Caller, path: str, method: str) -> bool:
    """Return whether the caller must set up a second factor before *path* is answered."""
    if caller.user is None or roles.needs(path, method) is None:
        return False
    user = _owner_of(caller.token) if caller.token else caller.user
    runtime = process.current()
    return user is not None and SecondFactors(runtime.users, runtime.settings).is_missing(user)


def record_api_read(caller: Caller, path: str, query: str, address: str) -> None:
    """Record that the caller reads *path* with its filter; all result pages count as one read."""
    assert caller.user
    pairs = [pair for pair in parse_qsl(query) if pair[0] not in _PAGING]
    log.record(
        "read",
        caller.user.username,
        caller.user.role,
        what=path,
        detail=urlencode(pairs),
        address=address,
        merge=True,
    )


def _bearer(headers: Headers) -> str:
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" and secret.startswith(PREFIX) else ""


def _owner_of(token: Token) -> User | None:
    """Return the owner of *token*; None for a workspace token or an owner without access."""
    return process.current().users.of_account(token.owner) if token.owner else None


def _by_token(secret: str, address: str) -> Caller:
    tokens = process.current().tokens
    try:
        token = tokens.authenticate(secret, dt.datetime.now(dt.UTC)) if tokens else None
        owner = _owner_of(token) if token else None
    except TrailError:
        return Caller(refused=503)
    # A user's token works while the user has access and a role that covers that of the token.
    if token and (not token.owner or (owner and roles.covers(owner.role, token.role))):
        role = owner.role if owner else ""
        user = User(token.username, token.name, "", token.role, owner_role=role)
        return Caller(user, token=token)
    delayed = INVALID_TOKENS.admit(address, address)
    log.record("token_refused", address=address, merge=True)
    return Caller(refused=429 if delayed else 401)
