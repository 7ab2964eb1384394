"""`/export.incidents.csv` and `/export.findings.csv`: the lists of two pages as downloads."""

import datetime as dt
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response

from trail.core import csv_safety
from trail.core.download_stats import Tally
from trail.events import export as exports
from trail.findings import csv_export as findings_csv
from trail.findings import listing as findings_listing
from trail.incidents import csv_export as incidents_csv
from trail.incidents import queries
from trail.incidents.shown import Shown
from trail.runtime import process
from trail.storage import tiers
from trail.storage.filters import Filter
from trail.web import parameters, request_filter
from trail.web.api_route import BYTES, ApiRoute, Content, Operation
from trail.web.downloads import count_rows, recorded
from trail.web.guard import request_user
from trail.web.json_errors import json_error
from trail.web.query_routes import export
from trail.web.streaming import Download


@export
def export_incidents(request: Request) -> Response:
    """Return the incidents as a CSV download: all fields, or as on screen with `columns`."""
    filter_, store, now = request_filter.of(request)
    tiers.require_whole(store, queries.window_of_causes(filter_, now))
    shown = Shown.parse(request.query_params.items())
    if columns := _columns(request):
        chunks = incidents_csv.stream_columns(store, filter_, now, shown, columns, _names())
    else:
        chunks = incidents_csv.stream(store, filter_, now, shown)
    return _download(request, "incidents", filter_, now, chunks)


@export
def export_findings(request: Request) -> Response:
    """Return the findings as a CSV download: all fields, or as on screen with `columns`.

    `all=1` includes those below the threshold; `order` is a column, with `-` for descending.
    """
    if (user := request_user(request)) and not user.may(
        "see_findings"
    ):  # checked by the guard, too
        return json_error(403, "Findings are for owners and reviewers.")
    filter_, store, now = request_filter.of(request)
    tiers.require_whole(store, filter_.window(now))
    shown = findings_listing.Shown.parse(request.query_params.items())
    listing = findings_listing.Listing(store, filter_, shown, now)
    if columns := _columns(request):
        chunks = findings_csv.stream_columns(listing, columns, _names())
    else:
        chunks = findings_csv.stream(store, listing)
    return _download(request, "findings", filter_, now, chunks)


def _columns(request: Request) -> list[str]:
    named = request.query_params.get("columns")
    return named.split(",") if named else []


def _names() -> dict[str, str]:
    return {user.username: user.name for user in process.current().users.all()}


def _download(
    request: Request, kind: str, filter_: Filter, now: dt.datetime, chunks: Iterator[bytes]
) -> Response:
    """Return *chunks* as a file that names its *kind*; its end is recorded in the access log."""
    tally = Tally()
    rows = csv_safety.marked(count_rows(chunks, tally), process.current().settings.export.csv_bom)
    name = exports.Export(filter_).file_name(now).replace("audit-trail", kind)
    return Download(
        request,
        recorded(request, rows, tally, filter_),
        {"Content-Disposition": f'attachment; filename="{name}"'},
        exports.FORMATS["csv"],
    )


_CSV = Content(exports.FORMATS["csv"], BYTES)
_OF_INCIDENTS = (*parameters.STORED, *parameters.INCIDENTS, parameters.INCIDENT_COLUMNS)
_OF_FINDINGS = (
    *(*parameters.FILTER, parameters.ALL),
    *(parameters.FINDING_ORDER, parameters.FINDING_COLUMNS),
)
ROUTES = [
    ApiRoute("/export.incidents.csv", export_incidents, Operation(_OF_INCIDENTS, _CSV)),
    ApiRoute("/export.findings.csv", export_findings, Operation(_OF_FINDINGS, _CSV)),
]
