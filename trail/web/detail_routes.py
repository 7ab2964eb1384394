"""The API routes of one incident, one finding, the actors, and the coverage of a range."""

from dataclasses import asdict
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from trail.core.clock import naive_utc, utc_text
from trail.core.json_values import json_row
from trail.events import coverage, people, timeline
from trail.findings import queries as unusual
from trail.incidents import incident_json, queries
from trail.storage.filters import Filter
from trail.web import parameters, request_filter, schemas
from trail.web.api_route import ApiRoute, Operation, Parameter
from trail.web.guard import request_user
from trail.web.json_errors import NOT_FOUND, json_error
from trail.web.query_routes import query
from trail.web.request_filter import rows_of


@query
def incident(request: Request) -> Response:
    """Return one incident, with its attempts and the changes before it."""
    filter_, store, now = request_filter.of(request)
    found = queries.incident(store, str(request.path_params["incident_id"]), now)
    if found is None:
        return json_error(*NOT_FOUND)
    return _json(incident_json.record(store, Filter(tz=filter_.tz), now, found))


@query
def finding(request: Request) -> Response:
    """Return one finding, including one below the threshold, with its reasons and events."""
    if (user := request_user(request)) and not user.may(
        "see_findings"
    ):  # checked by the guard as well
        return json_error(403, "Your role has no access to findings.")
    filter_, store, now = request_filter.of(request)
    found = unusual.get(store, str(request.path_params["finding_id"]))
    if found is None:
        return json_error(*NOT_FOUND)
    return _json(next(unusual.records(store, [found], filter_.zone, now)))


@query
def actors(request: Request) -> Response:
    """Return people and tokens with their activity in the filter, most changes first.

    `actor` selects them; without it, all actors of the directory and the events are returned.
    """
    filter_, store, now = request_filter.of(request)
    found = people.actor_activity(store, filter_, now)
    if chosen := filter_.choice("actor").include:
        found = [one for one in found if one.actor_id in chosen]
    page = found[: rows_of(request)]
    body = {"actors": [json_row(asdict(one)) for one in page], "count": len(found)}
    return _json({**body, **request_filter.notices(request)})


@query
def covered(request: Request) -> Response:
    """Return when sources were collecting: watched, gap and unknown spans.

    In a gap or an unknown span, the absence of events does not mean that nothing happened.
    `known_until` is the time up to which data is known. In a gap, `missing` names the workspaces
    that were not collected, if others were; with `workspace`, only the chosen ones count.
    """
    filter_, store, now = request_filter.of(request)
    window = timeline.bounded(store, filter_.window(now), now)
    start, end = window.start, min(window.end or naive_utc(now), naive_utc(now))
    of = filter_.choice("workspace")
    found = coverage.spans(store, start, end, of) if start else []
    known = coverage.known_until(store, naive_utc(now), of)
    spans = [
        {
            "start": utc_text(span.start),
            "end": utc_text(span.end),
            "state": span.state,
            "missing": span.missing,
        }
        for span in found
    ]
    return _json({"spans": spans, "known_until": utc_text(known) if known else None})


def _json(body: dict[str, Any]) -> Response:
    headers = {"cache-control": "no-store"}
    return Response(orjson.dumps(body), media_type="application/json", headers=headers)


def _id(name: str, of: str, example: str) -> Parameter:
    about, schema = f"The ID of the {of}.", {"type": "string", "minLength": 1}
    return Parameter(name, about, schema, example, is_required=True, place="path")


_INCIDENT = _id("incident_id", "incident", "453adb1cb80876bd")
_FINDING = _id("finding_id", "finding", "f-466e2da3249d9123")
ROUTES = [
    ApiRoute(
        "/api/incidents/{incident_id}",
        incident,
        Operation((_INCIDENT, parameters.ZONE_NAME), schemas.ONE_INCIDENT, other=(404,)),
    ),
    ApiRoute(
        "/api/findings/{finding_id}",
        finding,
        Operation((_FINDING, parameters.ZONE_NAME), schemas.ONE_FINDING, other=(404,)),
    ),
    ApiRoute(
        "/api/actors", actors, Operation((*parameters.STORED, parameters.LIMIT), schemas.ACTORS)
    ),
    ApiRoute("/api/coverage", covered, Operation(parameters.COVERAGE, schemas.COVERAGE)),
]
