"""What the query string of a request selects: the filter, the database, and what names nothing."""

import datetime as dt

from starlette.requests import Request

from trail.core.errors import InputError
from trail.core.text import parse_integer
from trail.events import events, value_names
from trail.runtime import startup
from trail.storage.database import Store
from trail.storage.filters import Filter
from trail.web import parameters

_MAX_ROWS = 1_000


def of(request: Request) -> tuple[Filter, Store, dt.datetime]:
    """Return the filter of *request*, the database that it names, and the present (aware).

    The filter has IDs in place of names; see `notices`. Raises `InputError` and `FilterError`.
    """
    pairs = [
        pair
        for pair in request.query_params.multi_items()
        if pair[0] not in parameters.OUTSIDE_FILTER
    ]
    store = startup.store_of(request.query_params.get("archive", ""))
    filter_, request.state.misnamed = value_names.resolve(store, Filter.parse(pairs))
    return filter_, store, dt.datetime.now(dt.UTC)


def notices(request: Request) -> dict[str, list[str]]:
    """Return what a value of the filter that names nothing was probably meant to be, if any."""
    texts = [str(problem) for problem in request.state.misnamed]
    return {"notices": texts} if texts else {}


def rows_of(request: Request) -> int:
    """Return the rows of the page that *request* asks for by `limit`: 1 to 1,000.

    Raises `InputError` for what is no integer.
    """
    return min(max(number_of(request, "limit", events.PAGE_ROWS), 1), _MAX_ROWS)


def number_of(request: Request, name: str, default: int) -> int:
    """Return the integer *name* of the query, or *default* without it; raise `InputError`."""
    if not (text := request.query_params.get(name, "")):
        return default
    number = parse_integer(text)
    if number is None:
        raise InputError(f"Invalid {name}.", "Use an integer from 0 to 9223372036854775807.")
    return number
