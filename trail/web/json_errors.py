"""JSON error responses of the HTTP routes: `error` and `hint`."""

from starlette.responses import JSONResponse

from trail.core.errors import OverloadError, TrailError, UnavailableError

NOT_FOUND = (404, "Not found.", "Check the address.")
CROSS_SITE = (403, "This request comes from another site.", "Open the dashboard itself.")


def json_error(status: int, error: str, hint: str = "") -> JSONResponse:
    """Return an error response that is not cached."""
    return JSONResponse({"error": error, "hint": hint}, status, {"cache-control": "no-store"})


def explained(error: TrailError) -> JSONResponse:
    """Return the response for *error*: 429 or 503 if it may succeed later, else 400."""
    if isinstance(error, OverloadError):
        response = json_error(429 if error.own else 503, error.message, error.hint)
        response.headers["retry-after"] = str(error.retry_after_s)
        return response
    status = 503 if isinstance(error, UnavailableError) else 400
    return json_error(status, error.message, error.hint)
