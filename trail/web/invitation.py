"""The invitation page, where users set their own password without a session.

The secret is in the fragment of the URL and in the body of the requests, never in a URL that a
server or proxy logs.
"""

import datetime as dt
from pathlib import Path

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from trail.access_log import log
from trail.accounts.invitations import Invitation, Invitations
from trail.core.errors import TrailError
from trail.runtime import process
from trail.web.api_route import BYTES, JSON, NOBODY, ApiRoute, Content, Operation
from trail.web.guard import client_address
from trail.web.json_errors import NOT_FOUND, explained, json_error

ADDRESS = "/auth/invitation"
_SCRIPT = f"{ADDRESS}.js"
_MAX_BYTES = 8_192
_PAGE = Path(__file__).with_name("invitation.html").read_bytes()
_CODE = Path(__file__).with_name("invitation.js").read_bytes()
_NOT_STORED = {"cache-control": "no-store"}


async def page(_: Request) -> Response:
    """Return the page of an invitation; the secret is in the fragment of the URL."""
    return Response(_PAGE, 200, _NOT_STORED, "text/html; charset=utf-8")


async def script(_: Request) -> Response:
    """Return the script of the invitation page."""
    return Response(_CODE, 200, _NOT_STORED, "text/javascript; charset=utf-8")


async def accept(request: Request) -> Response:
    """Return who the invitation with the `secret` is for; with a `password`, accept it.

    The body is JSON with `secret`, and `name` and `password` to accept.
    """
    runtime = process.current()
    if not runtime.settings.auth.by_password:
        return json_error(*NOT_FOUND)
    given = await _fields(request)
    if given is None:
        return json_error(400, "Invalid request.", "Reload the page.")
    pending = Invitations(runtime.users)
    address, secret = client_address(request), given.get("secret", "")
    try:
        found = pending.find(secret)
    except TrailError as error:
        log.record("invitation_refused", address=address, merge=True)
        return explained(error)
    if "password" not in given:
        return _json({"username": found.username, "name": found.name, "about": _about(found)})
    try:
        # Not in the event loop, which a hash would block for a quarter of a second.
        found = await run_in_threadpool(
            pending.accept, secret, given.get("name", ""), given["password"]
        )
    except TrailError as error:
        return explained(error)
    log.record("invitation_accepted", found.username, found.role, address=address)
    return _json({"username": found.username})


async def _fields(request: Request) -> dict[str, str] | None:
    """Return the body, or None if it is too long or not an object of strings."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MAX_BYTES:
            return None
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
        return None
    return given


def _about(found: Invitation) -> str:
    if found.account:
        return f"{found.by} asks you to set a new password for the audit trail."
    end = dt.datetime.fromisoformat(found.ends_at) if found.ends_at else None
    until = f", until {end:%Y-%m-%d %H:%M} UTC" if end else ""
    return f"{found.by} invites you to the audit trail as {found.role}{until}."


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), 200, _NOT_STORED, "application/json")


_TEXT = {"type": "string"}
_ACCEPTED = Content(
    JSON,
    {
        "type": "object",
        "properties": {"username": _TEXT, "name": _TEXT, "about": _TEXT},
        "required": ["username"],
    },
    {"username": "jon"},
)
_GIVEN = Content(
    JSON,
    {
        "type": "object",
        "properties": {"secret": _TEXT, "name": _TEXT, "password": _TEXT},
        "required": ["secret"],
        "additionalProperties": _TEXT,
    },
)
ROUTES = [
    ApiRoute(
        ADDRESS,
        page,
        Operation(answer=Content("text/html; charset=utf-8", BYTES), credentials=NOBODY),
    ),
    ApiRoute(
        ADDRESS,
        accept,
        Operation(answer=_ACCEPTED, body=_GIVEN, other=(404,), credentials=NOBODY),
        methods=["POST"],
    ),
    ApiRoute(
        _SCRIPT,
        script,
        Operation(answer=Content("text/javascript; charset=utf-8", BYTES), credentials=NOBODY),
    ),
]
