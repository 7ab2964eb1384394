"""`/export.access.csv`: the access log as a download. Separate: it is no part of the trail."""

import datetime as dt

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trail.access_log import log
from trail.core.download_stats import Tally
from trail.core.errors import TrailError
from trail.runtime import process
from trail.storage.filters import Filter
from trail.web.downloads import by_line, noted
from trail.web.streaming import ClosingStream

ADDRESS = "/export.access.csv"
_TYPE = "text/csv; charset=utf-8"
_WINDOW = ("from", "to", "tz")


async def download(request: Request) -> Response:
    """Answer the entries that the address chooses: `from`, `to`, `tz`, `user`, `kind`."""
    asked = request.query_params
    try:
        filter_ = Filter.parse([(name, asked[name]) for name in _WINDOW if name in asked])
        window = filter_.window(dt.datetime.now(dt.UTC))
    except TrailError as problem:
        return JSONResponse({"error": problem.message, "hint": problem.hint}, 400)
    await anyio.to_thread.run_sync(log.settle)
    tally, user, kind = Tally(), asked.get("user", ""), asked.get("kind", "")
    lines = log.stream(process.current().store, window, filter_.zone, user, kind)
    words = str(request.url.query)
    name = f"access-log_{dt.datetime.now(filter_.zone):%Y-%m-%dT%H%M}.csv"
    return ClosingStream(
        noted(request, by_line(lines, tally), tally, words),
        None,
        {"Content-Disposition": f'attachment; filename="{name}"'},
        _TYPE,
    )


ROUTES: list[Route] = [Route(ADDRESS, download)]
