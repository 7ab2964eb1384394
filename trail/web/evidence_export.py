"""`/export.evidence.zip`: the evidence pack as a download."""

import datetime as dt

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trail.core.download_stats import Tally
from trail.core.errors import InputError
from trail.evidence import pack
from trail.evidence.period import ADDRESS
from trail.runtime import process
from trail.storage.filters import Filter
from trail.web.downloads import limiter, recorded
from trail.web.json_errors import in_thread
from trail.web.streaming import ClosingStream


@in_thread
def download(request: Request) -> Response:
    """Answer the evidence pack of the filter, built while it is sent."""
    runtime = process.current()
    pairs = request.query_params.multi_items()
    if any(name == "archive" for name, _ in pairs):
        raise InputError("An archived month has no seals of its own.", "Remove archive.")
    prepared = pack.prepare(
        runtime.store, runtime.settings, Filter.parse(pairs), dt.datetime.now(dt.UTC)
    )
    tally = Tally()
    return ClosingStream(
        recorded(request, prepared.stream(tally), tally, prepared.period.filter, "zip", "evidence"),
        limiter(),
        {"Content-Disposition": f'attachment; filename="{prepared.period.file_name()}"'},
        "application/zip",
    )


ROUTES: list[Route] = [Route(ADDRESS, download)]
