"""Read and change the state of a page in its URL.

The filter and the opened item are only in the URL, so that reload, Back and copied links show the
same. Session state contains private view state, such as which facet shows more values.
"""

import datetime as dt
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import streamlit as st

from trail.core.clock import utc_text
from trail.core.errors import FilterError, InputError
from trail.core.zones import zone_names
from trail.events import overview, value_names
from trail.events.value_names import Misnamed
from trail.runtime import process, startup
from trail.storage import archived_month, readable_filter, search_syntax
from trail.storage.filters import FACETS, Filter
from trail.storage.query_pairs import SYNTAX
from trail.storage.readable_filter import Unreadable
from ui.session import askable

DEFAULT_FROM = "7d"
# Filters that are switched off, as a query string.
DISABLED = "disabled"

# URL parameters of pages besides those of the filter: the opened event and its time, the cursor of
# a result page and the number of its first row, the order of a list, the selected tab;
# the interval and lanes of Timeline; the earlier period that is compared, and what
# Overview counts; the actor, target, incident or finding shown;
# filter and name of a new alert rule, and which one is edited; the user whose entries of the access
# log are shown; the saved view that is open; the week or day of a digest; disabled filters.
PAGE_PARAMS = (
    *("event", "at", "after", "before", "row", "order", "section"),
    *("grain", "by", "top"),
    *("compare", "events"),
    *("who", "what"),
    *("incident", "class", "group", "pattern", "owner"),
    *("finding", "all"),
    *("rule", "name", "edit"),
    *("user", "view"),
    *("week", "day"),
    DISABLED,
)

# What stays as it is when the filter changes.
_KEPT = ("order", "compare", "events", "group", "pattern", "owner", DISABLED)

# Parameters that the menu carries to other pages: those of the window, and of the whole filter.
WINDOW_PARAMS = ("from", "to", "tz")
FILTER_PARAMS = (*WINDOW_PARAMS, *FACETS, "q", SYNTAX, DISABLED)

# Paths of pages relative to the main script, for links.
EXPLORE = "../pages/explore.py"
CONNECT = "../pages/connect.py"
PEOPLE = "../pages/people.py"
FAILURES = "../pages/failures.py"
UNUSUAL = "../pages/unusual.py"
ALERTS = "../pages/alerts.py"
DIGEST = "../pages/digest.py"
ADMIN = "../pages/admin.py"

_ZONE = "zone"
_NEXT_PAGE = "next-page"
_DEFAULT_VIEW = "default-view"


def current_filter() -> Filter:
    """Return the filter in the URL; without a range that can be read, the last seven days.

    See `unreadable` for what could not be read.
    """
    return _read()[0]


def unreadable() -> tuple[Unreadable, ...]:
    """Return the parameters in the URL that are unknown or cannot be read."""
    return _read()[1]


def unread_search() -> tuple[str, FilterError] | None:
    """Return the first search text in the URL that cannot be read, and its error."""
    if any(problem.name == "q" for problem in unreadable()):
        for text in st.query_params.get_all("q"):
            try:
                search_syntax.check((text,))
            except FilterError as error:
                return text, error
    return None


def misnamed() -> tuple[Misnamed, ...]:
    """Return the values of the filter in the URL that name nothing, or more than one thing."""
    return _read()[2]


def remove_unreadable() -> None:
    """Remove from the URL what could not be read; for use in callbacks."""
    left_out = {problem.name for problem in unreadable()} | {value.facet for value in misnamed()}
    kept = shown()
    st.query_params.from_dict({n: values for n, values in kept.items() if n not in left_out})


def _read() -> tuple[Filter, tuple[Unreadable, ...], tuple[Misnamed, ...]]:
    pairs = [
        (name, value)
        for name in st.query_params
        for value in st.query_params.get_all(name)
        if name not in (*PAGE_PARAMS, archived_month.NAME)
    ]
    zone = dict(pairs).get("tz")
    if zone in zone_names():
        st.session_state[_ZONE] = zone
    filter_, left_out = readable_filter.read(askable(pairs))
    if zone not in zone_names():
        filter_ = replace(filter_, tz=timezone_name())
    try:
        filter_ = archived_month.limited(
            filter_, param(archived_month.NAME), dt.datetime.now(dt.UTC)
        )
    except InputError as error:
        left_out = (*left_out, Unreadable(archived_month.NAME, str(error)))
    if not filter_.start and not filter_.end:
        filter_ = replace(filter_, start=DEFAULT_FROM)
    unnamed: tuple[Misnamed, ...] = ()
    if filter_.choices:
        filter_, unnamed = value_names.resolve(startup.reading_store(), filter_)
    return overview.in_one_choice(filter_), left_out, unnamed


def timezone_name() -> str:
    """Return the viewer's zone: as selected, else of the browser, the settings, or UTC."""
    candidates = (
        st.session_state.get(_ZONE),
        st.context.timezone,
        process.current().settings.timezone,
    )
    return next((name for name in candidates if name in zone_names()), "UTC")


def timezone() -> ZoneInfo:
    """Return the viewer's zone, for pages without a filter."""
    return ZoneInfo(timezone_name())


def param(name: str) -> str:
    """Return the value of a URL parameter, or an empty string."""
    return st.query_params.get(name, "")


def shown() -> dict[str, list[str]]:
    """Return all URL parameters of this run."""
    return {name: st.query_params.get_all(name) for name in st.query_params}


def set_url(filter_: Filter, **names: str) -> None:
    """Set the URL to *filter_* and the non-empty page parameters *names*.

    A list stays in its order, Explore in its saved view, Overview with what it counts and compares,
    and Failures with the incidents shown.
    """
    kept = {name: param(name) for name in _KEPT}
    kept["view"] = opened_view()
    st.query_params.from_dict(query_params(filter_, **{**kept, **names}))


def opened_view() -> str:
    """Return the ID of the saved view that is open: of the URL or, without parameters, the default.

    It may be edited, or not exist.
    """
    if st.query_params or not str(st.context.url or "").endswith("/explore"):
        return param("view")
    return str(st.session_state.get(_DEFAULT_VIEW, ""))


def set_default_view(view_id: str) -> None:
    """Set the view that Explore shows without parameters in its URL; empty for none."""
    st.session_state[_DEFAULT_VIEW] = view_id


def put_params(**names: str) -> None:
    """Set only these parameters of the URL; an empty one is removed. In one step of the history."""
    query: dict[str, list[str]] = shown()
    query |= {name: [value] for name, value in names.items()}
    st.query_params.from_dict({name: values for name, values in query.items() if any(values)})


def address(page: str, filter_: Filter, **names: str) -> str:
    """Return the address of *page* with *filter_* and the non-empty page parameters *names*."""
    query = urlencode(query_params(filter_, **names), doseq=True)
    return f"/{PurePosixPath(page).stem}?{query}"


def open_page(page: str, filter_: Filter, **names: str) -> None:
    """Open *page* with *filter_* after the callbacks of this run; for use in callbacks.

    A link with the `address` is better where the target is known before the click.
    """
    st.session_state[_NEXT_PAGE] = address(page, filter_, **names)


def requested_address() -> str:
    """Return the address that `open_page` requested in the callbacks of this run, or nothing."""
    return str(st.session_state.pop(_NEXT_PAGE, ""))


def query_params(filter_: Filter, **names: str) -> dict[str, list[str]]:
    """Return the query parameters of the URL, including the zone, with their values as lists.

    Streamlit keeps only the last of repeated pairs.
    """
    result: dict[str, list[str]] = {}
    for name, value in (*filter_.pairs(), *names.items()):
        if value:
            result.setdefault(name, []).append(value)
    return result


def with_range(filter_: Filter, start: dt.datetime, end: dt.datetime) -> Filter:
    """Return *filter_* for the span from *start* to *end* (UTC, without zone)."""
    return replace(filter_, start=utc_text(start), end=utc_text(end))
