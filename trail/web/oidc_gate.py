"""ASGI middleware around Streamlit's own sign-in routes, which cannot be disabled.

It blocks them, restricts them to the pages of this server, or changes their responses.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trail.access_log import log
from trail.accounts.oidc import CALLBACK, FRESH_SECONDS
from trail.runtime import process
from trail.web.guard import ADDRESS_HEADER, same_origin
from trail.web.json_errors import NOT_FOUND, json_error

LOGIN, LOGOUT = "/auth/login", "/auth/logout"
PROBLEM = "sign-in"  # query parameter of the sign-in form that names the problem
UNREACHABLE, REJECTED = "unreachable", "refused"
_COOKIE = "_streamlit_user"  # also the prefix of its parts and of the token cookie


def forget(request: Request, response: Response) -> None:
    """Clear Streamlit's cookies, which our own session replaces."""
    for name in request.cookies:
        if name.startswith(_COOKIE):
            response.delete_cookie(name, path="/", httponly=True, samesite="lax")


class ProviderGate:
    """ASGI middleware inside the guard. `LOGOUT` is blocked: `auth.sign_out` ends sessions."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on the requests that Streamlit may answer."""
        path = scope.get("path", "").rstrip("/")
        if scope["type"] != "http" or path not in (LOGIN, LOGOUT, CALLBACK):
            await self._app(scope, receive, send)
            return
        settings, headers = process.current().settings, Headers(scope=scope)
        if path == LOGOUT or not settings.auth.by_provider:
            answer = json_error(*NOT_FOUND)
        elif path == LOGIN and not same_origin(headers, settings.server):
            answer = json_error(
                403, "This request comes from another site.", "Open the dashboard itself."
            )
        else:
            wrap = _wrapped_login if path == LOGIN else _wrapped_callback
            await self._app(scope, receive, wrap(scope, headers, send))
            return
        await answer(scope, receive, send)


def _wrapped_login(scope: Scope, headers: Headers, send: Send) -> Send:
    """Redirect to the sign-in form instead of Streamlit's error page."""
    failed = False

    async def answer(message: Message) -> None:
        nonlocal failed
        if message["type"] == "http.response.start" and message["status"] >= 400:
            failed = True
            _record("provider unreachable", headers)
            redirect = RedirectResponse(
                f"/?{PROBLEM}={UNREACHABLE}", 303, {"cache-control": "no-store"}
            )
            await redirect(scope, _receive_nothing, send)
        elif not failed:
            await send(message)

    return answer


def _wrapped_callback(_: Scope, headers: Headers, send: Send) -> Send:
    """Limit Streamlit's cookies to minutes; redirect to the sign-in form after a refusal."""
    secure = "; Secure" if process.current().settings.server.https else ""

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            out, accepted = MutableHeaders(scope=message), False
            cookies = out.getlist("set-cookie")
            del out["set-cookie"]
            for cookie in cookies:
                pair, *rest = cookie.split("; ")
                if pair.startswith(_COOKIE) and "max-age=0" not in cookie.lower():
                    accepted = True
                    attributes = [part for part in rest if not part.lower().startswith("max-age")]
                    cookie = "; ".join([pair, *attributes, f"Max-Age={FRESH_SECONDS}"]) + secure
                out.append("set-cookie", cookie)
            if not accepted:
                _record("response of the provider rejected", headers)
                out["location"] = f"/?{PROBLEM}={REJECTED}"
            out["cache-control"] = "no-store"
        await send(message)

    return answer


def _record(why: str, headers: Headers) -> None:
    address = headers.get(ADDRESS_HEADER, "")
    log.record("sign_in_refused", what=why, address=address, merge=True)


async def _receive_nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}
