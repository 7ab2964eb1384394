"""The gate before Streamlit's own routes of signing in, which it serves whether or not we want it.

Separate, and pure ASGI, because Streamlit answers these addresses itself: here they are shut, kept
to our own pages, or their answer is changed on its way out.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trail.access_log import log
from trail.accounts.oidc import CALLBACK, FRESH_SECONDS
from trail.runtime import process
from trail.web.guard import ADDRESS_HEADER, same_origin

LOGIN, LOGOUT = "/auth/login", "/auth/logout"
PROBLEM = "sign-in"  # in the address of the form that says what went wrong
UNREACHABLE, UNBELIEVED = "unreachable", "refused"
_COOKIE = "_streamlit_user"  # also the start of its parts and of the tokens' cookie


def forget(request: Request, response: Response) -> None:
    """Clear what Streamlit keeps of the provider in the browser; our own session replaces it."""
    for name in request.cookies:
        if name.startswith(_COOKIE):
            response.delete_cookie(name, path="/", httponly=True, samesite="lax")


class ProviderGate:
    """ASGI middleware inside the guard.

    Nobody signs out by `LOGOUT`: our own session ends by our own route.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what Streamlit may answer."""
        path = scope.get("path", "").rstrip("/")
        if scope["type"] != "http" or path not in (LOGIN, LOGOUT, CALLBACK):
            await self._app(scope, receive, send)
            return
        known, headers = process.current().settings, Headers(scope=scope)
        if path == LOGOUT or not known.auth.by_provider:
            answer = _no(404, "There is nothing here.", "Check the address.")
        elif path == LOGIN and not same_origin(headers, known.server):
            answer = _no(403, "This request comes from another site.", "Open the dashboard itself.")
        else:
            change = _changed_login if path == LOGIN else _changed_callback
            await self._app(scope, receive, change(scope, headers, send))
            return
        await answer(scope, receive, send)


def _no(status: int, error: str, hint: str) -> JSONResponse:
    return JSONResponse({"error": error, "hint": hint}, status, {"cache-control": "no-store"})


def _changed_login(scope: Scope, headers: Headers, send: Send) -> Send:
    """Send back to the form with a word, where Streamlit shows its bare error."""
    failed = False

    async def answer(message: Message) -> None:
        nonlocal failed
        if message["type"] == "http.response.start" and message["status"] >= 400:
            failed = True
            _note("provider not reached", headers)
            away = RedirectResponse(
                f"/?{PROBLEM}={UNREACHABLE}", 303, {"cache-control": "no-store"}
            )
            await away(scope, _nothing, send)
        elif not failed:
            await send(message)

    return answer


def _changed_callback(_: Scope, headers: Headers, send: Send) -> Send:
    """Keep Streamlit's cookies for minutes, not its 30 days; say so when it believed nothing."""
    secure = "; Secure" if process.current().settings.server.https else ""

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            out, believed = MutableHeaders(scope=message), False
            cookies = out.getlist("set-cookie")
            del out["set-cookie"]
            for each in cookies:
                pair, *rest = each.split("; ")
                if pair.startswith(_COOKIE) and "max-age=0" not in each.lower():
                    believed = True
                    kept = [part for part in rest if not part.lower().startswith("max-age")]
                    each = "; ".join([pair, *kept, f"Max-Age={FRESH_SECONDS}"]) + secure
                out.append("set-cookie", each)
            if not believed:
                _note("provider's answer not believed", headers)
                out["location"] = f"/?{PROBLEM}={UNBELIEVED}"
            out["cache-control"] = "no-store"
        await send(message)

    return answer


def _note(why: str, headers: Headers) -> None:
    address = headers.get(ADDRESS_HEADER, "")
    log.note("sign_in_refused", what=why, address=address, together=True)


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}
