"""`/export.evidence.zip`: the pack for an auditor, as a download. Separate: more than events."""

import datetime as dt

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trail.core.download_stats import Tally
from trail.core.errors import InputError, TrailError
from trail.evidence import pack
from trail.evidence.pack import Pack
from trail.evidence.period import ADDRESS
from trail.runtime import process
from trail.storage.filters import Filter
from trail.web.downloads import limiter, noted
from trail.web.streaming import ClosingStream


async def download(request: Request) -> Response:
    """Answer the pack of the address's filter, made while it is sent."""
    try:
        made = await anyio.to_thread.run_sync(_prepared, request)
    except TrailError as problem:
        return JSONResponse({"error": problem.message, "hint": problem.hint}, 400)
    tally = Tally()
    chosen = made.period.filter
    return ClosingStream(
        noted(request, made.stream(tally), tally, chosen, "zip", "evidence"),
        limiter(),
        {"Content-Disposition": f'attachment; filename="{made.period.file_name()}"'},
        "application/zip",
    )


def _prepared(request: Request) -> Pack:
    now = process.current()
    pairs = request.query_params.multi_items()
    if any(name == "archive" for name, _ in pairs):
        raise InputError("An archived month has no seals of its own.", "Ask without archive.")
    return pack.prepare(now.store, now.settings, Filter.parse(pairs), dt.datetime.now(dt.UTC))


ROUTES: list[Route] = [Route(ADDRESS, download)]
