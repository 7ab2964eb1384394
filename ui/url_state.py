"""What a page looks at lives in its address, and only there: reading it, and changing it.

Reload, Back, and a copied link then show the same. Session state holds what is nobody else's
business, such as which facet shows more values.
"""

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import streamlit as st

from trail.core.clock import utc_text
from trail.runtime import process
from trail.storage.filters import Filter, zone_names

DEFAULT_FROM = "7d"

# Names in a page's address beside the filter's: the opened event and its time, a page's edge, an
# archived month that is looked at instead of the present trail, a page's section; how the timeline
# is cut; whom or what people, failures and unusual are about; a rule to make.
PAGE_PARAMS = (
    *("event", "at", "after", "before", "archive", "section"),
    *("grain", "by", "top"),
    *("who", "what"),
    *("incident", "class"),
    *("finding", "all"),
    *("rule",),
)

# Where pages stand from the main script, as links between them want it.
EXPLORE = "../pages/explore.py"
CONNECT = "../pages/connect.py"
PEOPLE = "../pages/people.py"
FAILURES = "../pages/failures.py"
UNUSUAL = "../pages/unusual.py"
ALERTS = "../pages/alerts.py"

_ZONE = "zone"
_LEAVING = "leaving"


def current_filter() -> Filter:
    """Return the filter that the address says; the last seven days where it names no range.

    Raises `FilterError` for an address that cannot be read.
    """
    pairs = [
        (name, value)
        for name in st.query_params
        for value in st.query_params.get_all(name)
        if name not in PAGE_PARAMS
    ]
    names = {name for name, _ in pairs}
    if "from" not in names and "to" not in names:
        pairs.append(("from", DEFAULT_FROM))
    if "tz" in names:
        st.session_state[_ZONE] = dict(pairs)["tz"]
    else:
        pairs.append(("tz", timezone_name()))
    return Filter.parse(pairs)


def timezone_name() -> str:
    """Return the reader's zone: chosen earlier, the browser's, the settings', or UTC."""
    message = (
        st.session_state.get(_ZONE),
        st.context.timezone,
        process.current().settings.timezone,
    )
    return next((name for name in message if name in zone_names()), "UTC")


def timezone() -> ZoneInfo:
    """Return the reader's zone, for pages without a filter."""
    return ZoneInfo(timezone_name())


def param(name: str) -> str:
    """Return the value of one of the page's own names, or an empty string."""
    return st.query_params.get(name, "")


def set_url(filter_: Filter, **names: str) -> None:
    """Change the address to *filter_*, and to *names* of the page's own that are not empty.

    What is looked at in an archived month stays there.
    """
    st.query_params.from_dict(query_params(filter_, **{"archive": param("archive"), **names}))


def open_page(page: str, filter_: Filter, **names: str) -> None:
    """From a callback: go to *page* with *filter_* once the callbacks of this run are done."""
    st.session_state[_LEAVING] = (page, query_params(filter_, **names))


def open_requested_page() -> None:
    """Go where `leave_for` said, if anywhere; called before a page is drawn."""
    if _LEAVING in st.session_state:
        page, query = st.session_state.pop(_LEAVING)
        st.switch_page(page, query_params=query)


def query_params(filter_: Filter, **names: str) -> dict[str, list[str]]:
    """Return the address's query as names with their values, the zone always among them.

    As lists, since Streamlit keeps only the last of repeated pairs.
    """
    result: dict[str, list[str]] = {}
    for name, value in (*filter_.pairs(), *names.items()):
        if value:
            result.setdefault(name, []).append(value)
    return result


def with_range(filter_: Filter, start: dt.datetime, end: dt.datetime) -> Filter:
    """Return *filter_* for the span from *start* to *end* (UTC, without zone)."""
    return replace(filter_, start=utc_text(start), end=utc_text(end))
