"""The routes for sign-in and sign-out, which set and clear the HttpOnly session cookie.

The sign-in form hands over with a single-use code, since a page cannot set such a cookie.
"""

import re
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trail.access_log import log
from trail.accounts import oidc
from trail.accounts.sessions import REMEMBERED_SECONDS, hash_of, session_user
from trail.runtime import process
from trail.web.api_route import NOBODY, ApiRoute, Operation, Parameter
from trail.web.browser_name import browser_name
from trail.web.guard import (
    ALIVE,
    COOKIE,
    SCOPE_SID_HASH,
    VISIT_HEADER,
    client_address,
    request_user,
)
from trail.web.oidc_gate import forget

FINISH, SIGN_OUT = "/auth/finish", "/auth/sign-out"
_MAX_NEXT = 16_384
# The sign-in form at this address leads to a short link, which itself is not a page.
LINK_SIGN_IN, LINK = "/?link=", "/s/"
_LINK_ID = re.compile(re.escape(LINK_SIGN_IN) + r"([0-9A-Za-z]{1,64})")


def safe_next(target: str) -> str:
    """Return *target* if it is a path on this server, else `/`; a short link for its sign-in."""
    printable = all(" " < char != "\x7f" for char in target) and "\\" not in target
    if not printable or len(target) > _MAX_NEXT or not target.startswith("/"):
        return "/"
    try:
        parts = urlsplit(target)
    except ValueError:
        return "/"
    if target.startswith("//") or parts.scheme or parts.netloc or parts.path.startswith("/auth/"):
        return "/"
    return LINK + link[1] if (link := _LINK_ID.fullmatch(target)) else target


async def finish(request: Request) -> Response:
    """Exchange the single-use code for the session cookie and redirect to the requested page."""
    runtime = process.current()
    response = _redirect(safe_next(request.query_params.get("next", "/")))
    sid = runtime.sessions.finish(
        request.query_params.get("code", ""),
        request.headers.get(VISIT_HEADER, ""),
        browser_name(request.headers.get("user-agent", "")),
        client_address(request),
    )
    if sid is None:
        log.record(
            "sign_in_refused",
            what="code unknown, used, expired or from another browser",
            address=client_address(request),
            merge=True,
        )
        return response
    runtime.sessions.end_hash(request.scope.get(SCOPE_SID_HASH, ""))
    if user := session_user(runtime.sessions, runtime.users, hash_of(sid)):
        method = "by provider" if oidc.is_provider_user(user) else ""
        log.record(
            "signed_in", user.username, user.role, what=method, address=client_address(request)
        )
    forget(request, response)
    response.set_cookie(
        COOKIE,
        sid,
        # Outlives the session, so that the form can say why it ended.
        max_age=int(runtime.sessions.seconds + REMEMBERED_SECONDS),
        path="/",
        secure=runtime.settings.server.https,
        httponly=True,
        samesite="lax",
    )
    return response


async def sign_out(request: Request) -> Response:
    """End the session in all tabs and clear the cookie."""
    runtime = process.current()
    runtime.sessions.end_hash(request.scope.get(SCOPE_SID_HASH, ""))
    if user := request_user(request):
        log.record("signed_out", user.username, user.role, address=client_address(request))
    response = _redirect("/")
    forget(request, response)
    response.delete_cookie(
        COOKIE, path="/", secure=runtime.settings.server.https, httponly=True, samesite="lax"
    )
    return response


async def alive(request: Request) -> Response:
    """Return whether the session is valid; only a POST counts as activity."""
    return Response(None, 204 if request_user(request) else 401, {"cache-control": "no-store"})


def _redirect(target: str) -> Response:
    return RedirectResponse(target, 303, {"cache-control": "no-store"})


_TEXT = {"type": "string"}
ROUTES = [
    ApiRoute(
        FINISH,
        finish,
        Operation(
            (
                Parameter("code", "The single-use code.", _TEXT),
                Parameter("next", "Path on this server to redirect to.", _TEXT, "/explore"),
            ),
            status=303,
            credentials=NOBODY,
        ),
    ),
    ApiRoute(SIGN_OUT, sign_out, Operation(status=303, credentials=NOBODY), methods=["POST"]),
    ApiRoute(
        ALIVE,
        alive,
        Operation(status=204, other=(401,), credentials=NOBODY),
        methods=["GET", "POST"],
    ),
]
