"""JSON error responses of the HTTP routes: `error` and `hint`."""

import contextlib
from collections.abc import Callable
from functools import wraps
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trail.core.errors import TrailError, UnavailableError
from trail.runtime import process
from trail.storage import query_timeout

NOT_FOUND = (404, "Not found.", "Check the address.")
CROSS_SITE = (403, "This request comes from another site.", "Open the dashboard itself.")


def json_error(status: int, error: str, hint: str = "") -> JSONResponse:
    """Return an error response that is not cached."""
    return JSONResponse({"error": error, "hint": hint}, status, {"cache-control": "no-store"})


def in_thread(
    work: Callable[[Request], Response], *, query: bool = False
) -> Callable[[Request], Any]:
    """Run *work* in a thread and answer a `TrailError` as JSON with status 400.

    A *query* has the query timeout, and is answered with 503 when something is unavailable.
    """

    @wraps(work)
    async def answer(request: Request) -> Response:
        seconds = process.current().settings.limits.query_seconds
        try:
            with query_timeout.within(seconds) if query else contextlib.nullcontext():
                return await anyio.to_thread.run_sync(work, request)
        except TrailError as error:
            unavailable = query and isinstance(error, UnavailableError)
            return json_error(503 if unavailable else 400, error.message, error.hint)

    return answer
