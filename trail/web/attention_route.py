"""The route of what needs attention: the list of the Overview as JSON."""

from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response

from trail.attention import items as attention
from trail.core.clock import naive_utc, utc_text
from trail.events import coverage
from trail.runtime import process, startup
from trail.storage.filters import Filter
from trail.web import parameters, schemas
from trail.web.api_route import ApiRoute, Operation
from trail.web.guard import request_user
from trail.web.query_routes import query


@query
def items(request: Request) -> Response:
    """Return what needs attention, most urgent first; `muted=1` includes muted items.

    Of each kind, the most urgent and one row for the others, whose `count` says how many; `count`
    is the sum. Who may not see findings gets the list without them, failed deliveries and
    quarantine. Titles have times in the zone `tz`, which each such item names. `known_until` is the
    last time up to which data is known.
    """
    runtime, user = process.current(), request_user(request)
    store, now = startup.reading_store(), runtime.store.now()
    zone = Filter.parse(urlencode({"tz": request.query_params.get("tz", "")})).zone
    listed = attention.items(
        store,
        runtime.settings,
        now,
        findings=bool(user and user.may("see_findings")),
        muted=request.query_params.get("muted", "") not in ("", "0"),
        zone=zone,
    )
    known = coverage.known_until(store, naive_utc(now))
    body = {
        "items": [item.to_dict() for item in listed],
        "count": sum(item.count for item in listed),
        "known_until": utc_text(known) if known else None,
    }
    return Response(
        orjson.dumps(body), media_type="application/json", headers={"Cache-Control": "no-store"}
    )


ROUTES = [
    ApiRoute(
        "/api/attention",
        items,
        Operation((parameters.ZONE_NAME, parameters.MUTED), schemas.ATTENTION),
    )
]
