"""The filtered routes: events, facets, timeline, incidents and findings as JSON; exports.

The guard has made sure of a session before any of this runs; what is chosen is the same `Filter`
that the pages hold.
"""

import datetime as dt
from collections.abc import Callable
from functools import wraps
from typing import Any

import anyio.to_thread
import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trail.core.download_stats import Tally
from trail.core.errors import InputError, TrailError, UnavailableError
from trail.core.model import EVENT_COLUMNS
from trail.events import counts
from trail.events import events as listing
from trail.events import export as exports
from trail.events import timeline as bars
from trail.findings import queries as unusual
from trail.findings.refresh import refresh
from trail.incidents import csv_export
from trail.incidents import incident_json as failures
from trail.incidents import queries as counted
from trail.integrity import high_water_mark, mirror
from trail.runtime import process, startup
from trail.storage import query_timeout
from trail.storage.filters import Filter
from trail.web.downloads import by_line, limiter, noted
from trail.web.guard import user_of
from trail.web.streaming import ClosingStream

# Names in a page's own address that are no part of a filter.
_NOT_FILTER = ("limit", "skip", "after", "columns", "archive", "budget", "all")
_MOST_ROWS = 1_000


def _answers(work: Callable[[Request], Response]) -> Callable[[Request], Any]:
    """Run *work* in a thread; turn a `TrailError` into its sentence."""

    @wraps(work)
    async def answer(request: Request) -> Response:
        limit = process.current().settings.limits.query_seconds
        try:
            with query_timeout.within(limit):
                return await anyio.to_thread.run_sync(work, request)
        except TrailError as problem:
            code = 503 if isinstance(problem, UnavailableError) else 400
            return JSONResponse({"error": problem.message, "hint": problem.hint}, code)

    return answer


@_answers
def events(request: Request) -> Response:
    """Answer a page of events, the cursor of the next one, and how many there are in all."""
    filter_, store, now = _asked(request)
    after = listing.Cursor.parse(request.query_params.get("after", ""))
    page = listing.page(store, filter_, now, after=after, rows=_rows(request))
    return _json(
        {
            "events": [_said(row) for row in page.rows],
            "next": str(page.last) if page.has_after else None,
            "count": counts.count(store, filter_, now),
        }
    )


@_answers
def facets(request: Request) -> Response:
    """Answer the values of each facet with their counts."""
    filter_, store, now = _asked(request)
    return _json(
        {
            name: [{"value": each.value, "count": each.count} for each in values]
            for name, values in counts.facets(store, filter_, now).items()
        }
    )


@_answers
def timeline(request: Request) -> Response:
    """Answer the histogram: bars without gaps, and their width in seconds."""
    filter_, store, now = _asked(request)
    found = bars.histogram(store, filter_, now)
    return _json(
        {
            "grain_s": int(found.grain.total_seconds()),
            "bars": [
                {
                    "start": f"{bar.start.isoformat()}Z",
                    "end": f"{bar.end.isoformat()}Z",
                    "count": bar.count,
                }
                for bar in found.bars
            ],
        }
    )


@_answers
def incidents(request: Request) -> Response:
    """Answer a page of incidents, the most urgent first, and how many there are in all."""
    filter_, store, now = _asked(request)
    found = failures.records(
        store, filter_, now, rows=_rows(request), skip=_number(request, "skip", 0)
    )
    count = counted.summary(store, filter_, now).incidents
    return _json({"incidents": list(found), "count": count})


@_answers
def findings(request: Request) -> Response:
    """Answer what the budget lets through, the highest score first, as the command prints it.

    `budget` is how many a day on average (3); `all=1` gives every scored one.
    """
    if (user := user_of(request)) and not user.may("see_findings"):  # the guard has looked too
        return JSONResponse({"error": "Findings are for owners and reviewers.", "hint": ""}, 403)
    if request.query_params.get("archive"):
        raise InputError("An archived month is not judged.", "Ask without archive.")
    filter_, store, now = _asked(request)
    try:
        a_day = float(request.query_params.get("budget", "3"))
    except ValueError:
        a_day = 0
    if not 0 < a_day <= 1_000:
        raise InputError("The budget is no number above 0.", "Ask for budget=3.")
    everything = request.query_params.get("all", "") not in ("", "0")
    refresh(store, now)
    found = unusual.queue(store, filter_, now, a_day=a_day, everything=everything)
    return _json(
        {
            "findings": [
                finding.to_dict(ids) for finding, ids in unusual.event_ids(store, found.findings)
            ],
            "scored": found.scored,
            "budget": a_day,
            "note": found.budget.status_text(),
        }
    )


def _rows(request: Request) -> int:
    return min(max(_number(request, "limit", listing.PAGE_ROWS), 1), _MOST_ROWS)


def _number(request: Request, name: str, usual: int) -> int:
    """Return the whole number *name* of the address, not less than 0; *usual* where it is none."""
    try:
        return max(int(request.query_params.get(name, usual)), 0)
    except ValueError:
        return usual


def _export(kind: str) -> Callable[[Request], Any]:
    async def export(request: Request) -> Response:
        try:
            filter_, store, now = _asked(request)
            named = request.query_params.get("columns")
            default = exports.CSV_COLUMNS if kind == "csv" else EVENT_COLUMNS
            chosen = exports.Export(filter_, kind, tuple(named.split(",")) if named else default)
        except TrailError as problem:
            return JSONResponse({"error": problem.message, "hint": problem.hint}, 400)
        tally = Tally()
        return ClosingStream(
            noted(request, exports.stream(store, chosen, now, tally=tally), tally, filter_, kind),
            limiter(),
            {"Content-Disposition": f'attachment; filename="{chosen.file_name(now)}"'},
            exports.FORMATS[kind],
        )

    return export


async def export_incidents(request: Request) -> Response:
    """Answer the incidents as a CSV download."""
    try:
        filter_, store, now = _asked(request)
    except TrailError as problem:
        return JSONResponse({"error": problem.message, "hint": problem.hint}, 400)
    tally = Tally()
    name = exports.Export(filter_).file_name(now).replace("audit-trail", "incidents")
    return ClosingStream(
        noted(request, by_line(csv_export.stream(store, filter_, now), tally), tally, filter_),
        limiter(),
        {"Content-Disposition": f'attachment; filename="{name}"'},
        exports.FORMATS["csv"],
    )


def _asked(request: Request) -> tuple[Filter, Any, dt.datetime]:
    pairs = [pair for pair in request.query_params.multi_items() if pair[0] not in _NOT_FILTER]
    store = startup.store_of(request.query_params.get("archive", ""))
    return Filter.parse(pairs), store, dt.datetime.now(dt.UTC)


def _said(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: f"{value.isoformat()}Z" if isinstance(value, dt.datetime) else value
        for name, value in row.items()
    }


def _json(answer: dict[str, Any]) -> Response:
    return Response(
        orjson.dumps(answer), media_type="application/json", headers={"Cache-Control": "no-store"}
    )


async def healthz(_: Request) -> Response:
    """Answer that the process runs and its store answers; in words what is wrong beside that."""
    now = process.current()
    await anyio.to_thread.run_sync(now.store.table, "select 1")
    problems = [each.title for each in now.schedule.health() if each.error]
    if now.intake.problem:
        problems.append(now.intake.problem)
    if not now.demo:
        where = mirror.files(now.store.path, now.settings)
        problems += [each.text() for each in high_water_mark.shortfalls(where.known)]
    return JSONResponse({"ok": True, "problems": problems})


ROUTES: list[Route] = [
    Route("/api/events", events),
    Route("/api/facets", facets),
    Route("/api/timeline", timeline),
    Route("/api/incidents", incidents),
    Route("/api/findings", findings),
    *(Route(f"/export.{kind}", _export(kind)) for kind in exports.FORMATS),
    Route("/export.incidents.csv", export_incidents),
    Route("/healthz", healthz),
]
