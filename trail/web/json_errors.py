"""JSON error responses of the HTTP routes: `error` and `hint`, and the place in a search text."""

from collections.abc import Mapping

from starlette.responses import JSONResponse

from trail.core.errors import OverloadError, TrailError, UnavailableError
from trail.storage.search_syntax import SearchError

NOT_FOUND = (404, "Not found.", "Check the address.")


def json_error(
    status: int, error: str, hint: str = "", more: Mapping[str, object] | None = None
) -> JSONResponse:
    """Return an error response that is not cached, with the fields of *more*."""
    body = {"error": error, "hint": hint, **(more or {})}
    return JSONResponse(body, status, {"cache-control": "no-store"})


def explained(error: TrailError) -> JSONResponse:
    """Return the response for *error*: 429 or 503 if it may succeed later, else 400.

    That of a search text says where, in characters from `start` to `end` (exclusive), and what was
    probably meant.
    """
    if isinstance(error, OverloadError):
        response = json_error(429 if error.own else 503, error.message, error.hint)
        response.headers["retry-after"] = str(error.retry_after_s)
        return response
    status = 503 if isinstance(error, UnavailableError) else 400
    more: dict[str, object] = {}
    if isinstance(error, SearchError):
        more = {"search": error.text, "start": error.start, "end": error.end}
        more["correction"] = error.correction
    return json_error(status, error.message, error.hint, more)
