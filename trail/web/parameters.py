"""The query parameters of the routes: names, meaning, schema, and an example that is accepted.

A route lists those that it reads. What belongs to no filter is left out of it by
`request_filter`, which reads the names here.
"""

from collections.abc import Sequence

from trail.events import export as exports
from trail.events import suggestions
from trail.findings import columns as finding_columns
from trail.incidents import columns as incident_columns
from trail.incidents.grouping import CLASSES
from trail.incidents.incident import ORDERS
from trail.incidents.shown import EVERYTHING, GROUPS
from trail.storage.filters import ALLOWED, FACETS, SORT_COLUMNS, SORTS
from trail.web.api_route import Parameter, Schema

MAX_INTEGER = 2**63 - 1
INTEGER: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER}
TEXT: Schema = {"type": "string"}
# Formats of this product; see docs/routes.md and docs/search.md.
TIME: Schema = {"type": "string", "format": "time-expression"}
SEARCH: Schema = {"type": "string", "format": "search-text"}
ZONE: Schema = {"type": "string", "format": "timezone"}
MONTH: Schema = {"type": "string", "format": "archived-month"}
DATE: Schema = {"type": "string", "format": "date"}

_FACET_EXAMPLES = {
    "category": "Warehouses",
    "action": "Source Deleted",
    "actor": "maya.lind@example.com",
    "actor_type": "token",
    "target_type": "source",
    "target": "src_1",
    "outcome": "failure",
    "kind": "delete",
    "source": "segment_api",
}


def _facet(name: str) -> Parameter:
    allowed = ALLOWED.get(name)
    item: Schema = {"type": "string", "maxLength": 4_096}
    if allowed:
        item = {"type": "string", "enum": [*allowed, *(f"-{value}" for value in allowed)]}
    only = " Only for roles that see unusual changes." if name == "findings" else ""
    example = _FACET_EXAMPLES.get(name) or (allowed or ("",))[0]
    return Parameter(
        name,
        f"Values of the facet {name}, any of which matches; a leading `-` excludes one.{only}",
        {"type": "array", "items": item},
        [example],
    )


def _sorts(names: Sequence[str]) -> list[str]:
    return [*names, *(f"-{name}" for name in names)]


def _columns(names: Sequence[str], about: str = "") -> Parameter:
    return Parameter(
        "columns",
        f"Columns of the file, in order.{about}",
        {"type": "array", "items": {"type": "string", "enum": list(names)}, "uniqueItems": True},
        list(names[:2]),
        is_list=True,
    )


ZONE_NAME = Parameter("tz", "Time zone of days, local times and texts.", ZONE, "Europe/Oslo")
WINDOW = (
    Parameter("from", "Start of the range (inclusive); relative ones end now.", TIME, "7d"),
    Parameter("to", "End of the range (exclusive).", TIME, "now"),
)
WINDOW_AND_ZONE = (*WINDOW, ZONE_NAME)
FILTER = (
    *WINDOW,
    *map(_facet, FACETS),
    Parameter(
        "q",
        "Search texts, all of which must match; see the search language.",
        {"type": "array", "items": SEARCH},
        ["deleted source"],
    ),
    ZONE_NAME,
    Parameter(
        "sort",
        "Order of the events.",
        {"type": "string", "enum": [*SORTS, *_sorts(SORT_COLUMNS)]},
        "newest",
    ),
    Parameter(
        "syntax",
        "Version of the search language: 2, or 1 for links of earlier versions.",
        {"type": "string", "enum": ["1", "2"]},
        "2",
    ),
)
ARCHIVE = Parameter("archive", "Archived month to read instead of the database.", MONTH, "2026-08")
STORED = (*FILTER, ARCHIVE)

LIMIT = Parameter("limit", "Rows of the page; at least 1 and at most 1,000 are given.", INTEGER, 50)
SKIP = Parameter("skip", "Rows to leave out at the start.", INTEGER, 0)
AFTER = Parameter(
    "after",
    "Cursor: `next` of the page before, with the same filter and sort.",
    {"type": "string", "format": "cursor"},
)
BUDGET = Parameter(
    "budget",
    "Average number of findings per day.",
    {"type": "number", "exclusiveMinimum": 0, "maximum": 1_000},
    3,
)
ALL = Parameter("all", "Anything but `0` adds findings below the threshold.", TEXT, "1")
WEEK_START = Parameter(
    "week", "Day on which weeks start: 0 (Monday), 5 or 6. Others are ignored.", TEXT, "0"
)
SEARCH_TEXT = Parameter("text", "The search text as typed.", TEXT, "kind:")
CURSOR = Parameter("cursor", "Place in `text`, in UTF-16 units; its end by default.", INTEGER, 5)
TYPED_TIME = Parameter("text", "The time as typed.", TIME, "last week", is_required=True)
HEADERS = Parameter(
    "headers",
    "Column headers of a CSV: names, or the titles on screen.",
    {"type": "string", "enum": ["", *exports.HEADERS]},
    "names",
)
EVENT_COLUMNS = _columns(exports.COLUMNS)
_AS_ON_SCREEN = " With it, values are as on screen; without it, all fields are exact."
INCIDENT_COLUMNS = _columns(tuple(incident_columns.BY_NAME), _AS_ON_SCREEN)
FINDING_COLUMNS = _columns(tuple(finding_columns.BY_NAME), _AS_ON_SCREEN)
INCIDENTS = (
    Parameter(
        "group",
        "Group of incidents; empty for open and ended ones.",
        {"type": "string", "enum": ["", EVERYTHING, *GROUPS]},
        "open",
    ),
    Parameter(
        "pattern",
        "Classes of incidents.",
        {"type": "array", "items": {"type": "string", "enum": list(CLASSES)}},
        list(CLASSES[:1]),
        is_list=True,
    ),
    Parameter("owner", "Actor ID of the owner.", TEXT, "users/maya"),
    Parameter(
        "order",
        "Column to sort by; the most urgent first by default.",
        {"type": "string", "enum": ["", *_sorts(tuple(ORDERS))]},
        "-attempts",
    ),
)
FINDING_ORDER = Parameter(
    "order",
    "Column to sort by; those to review first by default.",
    {"type": "string", "enum": ["", *_sorts(tuple(finding_columns.KEYS))]},
    "-score",
)
MUTED = Parameter("muted", "Anything but `0` adds what is muted.", TEXT, "1")
DIGEST_WEEK = Parameter("week", "A date in the week of the digest.", DATE, "2026-11-16")
DIGEST_DAY = Parameter("day", "The day of the digest, instead of a week.", DATE, "2026-11-16")
SUGGEST_FIELD = Parameter(
    "field",
    "Field of the values; all by default.",
    {"type": "string", "enum": ["", *suggestions.FIELDS]},
    "action",
)
PREFIX = Parameter("prefix", "Beginning of a word of the value.", TEXT, "del")
SINCE = Parameter(
    "since",
    "Time of arrival in UTC, without offset.",
    {"type": "string", "format": "local-date-time"},
    "2026-11-23T14:30:00",
    is_required=True,
)
SIGN_OFF = Parameter(
    "sign_off",
    "Number of a sign-off.",
    {"type": "integer", "minimum": 0, "maximum": 999_999_999},
    1,
)
ACCESS_USER = Parameter("user", "User name, exactly.", TEXT, "maya")
ACCESS_KIND = Parameter("kind", "Kind of entry.", TEXT, "exported")

# Parameters of routes that read a filter and are not part of it.
OUTSIDE_FILTER = frozenset(
    parameter.name
    for parameter in (
        *(ARCHIVE, LIMIT, SKIP, AFTER, BUDGET, ALL, WEEK_START, SEARCH_TEXT, CURSOR, HEADERS),
        *(EVENT_COLUMNS, *INCIDENTS, FINDING_ORDER),
    )
)
