"""The guard: what every request and every websocket frame passes before anything else sees it.

Separate, and pure ASGI, because it is the one place that turns a cookie into a person. Streamlit
and the routes read the result from headers and scope; what a client sends under those names is
dropped here.
"""

import re
import secrets
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trail.accounts.sessions import hash_of, who
from trail.accounts.users import User
from trail.core.settings import Server
from trail.runtime import process
from trail.web.callers import (
    REFUSALS,
    SESSION_COOKIE,
    Caller,
    cookies,
    identify,
    note_reading,
    permitted,
)

COOKIE = SESSION_COOKIE
VISIT_COOKIE = "audit_visit"  # ties a sign-in to the browser that began it
OURS = b"x-audit-"
USER_HEADER, SID_HEADER = "x-audit-user", "x-audit-sid-hash"
VISIT_HEADER, ADDRESS_HEADER = "x-audit-visit", "x-audit-address"
ENDED_HEADER = "x-audit-ended"  # why the session of the cookie that came has ended
SCOPE_USER, SCOPE_SID_HASH = "audit_user", "audit_sid_hash"  # for our own routes

# Asked by open tabs: to look (GET) is no use of the trail; a press or a key is told of (POST).
ALIVE = "/auth/alive"
# What a page fetches by itself, for as long as it is open.
BY_ITSELF = re.compile(r"/(_stcore|media|static|component)/")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
ABSENT = re.compile(r"/_stcore/(upload_file|metrics|agent|script-health-check)", re.IGNORECASE)
SIGNED_IN_ONLY = re.compile(r"/(media/|api(/|$)|export([./]|$))")
ANY_HOST = ("/healthz", "/_stcore/health")  # probes ask by address
OWN_PROOF = (
    "/v1/",
    "/webhooks/",
    "/local/",
)  # proved by a token or a signature, never by the cookie

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
        "worker-src 'self' blob:; frame-ancestors 'self'; base-uri 'self'; form-action 'self'; "
        "object-src 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "SAMEORIGIN",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
}


def user_of(request: Request) -> User | None:
    """Return who sent *request*, as the guard found out."""
    user = request.scope.get(SCOPE_USER)
    return user if isinstance(user, User) else None


def address_of(request: Request) -> str:
    """Return the address that *request* came from, as the guard noted it."""
    return request.headers.get(ADDRESS_HEADER, "")


class Guard:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on with the identity bound to its scope."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        server = process.current().settings.server
        headers = Headers(scope=scope)
        caller = identify(headers, _path(scope), _client(scope), touch=_is_use(scope))
        refusal = _refusal(scope, headers, caller, server)
        if scope["type"] == "websocket":
            if refusal is not None:
                await send({"type": "websocket.close", "code": 1008})
                return
            socket = _Socket(receive, send, caller.sid_hash)
            await self._app(_bound(scope, headers, caller), socket.receive, socket.send)
            return
        answer = _dressed(scope, headers, send, server)
        if refusal is not None:
            await refusal(scope, receive, answer)
            return
        await self._app(_bound(scope, headers, caller), receive, answer)


class _Socket:
    """A websocket whose session is looked up again at every frame, in both directions.

    A fragment's rerun never runs the main script, so a check there would not see that the session
    has ended; and what a run still draws after the end must not go out. A frame is no use of the
    trail: a page that renews itself sends them for as long as it is open.
    """

    def __init__(self, receive: Receive, send: Send, sid_hash: str) -> None:
        self._receive, self._send, self._sid_hash = receive, send, sid_hash
        self._closed = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.receive" and not self._good():
            await self._close()
            return {"type": "websocket.disconnect", "code": 1008}
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "websocket.send" and not self._good():
            await self._close()
        elif not self._closed:
            await self._send(message)

    def _good(self) -> bool:
        if self._closed or not self._sid_hash:  # nobody is signed in: only the form is drawn
            return not self._closed
        now = process.current()
        return who(now.sessions, now.users, self._sid_hash, touch=False) is not None

    async def _close(self) -> None:
        if not self._closed:
            self._closed = True
            await self._send({"type": "websocket.close", "code": 1008})


def _path(scope: Scope) -> str:
    return re.sub(r"/{2,}", "/", scope["path"].removeprefix(scope.get("root_path", "")))


def _is_use(scope: Scope) -> bool:
    if scope["type"] == "websocket" or BY_ITSELF.match(_path(scope)):
        return False
    return bool(_path(scope) != ALIVE or scope["method"] == "POST")


def _client(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else "unknown"


def _bound(scope: Scope, headers: Headers, caller: Caller) -> Scope:
    kept = [pair for pair in scope["headers"] if not pair[0].lower().startswith(OURS)]
    told = {ADDRESS_HEADER: _client(scope)}
    if visit := cookies(headers, VISIT_COOKIE):
        told[VISIT_HEADER] = hash_of(visit[0])
    if caller.user and not caller.token:
        told |= {USER_HEADER: caller.user.username, SID_HEADER: caller.sid_hash}
    if caller.ended:
        told[ENDED_HEADER] = caller.ended
    added = [(name.encode("ascii"), value.encode("latin-1")) for name, value in told.items()]
    bound = {SCOPE_USER: caller.user, SCOPE_SID_HASH: caller.sid_hash}
    return {**scope, "headers": kept + added, **bound}


def _refusal(scope: Scope, headers: Headers, caller: Caller, server: Server) -> JSONResponse | None:
    path = _path(scope)
    if path not in ANY_HOST and not _host_allowed(headers.get("host", ""), server):
        return _no(400, "This host name is not served here.", "Add it to server.allowed_hosts.")
    if ABSENT.match(path):
        return _no(404, "There is nothing here.", "Check the address.")
    method = "" if scope["type"] == "websocket" else scope["method"]
    unsafe = method not in ("GET", "HEAD", "OPTIONS")
    # A browser never adds a token by itself, so another site cannot make it send one.
    proved = caller.token or path.startswith(OWN_PROOF)
    if unsafe and not proved and not same_origin(headers, server):
        return _no(403, "This request comes from another site.", "Open the dashboard itself.")
    return _unproved(scope, path, method, caller)


def _unproved(scope: Scope, path: str, method: str, caller: Caller) -> JSONResponse | None:
    """Return the refusal of who is nobody, or may not; note what is read."""
    if caller.refused:
        return _no(caller.refused, *REFUSALS[caller.refused])
    if SIGNED_IN_ONLY.match(path) and caller.user is None:
        return _no(401, "Nobody is signed in.", "Sign in on the dashboard, then try again.")
    if caller.user and not permitted(caller, path, method, _client(scope)):
        return _no(403, "This is not open to this role.", "An owner can change that.")
    if caller.user and path.startswith("/api/"):
        note_reading(caller, path, scope["query_string"].decode("latin-1"), _client(scope))
    return None


def _no(status: int, error: str, hint: str) -> JSONResponse:
    return JSONResponse({"error": error, "hint": hint}, status, {"cache-control": "no-store"})


def _host_allowed(host: str, server: Server) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        name = (parts.hostname or "").rstrip(".")
        _ = parts.port  # raises when it is no number
        if parts.netloc != host or "@" in host:
            return False
    except ValueError:
        return False
    if not server.allowed_hosts:
        return name in LOOPBACK
    for allowed in (each.lower().strip("[]") for each in server.allowed_hosts):
        if allowed in ("*", name) or (allowed.startswith("*.") and name.endswith(allowed[1:])):
            return True
    return False


def same_origin(headers: Headers, server: Server) -> bool:
    """Return whether a page of ours, or no browser's page at all, sends these headers."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        return False
    if origin is None:  # not a browser: it has no cookie that it was not given
        return True
    told = urlsplit(origin).netloc.lower()
    if told == headers.get("host", "").lower():
        return True
    # A proxy may rewrite Host. On the loopback names every port is another application.
    return (
        bool(server.allowed_hosts)
        and "*" not in server.allowed_hosts
        and bool(told and _host_allowed(told, server))
    )


def _dressed(scope: Scope, headers: Headers, send: Send, server: Server) -> Send:
    path = scope["path"]
    visit = ""
    if "text/html" in headers.get("accept", "") and not cookies(headers, VISIT_COOKIE):
        secure = "; Secure" if server.https else ""
        visit = (
            f"{VISIT_COOKIE}={secrets.token_urlsafe(24)}; Path=/; HttpOnly; SameSite=Lax{secure}"
        )

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            out = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                out[name] = value
            if server.https:
                out["strict-transport-security"] = "max-age=31536000"
            if SIGNED_IN_ONLY.match(path):
                out["cache-control"] = "no-store"
            if visit:
                out.append("set-cookie", visit)
        await send(message)

    return answer
