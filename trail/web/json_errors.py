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


def explained(error: TrailError) -> JSONResponse:
    """Return the response for *error*: 503 if the same request may succeed later, else 400."""
    status = 503 if isinstance(error, UnavailableError) else 400
    return json_error(status, error.message, error.hint)


def in_thread(
    work: Callable[[Request], Response], *, query: bool = False
) -> Callable[[Request], Any]:
    """Run *work* in a thread and answer a `TrailError` as `explained`.

    A *query* has the query timeout.
    """

    @wraps(work)
    async def answer(request: Request) -> Response:
        seconds = process.current().settings.limits.query_seconds
        try:
            with query_timeout.within(seconds) if query else contextlib.nullcontext():
                return await anyio.to_thread.run_sync(work, request)
        except TrailError as error:
            return explained(error)

    return answer
