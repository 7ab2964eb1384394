"""JSON error responses of the HTTP routes: problem details (RFC 9457).

In addition to the standard members they have `error` and `hint`, which together are `detail`, for
compatibility; errors of a search text give the position in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import JSONResponse

from trail.core.errors import FilterError, OverloadError, TrailError, UnavailableError
from trail.storage.search_syntax import SearchError

MEDIA_TYPE = "application/problem+json"
NOT_FOUND = (404, "Not found.", "Check the address.")


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of error that clients may handle specifically; see docs/api.md."""

    name: str
    title: str
    about: str

    @property
    def uri(self) -> str:
        """Return the `type` of its problems: its place in the OpenAPI document."""
        return f"/api/openapi.json#/x-problem-types/{self.name}"


INVALID_SEARCH = ProblemType(
    "invalid-search",
    "The search text cannot be read",
    "`search` is the text, `start` and `end` (exclusive) the position of the error in characters, "
    "and `correction` the text that was probably meant, empty if unknown.",
)
INVALID_FILTER = ProblemType(
    "invalid-filter",
    "The filter cannot be read",
    "A parameter of the filter is unknown, has a value that is not allowed, or exceeds a limit. "
    "`error` names it.",
)
OVERLOADED = ProblemType(
    "overloaded",
    "Too many requests at once",
    "Retry after the number of seconds in the header `Retry-After`. Status 429 counts requests of "
    "the same user, token or address, status 503 those of all clients.",
)
PROBLEM_TYPES = (INVALID_SEARCH, INVALID_FILTER, OVERLOADED)
# An error described by its status.
BLANK = "about:blank"


def json_error(
    status: int,
    error: str,
    hint: str = "",
    more: Mapping[str, object] | None = None,
    problem: ProblemType | None = None,
) -> JSONResponse:
    """Return an error response that is not cached, with the fields of *more*."""
    body = {
        "type": problem.uri if problem else BLANK,
        "title": problem.title if problem else HTTPStatus(status).phrase,
        "status": status,
        "detail": f"{error} {hint}".strip(),
        "error": error,
        "hint": hint,
        **(more or {}),
    }
    return JSONResponse(body, status, {"cache-control": "no-store"}, MEDIA_TYPE)


def overloaded(status: int, error: str, hint: str, retry_after_s: int) -> JSONResponse:
    """Return the response to a client that may retry after *retry_after_s* seconds."""
    response = json_error(status, error, hint, problem=OVERLOADED)
    response.headers["retry-after"] = str(retry_after_s)
    return response


def explained(error: TrailError) -> JSONResponse:
    """Return the response for *error*: 429 or 503 if it may succeed later, else 400.

    That of a search text says where, in characters from `start` to `end` (exclusive), and what was
    probably meant.
    """
    if isinstance(error, OverloadError):
        return overloaded(429 if error.own else 503, error.message, error.hint, error.retry_after_s)
    if isinstance(error, SearchError):
        more = {"search": error.text, "start": error.start, "end": error.end}
        more["correction"] = error.correction
        return json_error(400, error.message, error.hint, more, INVALID_SEARCH)
    status = 503 if isinstance(error, UnavailableError) else 400
    problem = INVALID_FILTER if isinstance(error, FilterError) else None
    return json_error(status, error.message, error.hint, problem=problem)
