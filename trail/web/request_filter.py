"""What the query string of a request selects: the filter, the store, and what names nothing."""

import datetime as dt
from collections.abc import Callable

from starlette.requests import Request

from trail.core.errors import InputError
from trail.core.text import parse_integer
from trail.events import events, value_names
from trail.runtime import startup
from trail.storage import archived_month, cold_tier
from trail.storage.duckdb import Store
from trail.storage.filters import Filter, Window
from trail.web import parameters

_MAX_ROWS = 1_000


def of(
    request: Request, read: Callable[[Filter, dt.datetime], Window] = Filter.window
) -> tuple[Filter, Store, dt.datetime]:
    """Return the filter of *request*, the store for reading, and the present (aware).

    The filter has IDs in place of names; see `notices`. *read* returns the window of the events
    that the answer rests on. Raises `InputError` and `FilterError`.
    """
    pairs = [
        pair
        for pair in request.query_params.multi_items()
        if pair[0] not in parameters.OUTSIDE_FILTER
    ]
    store = startup.reading_store()
    now = dt.datetime.now(dt.UTC)
    month = request.query_params.get(archived_month.NAME, "")
    asked = archived_month.limited(Filter.parse(pairs), month, now)
    filter_, request.state.misnamed = value_names.resolve(store, asked)
    request.state.missing = cold_tier.missing(store, read(filter_, now))
    return filter_, store, now


def notices(request: Request) -> dict[str, list[str]]:
    """Return what a value of the filter that names nothing was probably meant to be, if any.

    Also which archive files of the window that is read are missing.
    """
    texts = [str(problem) for problem in request.state.misnamed]
    if request.state.missing:
        texts.append(cold_tier.missing_text(request.state.missing, startup.reading_store().archive))
    return {"notices": texts} if texts else {}


def rows_of(request: Request) -> int:
    """Return the number of rows per page from the parameter `limit` of *request*: 1 to 1,000.

    Raises `InputError` if the value is not an integer.
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
