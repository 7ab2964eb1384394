"""The query parameters of the routes: names, meaning, schema, and a valid example.

A route lists the parameters that it reads. `request_filter` uses these names to exclude parameters
that are not part of a filter.
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
# Product-specific formats; see docs/routes.md and docs/search.md.
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
    "workspace": "EU production",
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
        f"Values of the facet {name}; any of them matches, a leading `-` excludes a value.{only}",
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
    Parameter("from", "Start of the range (inclusive); relative ranges end now.", TIME, "7d"),
    Parameter("to", "End of the range (exclusive).", TIME, "now"),
)
WINDOW_AND_ZONE = (*WINDOW, ZONE_NAME)
COVERAGE = (*WINDOW_AND_ZONE, _facet("workspace"))
FILTER = (
    *WINDOW,
    *map(_facet, FACETS),
    Parameter(
        "q",
        "Search texts; all must match. See the search language.",
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
ARCHIVE = Parameter(
    "archive", "Deprecated: limits the range to a month (UTC). Use from and to.", MONTH, "2026-08"
)
STORED = (*FILTER, ARCHIVE)

LIMIT = Parameter(
    "limit", "Rows per page; values below 1 count as 1, above 1,000 as 1,000.", INTEGER, 50
)
SKIP = Parameter("skip", "Rows to skip at the start.", INTEGER, 0)
AFTER = Parameter(
    "after",
    "Cursor: `next` of the previous page, with the same filter and sort.",
    {"type": "string", "format": "cursor"},
)
BUDGET = Parameter(
    "budget",
    "Average number of findings per day.",
    {"type": "number", "exclusiveMinimum": 0, "maximum": 1_000},
    3,
)
ALL = Parameter("all", "Any value except `0` includes findings below the threshold.", TEXT, "1")
WEEK_START = Parameter(
    "week", "First day of the week: 0 (Monday), 5 or 6. Other values are ignored.", TEXT, "0"
)
SEARCH_TEXT = Parameter("text", "The search text as typed.", TEXT, "kind:")
CURSOR = Parameter(
    "cursor", "Position in `text` in UTF-16 code units; by default its end.", INTEGER, 5
)
TYPED_TIME = Parameter("text", "The time as typed.", TIME, "last week", is_required=True)
HEADERS = Parameter(
    "headers",
    "Column headers of a CSV: names, or the titles on screen.",
    {"type": "string", "enum": ["", *exports.HEADERS]},
    "names",
)
EVENT_COLUMNS = _columns(exports.COLUMNS)
_AS_ON_SCREEN = (
    " With it, values are formatted as on screen; without it, all fields have exact values."
)
INCIDENT_COLUMNS = _columns(tuple(incident_columns.BY_NAME), _AS_ON_SCREEN)
FINDING_COLUMNS = _columns(tuple(finding_columns.BY_NAME), _AS_ON_SCREEN)
INCIDENTS = (
    Parameter(
        "group",
        "Group of incidents; if empty, open and ended incidents.",
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
        "Column to sort by; by default most urgent first.",
        {"type": "string", "enum": ["", *_sorts(tuple(ORDERS))]},
        "-attempts",
    ),
)
FINDING_ORDER = Parameter(
    "order",
    "Column to sort by; by default findings to review first.",
    {"type": "string", "enum": ["", *_sorts(tuple(finding_columns.KEYS))]},
    "-score",
)
MUTED = Parameter("muted", "Any value except `0` includes muted items.", TEXT, "1")
DIGEST_WEEK = Parameter("week", "Any date in the week of the digest.", DATE, "2026-11-16")
DIGEST_DAY = Parameter("day", "Date of a daily digest, instead of `week`.", DATE, "2026-11-16")
SUGGEST_FIELD = Parameter(
    "field",
    "Field of the values; by default all fields.",
    {"type": "string", "enum": ["", *suggestions.FIELDS]},
    "action",
)
PREFIX = Parameter("prefix", "Prefix of a word in the value.", TEXT, "del")
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
ACCESS_USER = Parameter("user", "Username, exact match.", TEXT, "maya")
ACCESS_KIND = Parameter("kind", "Kind of entry.", TEXT, "exported")

# Parameters that are not part of the filter, of routes that read one.
OUTSIDE_FILTER = frozenset(
    parameter.name
    for parameter in (
        *(ARCHIVE, LIMIT, SKIP, AFTER, BUDGET, ALL, WEEK_START, SEARCH_TEXT, CURSOR, HEADERS),
        *(EVENT_COLUMNS, *INCIDENTS, FINDING_ORDER),
    )
)
