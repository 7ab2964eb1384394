"""What the query string of a request selects: the filter, the database, and what names nothing."""

import datetime as dt

from starlette.requests import Request

from trail.events import value_names
from trail.runtime import startup
from trail.storage.database import Store
from trail.storage.filters import Filter
from trail.web import parameters


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
