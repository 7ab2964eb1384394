"""The API routes: events, facets, timeline, incidents, findings, digests, and the exports.

The guard has checked the session and the role before. The query string is the same `Filter` as on
the pages.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from trail.accounts import recent
from trail.attention import digest as digests
from trail.attention import digest_period
from trail.core.clock import utc_text
from trail.core.download_stats import Tally
from trail.core.errors import InputError
from trail.events import completions, counts, questions, suggestions
from trail.events import events as listing
from trail.events import export as exports
from trail.events import timeline as bars
from trail.events.cursor import Cursor
from trail.findings import queries as unusual
from trail.incidents import incident_json as failures
from trail.incidents import queries as incident_queries
from trail.incidents.listing import Listing
from trail.incidents.shown import Shown
from trail.runtime import process, startup
from trail.storage import search_syntax
from trail.web import list_exports, parameters, request_filter, schemas
from trail.web.api_route import BYTES, ApiRoute, Content, Operation
from trail.web.conditional import next_page
from trail.web.downloads import recorded
from trail.web.guard import request_user
from trail.web.json_errors import json_error
from trail.web.query_routes import export, query
from trail.web.request_filter import number_of, rows_of
from trail.web.streaming import Download
from trail.web.week_start import request_week_start

_RECENT = 5


@query
def events(request: Request) -> Response:
    """Return a page of events, the cursor of the next page, the total, and its unverified part."""
    filter_, store, now = request_filter.of(request)
    place = request.query_params.get("after", "")
    after = listing.usable(Cursor.parse(place), filter_)
    if place and after is None:
        # The first page in its place would have a client read the same pages for ever.
        raise InputError("Invalid after.", "Use next of the page before, with the same sort.")
    page = listing.page(store, filter_, now, after=after, rows=rows_of(request))
    count, unverified = counts.totals(store, filter_, now)
    return _json(
        {
            "events": page.rows,
            "next": str(page.last) if page.has_after else None,
            "count": count,
            "unverified": unverified,
            **request_filter.notices(request),
        },
        next_page(request, {"after": str(page.last)}) if page.has_after else {},
    )


@query
def facets(request: Request) -> Response:
    """Return the values of all facets with their counts; for targets, the 100 with most events."""
    filter_, store, now = request_filter.of(request)
    user = request_user(request)
    hidden = () if user and user.may("see_findings") else ("findings",)
    return _json(
        {
            name: [{"value": row.value, "count": row.count} for row in values]
            for name, values in counts.facets(
                store, filter_, now, targets=counts.TOP_TARGETS, leave_out=hidden
            ).values.items()
        }
        | request_filter.notices(request)
    )


@query
def timeline(request: Request) -> Response:
    """Return the histogram: its bars, including empty ones, and their width in seconds."""
    filter_, store, now = request_filter.of(request)
    histogram = bars.histogram(store, filter_, now)
    return _json(
        {
            "grain_s": int(histogram.grain.total_seconds()),
            "bars": [
                {
                    "start": utc_text(bar.start),
                    "end": utc_text(bar.end),
                    "count": bar.count,
                }
                for bar in histogram.bars
            ],
            **request_filter.notices(request),
        }
    )


@query
def incidents(request: Request) -> Response:
    """Return a page of incidents, most urgent first, and the total counts.

    `group` (open, ended, transient), `pattern`, `owner` and `order` are those of the page.
    """
    filter_, store, now = request_filter.of(request, incident_queries.window_of_causes)
    shown = Shown.parse(request.query_params.items())
    rows, skip = rows_of(request), number_of(request, "skip", 0)
    result = failures.records(store, filter_, now, shown, rows=rows, skip=skip)
    listing = Listing(store, filter_, shown, now)
    body = {"incidents": list(result), "count": listing.total.incidents}
    body |= {"attempts": listing.total.attempts, "summary": dataclasses.asdict(listing.summary)}
    has_more = skip + rows < listing.total.incidents
    link = next_page(request, {"skip": str(skip + rows)}) if has_more else {}
    return _json({**body, **request_filter.notices(request)}, link)


@query
def findings(request: Request) -> Response:
    """Return the findings within the budget, highest score first, in the format of the command.

    `budget` is the average number per day (default 3); `all=1` answers all scored findings.
    """
    if (user := request_user(request)) and not user.may(
        "see_findings"
    ):  # checked by the guard, too
        return json_error(403, "Findings are for owners and reviewers.")
    filter_, store, now = request_filter.of(request)
    try:
        per_day = float(request.query_params.get("budget", "3"))
    except ValueError:
        per_day = 0
    if not 0 < per_day <= 1_000:
        raise InputError("Invalid budget.", "Allowed: a number above 0 and up to 1000.")
    everything = request.query_params.get("all", "") not in ("", "0")
    queue = unusual.queue(store, filter_, now, per_day=per_day, everything=everything)
    return _json(
        {
            "findings": list(unusual.records(store, queue.findings, filter_.zone, now)),
            "scored": queue.scored,
            "budget": per_day,
            "note": queue.budget.status_text(),
            **request_filter.notices(request),
        }
    )


@query
def digest(request: Request) -> Response:
    """Return the digest of a `week` or `day` in the zone `tz`; by default of last week.

    Who may not see findings gets it without them.
    """
    names, runtime = request.query_params, process.current()
    now = runtime.store.now()
    zone = names.get("tz") or runtime.settings.timezone or "UTC"
    period = digest_period.parse(names.get("week", ""), names.get("day", ""), zone, now)
    user = request_user(request)
    may_see = bool(user and user.may("see_findings"))
    made = digests.digest(startup.reading_store(), runtime.settings, period, now, findings=may_see)
    return _json(made.to_dict())


@query
def suggest(request: Request) -> Response:
    """Return values of `field` (action, actor or target; all by default) by a word's `prefix`."""
    store = startup.reading_store()
    found = suggestions.suggest(
        store,
        request.query_params.get("field", ""),
        request.query_params.get("prefix", ""),
        dt.datetime.now(dt.UTC),
        min(max(number_of(request, "limit", suggestions.MOST), 1), suggestions.MOST),
    )
    return _json({"suggestions": [dataclasses.asdict(item) for item in found]})


@query
def complete(request: Request) -> Response:
    """Return completions of the search `text` at `cursor` (UTF-16 code units) for the results.

    That is fields, values with their counts, and recent searches of the user; and the filters that
    the text asks for if it is a question in plain words. `week` is as in `/api/time`.
    """
    filter_, store, _ = request_filter.of(request)
    text = request.query_params.get("text", "")[: search_syntax.MAX_CHARS]
    units = number_of(request, "cursor", 2 * len(text))
    before = text.encode("utf-16-le", "surrogatepass")[: 2 * min(units, 2 * len(text))]
    cursor = len(before.decode("utf-16-le", "ignore"))
    now, week = store.now(), request_week_start(request)
    question = questions.read(store, filter_, text, now, week)
    found = (
        completions.Completions(text, "", "", (), ())
        if question
        else completions.complete(store, filter_, text, cursor, now, week)
    )
    user, typed = request_user(request), completions.fold(text.strip())
    known = recent.listed(process.current().store, user.account, "searches") if user else []
    again = [search for search in known if typed in completions.fold(search) != typed]
    asked = question and {
        "parts": [dataclasses.asdict(part) for part in question.parts],
        "not_understood": question.not_understood,
    }
    answer = dataclasses.asdict(found)
    return _json({**answer, "recent": again[:_RECENT], "question": asked})


def _export(kind: str) -> Callable[[Request], Any]:
    @export
    def download(request: Request) -> Response:
        filter_, store, now = request_filter.of(request)
        named = request.query_params.get("columns")
        columns = tuple(named.split(",")) if named else exports.default_columns(kind)
        headers = request.query_params.get("headers") or "names"
        chosen = exports.Export(filter_, kind, columns, headers)
        tally = Tally()
        bom = process.current().settings.export.csv_bom
        chunks = exports.stream(store, chosen, now, tally=tally, csv_bom=bom)
        return Download(
            request,
            recorded(request, chunks, tally, filter_, kind),
            {"Content-Disposition": f'attachment; filename="{chosen.file_name(now)}"'},
            exports.FORMATS[kind],
        )

    return download


def _json(body: dict[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    # Times without zone, which are UTC, are written as `json_values` does.
    data = orjson.dumps(body, option=orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z)
    all_headers = {"Cache-Control": "no-store", **(headers or {})}
    return Response(data, media_type="application/json", headers=all_headers)


def _of_export(kind: str) -> Operation:
    has_columns = kind not in exports.DOCUMENTS
    return Operation(
        (
            *parameters.STORED,
            *((parameters.EVENT_COLUMNS, parameters.HEADERS) if has_columns else ()),
        ),
        Content(exports.FORMATS[kind], BYTES),
        purpose=f"Stream the filtered events as {exports.FORMAT_TITLES[kind]}.",
    )


_STORED, _LIMIT = parameters.STORED, parameters.LIMIT
ROUTES = [
    ApiRoute(
        "/api/events", events, Operation((*_STORED, _LIMIT, parameters.AFTER), schemas.EVENTS)
    ),
    ApiRoute("/api/facets", facets, Operation(_STORED, schemas.FACET_COUNTS)),
    ApiRoute("/api/timeline", timeline, Operation(_STORED, schemas.TIMELINE)),
    ApiRoute(
        "/api/digest",
        digest,
        Operation(
            (parameters.DIGEST_WEEK, parameters.DIGEST_DAY, parameters.ZONE_NAME), schemas.DIGEST
        ),
    ),
    ApiRoute(
        "/api/suggest",
        suggest,
        Operation(
            (
                *(parameters.SUGGEST_FIELD, parameters.PREFIX),
                *(parameters.LIMIT, parameters.ARCHIVE),
            ),
            schemas.SUGGESTIONS,
        ),
    ),
    ApiRoute(
        "/api/complete",
        complete,
        Operation(
            (
                *(parameters.SEARCH_TEXT, parameters.CURSOR, parameters.WEEK_START),
                *_STORED,
            ),
            schemas.COMPLETIONS,
        ),
    ),
    ApiRoute(
        "/api/incidents",
        incidents,
        Operation((*_STORED, _LIMIT, parameters.SKIP, *parameters.INCIDENTS), schemas.INCIDENTS),
    ),
    ApiRoute(
        "/api/findings",
        findings,
        Operation((*parameters.FILTER, parameters.BUDGET, parameters.ALL), schemas.FINDINGS),
    ),
    *(ApiRoute(f"/export.{kind}", _export(kind), _of_export(kind)) for kind in exports.FORMATS),
    *list_exports.ROUTES,
]
