"""The routes of signing in and out: they set and clear the cookie, which no page can do.

Separate from the form because only a response can carry an HttpOnly cookie; the form hands over
with a code that works once.
"""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trail.access_log import log
from trail.accounts import oidc
from trail.accounts.sessions import REMEMBERED_SECONDS, hash_of, who
from trail.runtime import process
from trail.web.guard import ALIVE, COOKIE, SCOPE_SID_HASH, VISIT_HEADER, address_of, user_of
from trail.web.oidc_gate import forget

FINISH, SIGN_OUT = "/auth/finish", "/auth/sign-out"
_LONGEST_NEXT = 16_384


def safe_next(target: str) -> str:
    """Return *target* when it is a path on this server, else `/`."""
    plain = all(" " < letter != "\x7f" for letter in target) and "\\" not in target
    if not plain or len(target) > _LONGEST_NEXT or not target.startswith("/"):
        return "/"
    try:
        parts = urlsplit(target)
    except ValueError:
        return "/"
    if target.startswith("//") or parts.scheme or parts.netloc or parts.path.startswith("/auth/"):
        return "/"
    return target


async def finish(request: Request) -> Response:
    """Change the one-time code for the session cookie and go on to the page asked for."""
    now = process.current()
    response = _go(safe_next(request.query_params.get("next", "/")))
    sid = now.sessions.finish(
        request.query_params.get("code", ""), request.headers.get(VISIT_HEADER, "")
    )
    if sid is None:
        log.note(
            "sign_in_refused",
            what="code unknown, used, late or from another browser",
            address=address_of(request),
            together=True,
        )
        return response
    now.sessions.end_hash(request.scope.get(SCOPE_SID_HASH, ""))
    if user := who(now.sessions, now.users, hash_of(sid)):
        how = "by provider" if oidc.vouched(user) else ""
        log.note("signed_in", user.username, user.role, what=how, address=address_of(request))
    forget(request, response)
    response.set_cookie(
        COOKIE,
        sid,
        # Longer than the session, so that the form can say why it ended; it opens nothing then.
        max_age=int(now.sessions.seconds + REMEMBERED_SECONDS),
        path="/",
        secure=now.settings.server.https,
        httponly=True,
        samesite="lax",
    )
    return response


async def sign_out(request: Request) -> Response:
    """End the session, in every tab, and clear the cookie."""
    now = process.current()
    now.sessions.end_hash(request.scope.get(SCOPE_SID_HASH, ""))
    if user := user_of(request):
        log.note("signed_out", user.username, user.role, address=address_of(request))
    response = _go("/")
    forget(request, response)
    response.delete_cookie(
        COOKIE, path="/", secure=now.settings.server.https, httponly=True, samesite="lax"
    )
    return response


async def alive(request: Request) -> Response:
    """Tell an open tab whether its session still stands; only a POST counts as use."""
    return Response(None, 204 if user_of(request) else 401, {"cache-control": "no-store"})


def _go(target: str) -> Response:
    return RedirectResponse(target, 303, {"cache-control": "no-store"})


ROUTES: list[Route] = [
    Route(FINISH, finish, methods=["GET"]),
    Route(SIGN_OUT, sign_out, methods=["POST"]),
    Route(ALIVE, alive, methods=["GET", "POST"]),
]
