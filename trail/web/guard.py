"""The guard: ASGI middleware that checks every request and every websocket frame.

It alone turns a cookie or token into a user. Streamlit and the routes read the result from headers
and scope; headers with these names from a client are dropped.
"""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trail.accounts.sessions import hash_of, session_user
from trail.accounts.users import User
from trail.core import server_link
from trail.core.errors import TrailError
from trail.core.sections import Server
from trail.runtime import process
from trail.web import email_masks
from trail.web.callers import (
    REFUSALS,
    SESSION_COOKIE,
    Caller,
    cookies,
    identify,
    lacks_factor,
    permitted,
    record_api_read,
)
from trail.web.json_errors import NOT_FOUND, explained, json_error
from trail.web.media_files import MediaFiles

COOKIE = SESSION_COOKIE
VISIT_COOKIE = "audit_visit"  # ties a sign-in to the browser that started it
INTERNAL_PREFIX = b"x-audit-"
USER_HEADER, SID_HEADER = "x-audit-user", "x-audit-sid-hash"
VISIT_HEADER, ADDRESS_HEADER = "x-audit-visit", "x-audit-address"
ENDED_HEADER = "x-audit-ended"  # why the session of the cookie has ended
SCOPE_USER, SCOPE_SID_HASH = "audit_user", "audit_sid_hash"  # for our own routes

# Polled by open tabs: a GET is not user activity, a POST to the first is.
ALIVE = "/auth/alive"
NEW_EVENTS = "/api/new-events"
# Fetched by open pages without user activity.
BACKGROUND_PATHS = re.compile(r"/(_stcore|media|static|component)/")
# The client code of the pages, without data.
FILES = re.compile(r"/(static|component)/")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
DISABLED_PATHS = re.compile(
    r"/_stcore/(upload_file|metrics|agent|script-health-check)", re.IGNORECASE
)
SIGNED_IN_ONLY = re.compile(r"/(mcp/?$|media/|(api|uploads)(/|$)|export([./]|$))")
# Probed by IP address, and requested by commands on this machine with a token.
ANY_HOST_PATHS = ("/healthz", "/_stcore/health", server_link.PATH)
# Authenticated by a token or a signature, never by the cookie.
SELF_AUTHENTICATED = ("/v1/", "/webhooks/", "/local/")

_SCRIPTS = "script-src 'self' blob:"
SECURITY_HEADERS = {
    "content-security-policy": (
        f"default-src 'self'; {_SCRIPTS}; style-src 'self' 'unsafe-inline'; "
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


def request_user(request: Request) -> User | None:
    """Return the user of *request*, or None."""
    user = request.scope.get(SCOPE_USER)
    return user if isinstance(user, User) else None


def client_address(request: Request) -> str:
    """Return the IP address of the client of *request*."""
    return request.headers.get(ADDRESS_HEADER, "")


class Guard:
    """ASGI middleware around the whole app; *inline_scripts* are allowed, as sources of the CSP.

    *mask_message* masks the e-mails in a message of a page; without it, masked roles get no pages.
    """

    def __init__(
        self,
        app: ASGIApp,
        inline_scripts: Sequence[str] = (),
        mask_message: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self._app, self._media, self._mask_message = app, MediaFiles(), mask_message
        policy = SECURITY_HEADERS["content-security-policy"]
        allowed = policy.replace(_SCRIPTS, " ".join((_SCRIPTS, *inline_scripts)))
        self._headers = SECURITY_HEADERS | {"content-security-policy": allowed}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on with the user in its scope."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        server = process.current().settings.server
        headers = Headers(scope=scope)
        refusal: JSONResponse | None
        try:
            caller = identify(headers, _path(scope), _client(scope), touch=_is_activity(scope))
            refusal = _refusal(scope, headers, caller, server)
        except TrailError as error:  # the users file cannot be read
            caller, refusal = Caller(), explained(error)
        if scope["type"] == "websocket":
            if refusal is not None:
                await send({"type": "websocket.close", "code": 1008})
                return
            socket = _Socket(
                receive,
                send,
                caller.sid_hash,
                self._media,
                self._mask_message,
                is_masked=email_masks.is_masked(caller.user),
            )
            await self._app(_with_identity(scope, headers, caller), socket.receive, socket.send)
            return
        if refusal is None and not self._media.may_read(caller.sid_hash, _path(scope)):
            refusal = json_error(*NOT_FOUND)
        secured = _with_security_headers(self._headers, scope, headers, send, server)
        if refusal is not None:
            await refusal(scope, receive, secured)
            return
        known = _with_identity(scope, headers, caller)
        if email_masks.is_masked(caller.user) and not FILES.match(_path(scope)):
            masked = email_masks.MaskedAnswer(secured)
            await self._app(email_masks.uncompressed(known), receive, masked.send)
            return
        await self._app(known, receive, secured)


class _Socket:
    """A websocket whose session is checked at every frame, in both directions.

    The rerun of a fragment does not run the main script, so a check there would miss the end of the
    session; and output after the end must not be sent. Frames do not count as user activity, since
    pages that refresh themselves send them, too.
    """

    def __init__(
        self,
        receive: Receive,
        send: Send,
        sid_hash: str,
        media: MediaFiles,
        mask_message: Callable[[bytes], bytes] | None,
        *,
        is_masked: bool,
    ) -> None:
        self._receive, self._send, self._sid_hash = receive, send, sid_hash
        self._media, self._closed, self._masked = media, False, is_masked
        self._mask_message = mask_message

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.receive" and not self._is_valid():
            await self._close()
            return {"type": "websocket.disconnect", "code": 1008}
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "websocket.send" and not self._is_valid():
            await self._close()
        elif not self._closed:
            if self._sid_hash and message["type"] == "websocket.send":
                self._media.note(self._sid_hash, message.get("bytes") or b"")
            if self._is_masked() and message["type"] == "websocket.send":
                if self._mask_message is None:
                    await self._close()
                    return
                message = {**message, "bytes": self._mask_message(message.get("bytes") or b"")}
            await self._send(message)

    def _is_masked(self) -> bool:
        """Return whether e-mails are masked, either since the start or by now."""
        if self._sid_hash and not self._masked:
            runtime = process.current()
            user = session_user(runtime.sessions, runtime.users, self._sid_hash, touch=False)
            self._masked = email_masks.is_masked(user)
        return self._masked

    def _is_valid(self) -> bool:
        if self._closed or not self._sid_hash:  # not signed in: only the sign-in form is shown
            return not self._closed
        runtime = process.current()
        return (
            session_user(runtime.sessions, runtime.users, self._sid_hash, touch=False) is not None
        )

    async def _close(self) -> None:
        if not self._closed:
            self._closed = True
            await self._send({"type": "websocket.close", "code": 1008})


def _path(scope: Scope) -> str:
    return re.sub(r"/{2,}", "/", scope["path"].removeprefix(scope.get("root_path", "")))


def _is_activity(scope: Scope) -> bool:
    if scope["type"] == "websocket" or BACKGROUND_PATHS.match(_path(scope)):
        return False
    return _path(scope) not in (ALIVE, NEW_EVENTS) or scope["method"] == "POST"


def _client(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else "unknown"


def _with_identity(scope: Scope, headers: Headers, caller: Caller) -> Scope:
    """Return *scope* with the identity of the caller instead of internal headers of the client."""
    external = [
        pair for pair in scope["headers"] if not pair[0].lower().startswith(INTERNAL_PREFIX)
    ]
    identity = {ADDRESS_HEADER: _client(scope)}
    if visit := cookies(headers, VISIT_COOKIE):
        identity[VISIT_HEADER] = hash_of(visit[0])
    if caller.user and not caller.token:
        identity |= {USER_HEADER: caller.user.username, SID_HEADER: caller.sid_hash}
    if caller.ended:
        identity[ENDED_HEADER] = caller.ended
    added = [(name.encode("ascii"), value.encode("latin-1")) for name, value in identity.items()]
    user = {SCOPE_USER: caller.user, SCOPE_SID_HASH: caller.sid_hash}
    return {**scope, "headers": external + added, **user}


def _refusal(scope: Scope, headers: Headers, caller: Caller, server: Server) -> JSONResponse | None:
    path = _path(scope)
    if path not in ANY_HOST_PATHS and not _host_allowed(headers.get("host", ""), server):
        return json_error(400, "Unknown host name.", "Add it to server.allowed_hosts.")
    if DISABLED_PATHS.match(path):
        return json_error(*NOT_FOUND)
    method = "" if scope["type"] == "websocket" else scope["method"]
    unsafe = method not in ("GET", "HEAD", "OPTIONS")
    # Browsers never add tokens themselves, so other sites cannot make them send one.
    has_token = caller.token or path.startswith(SELF_AUTHENTICATED)
    if unsafe and not has_token and not same_origin(headers, server):
        return json_error(
            403, "This request comes from another site.", "Open the dashboard itself."
        )
    return _unauthorized(scope, path, method, caller)


# What the pages themselves ask as one types or waits, and what answers no event.
UNRECORDED = ("/api/time", "/api/openapi.json", NEW_EVENTS)


def _unauthorized(scope: Scope, path: str, method: str, caller: Caller) -> JSONResponse | None:
    """Return the refusal of a caller without session or permission; record API reads."""
    if caller.refused:
        return json_error(caller.refused, *REFUSALS[caller.refused])
    if SIGNED_IN_ONLY.match(path) and caller.user is None:
        return json_error(401, "Not signed in.", "Sign in on the dashboard, then try again.")
    if lacks_factor(caller, path, method):
        return json_error(403, "Set up a second factor first.", "Open Account on the dashboard.")
    query = scope["query_string"].decode("latin-1")
    if caller.user and not permitted(caller, path, method, _client(scope), query):
        return json_error(403, "Your role has no access to this.", "Ask an owner.")
    if unreadable := email_masks.refusal(caller.user, path, query):
        return json_error(*unreadable)
    if caller.user and path.startswith("/api/") and path not in UNRECORDED:
        record_api_read(caller, path, query, _client(scope))
    return None


def _host_allowed(host: str, server: Server) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        name = (parts.hostname or "").rstrip(".")
        _ = parts.port  # raises for an invalid port
        if parts.netloc != host or "@" in host:
            return False
    except ValueError:
        return False
    if not server.allowed_hosts:
        return name in LOOPBACK
    for allowed in (host.lower().strip("[]") for host in server.allowed_hosts):
        if allowed in ("*", name) or (allowed.startswith("*.") and name.endswith(allowed[1:])):
            return True
    return False


def same_origin(headers: Headers, server: Server) -> bool:
    """Return whether a page of this server, or no browser at all, sent these headers."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        return False
    if origin is None:  # not a browser, so it sends no cookies unasked
        return True
    try:
        netloc = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    if netloc == headers.get("host", "").lower():
        return True
    # A proxy may rewrite Host. On loopback names, other ports are other applications.
    return (
        bool(server.allowed_hosts)
        and "*" not in server.allowed_hosts
        and bool(netloc and _host_allowed(netloc, server))
    )


def _with_security_headers(
    added: Mapping[str, str], scope: Scope, headers: Headers, send: Send, server: Server
) -> Send:
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
            for name, value in added.items():
                out[name] = value
            if server.https:
                out["strict-transport-security"] = "max-age=31536000"
            if SIGNED_IN_ONLY.match(path):
                out["cache-control"] = "no-store"
            if visit:
                out.append("set-cookie", visit)
        await send(message)

    return answer
