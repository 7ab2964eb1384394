"""`/export.access.csv`: the access log as a download."""

import datetime as dt

from starlette.requests import Request
from starlette.responses import Response

from trail.access_log import log
from trail.core import csv_safety
from trail.core.download_stats import Tally
from trail.runtime import process
from trail.storage.filters import Filter
from trail.web import parameters
from trail.web.api_route import BYTES, ApiRoute, Content, Operation
from trail.web.downloads import count_rows, recorded
from trail.web.query_routes import export
from trail.web.streaming import Download

ADDRESS = "/export.access.csv"
_TYPE = "text/csv; charset=utf-8"
_WINDOW = ("from", "to", "tz")


@export
def download(request: Request) -> Response:
    """Return the entries that the query selects: `from`, `to`, `tz`, `user`, `kind`."""
    query = request.query_params
    filter_ = Filter.parse([(name, query[name]) for name in _WINDOW if name in query])
    window = filter_.window(dt.datetime.now(dt.UTC))
    log.flush()
    tally, user, kind = Tally(), query.get("user", ""), query.get("kind", "")
    runtime = process.current()
    lines = count_rows(log.stream(runtime.store, window, filter_.zone, user, kind), tally)
    name = f"access-log_{dt.datetime.now(filter_.zone):%Y-%m-%dT%H%M}.csv"
    return Download(
        request,
        recorded(
            request,
            csv_safety.marked(lines, runtime.settings.export.csv_bom),
            tally,
            str(request.url.query),
        ),
        {"Content-Disposition": f'attachment; filename="{name}"'},
        _TYPE,
    )


ROUTES = [
    ApiRoute(
        ADDRESS,
        download,
        Operation(
            (
                *parameters.WINDOW_AND_ZONE,
                parameters.ACCESS_USER,
                parameters.ACCESS_KIND,
            ),
            Content(_TYPE, BYTES),
        ),
    )
]
