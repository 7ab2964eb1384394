"""The route that says what a typed time means, for the preview as one types."""

import datetime as dt

import orjson
from starlette.requests import Request
from starlette.responses import Response

from trail.core import time_labels
from trail.core.clock import utc_text
from trail.core.errors import FilterError
from trail.storage import time_expressions, time_window
from trail.storage.filters import Filter
from trail.web import parameters, schemas
from trail.web.api_route import ApiRoute, Operation
from trail.web.json_errors import explained
from trail.web.week_start import request_week_start

ADDRESS = "/api/time"


async def time(request: Request) -> Response:
    """Return the range that the typed time `text` means in the zone `tz`: `from`, `to` and a label.

    `week` is the first day of the week: 0 (Monday), 5 or 6; by default that of the setting or of
    the client's language. The route runs no query and does not wait for others.
    """
    query = request.query_params
    try:
        zone = Filter.parse([("tz", query.get("tz", "UTC"))]).zone
        now = dt.datetime.now(dt.UTC)
        week = request_week_start(request)
        start, end = time_window.typed(query.get("text", ""), zone, now, week)
        first, last = time_expressions.window(start, end, zone, now)
    except FilterError as error:
        return explained(error)
    return _json(
        {
            "from": start,
            "to": end,
            "start": utc_text(first) if first else None,
            "end": utc_text(last) if last else None,
            "label": time_labels.open_window(first, last, zone, now),
        }
    )


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")


ROUTES = [
    ApiRoute(
        ADDRESS,
        time,
        Operation(
            (parameters.TYPED_TIME, parameters.ZONE_NAME, parameters.WEEK_START),
            schemas.MEANT_TIME,
        ),
    )
]
