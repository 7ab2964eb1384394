"""The route that open pages poll for the number of events that arrived since they were drawn."""

import datetime as dt

import orjson
from starlette.requests import Request
from starlette.responses import Response

from trail.core.errors import InputError
from trail.events import arrivals, value_names
from trail.runtime import process
from trail.storage.filters import Filter
from trail.web import parameters, schemas
from trail.web.api_route import ApiRoute, Operation
from trail.web.guard import NEW_EVENTS
from trail.web.query_routes import query


@query
def new_events(request: Request) -> Response:
    """Return how many events of the filter arrived after `since` (UTC), up to 1,000."""
    pairs = request.query_params.multi_items()
    store = process.current().store
    asked = Filter.parse([pair for pair in pairs if pair[0] != "since"])
    filter_, _ = value_names.resolve(store, asked)
    try:
        since = dt.datetime.fromisoformat(request.query_params.get("since", ""))
    except ValueError:
        raise InputError("Invalid since.", "Use a time such as 2026-11-23T14:30:00.") from None
    if since.tzinfo:
        raise InputError("Invalid since.", "Use a time in UTC without an offset.")
    count = arrivals.count_since(store, filter_, store.now(), since)
    body = {"count": min(count, arrivals.MOST), "more": count > arrivals.MOST}
    return Response(orjson.dumps(body), media_type="application/json")


ROUTES = [
    ApiRoute(
        NEW_EVENTS,
        new_events,
        Operation((parameters.SINCE, *parameters.FILTER), schemas.NEW_EVENTS),
    )
]
