"""The filter bar of every page: search, window, time zone, export and filter chips.

It reads and writes only the `Filter` in the URL.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import streamlit as st
from streamlit.elements.lib.mutable_popover_container import PopoverContainer

from trail.core.model import EVENT_COLUMNS
from trail.events import export as exports
from trail.evidence import period
from trail.storage import search_syntax
from trail.storage.filters import FACETS, Filter, Window, zone_names
from ui import text, url_state
from ui.components.chips import Chip, ChipMessage, chips

PRESETS = {"24h": "24 h", "7d": "7 d", "30d": "30 d", "90d": "90 d"}
CUSTOM = "custom"

# Listed first; the others follow in alphabetical order.
_COMMON_ZONES = (
    "UTC",
    "Europe/London",
    "Europe/Oslo",
    "Europe/Berlin",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Sydney",
)

Change = Callable[[Filter], None]


def title(name: str, summary: str) -> None:
    """Draw the page's title, and *summary* (trusted HTML) at the right."""
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom", key="title"
    ):
        st.title(name, anchor=False, width="content")
        st.html(f'<span class="trail-summary">{summary}</span>', width="content")


def bar(filter_: Filter, rows: int, *, search: bool, evidence: bool = False) -> None:
    """Draw search, window, time zone and the export of *rows* events in one row.

    With *evidence* the export menu offers the evidence pack.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="filter-bar"):
        if search:
            _search(filter_)
        _window(filter_)
        if not search:
            st.space("stretch")
        _zone(filter_)
        _export(filter_, rows, evidence=evidence)


def chip_row(filter_: Filter, window: Window, labels: dict[tuple[str, str], str]) -> None:
    """Draw the active filters, and the window at the right."""
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="chips"
    ):
        rows = _chips(filter_, labels)
        if rows:
            with st.container(width="stretch"):
                chips(rows, "active", lambda messages: _on_messages(messages, filter_))
        window_caption(filter_, window)


def window_caption(filter_: Filter, window: Window, more: str = "") -> None:
    """Draw the start and end of the window with the time zone, followed by *more*."""
    assert window.start and window.end
    line = text.window(window.start, window.end, filter_.zone) + more
    st.html(f'<span class="trail-window">{line}</span>', width="content")


def _search(filter_: Filter) -> None:
    st.session_state["search"] = " ".join(filter_.q)

    def search() -> None:
        query = st.session_state["search"].strip()
        url_state.set_url(replace(filter_, q=(query,) if query else ()))

    st.text_input(
        "Search",
        key="search",
        on_change=search,
        icon=":material/search:",
        placeholder='Search, or field:value, such as target:"Snowflake prod"',
        label_visibility="collapsed",
        max_chars=search_syntax.MAX_CHARS,
        width="stretch",
    )
    with st.popover("", icon=":material/help:", help="How to search"):
        st.text(search_syntax.HELP)


def _window(filter_: Filter) -> None:
    preset = filter_.start if filter_.start in PRESETS and not filter_.end else CUSTOM
    st.session_state["window"] = preset

    def choose() -> None:
        chosen = st.session_state["window"]
        if chosen in PRESETS:
            url_state.set_url(replace(filter_, start=chosen, end=""))

    st.segmented_control(
        "Window",
        [*PRESETS, *([CUSTOM] if preset == CUSTOM else [])],
        format_func=lambda name: PRESETS.get(name, "Custom"),
        key="window",
        on_change=choose,
        required=True,
        label_visibility="collapsed",
        wrap=False,
    )
    with _menu("range-menu", ":material/date_range:", "Select a date range") as menu:
        if menu.open:
            _range(filter_)


def _range(filter_: Filter) -> None:
    window = filter_.window(dt.datetime.now(dt.UTC))
    zone = filter_.zone
    now = dt.datetime.now(zone)

    def to_local(moment: dt.datetime | None, default: dt.datetime) -> dt.datetime:
        local = moment.replace(tzinfo=dt.UTC).astimezone(zone) if moment else default
        return local.replace(tzinfo=None, second=0, microsecond=0)

    with st.form("range", border=False):
        first = st.datetime_input("From", to_local(window.start, now - dt.timedelta(days=7)))
        last = st.datetime_input("To", to_local(window.end, now))
        st.caption(f"Times in {text.escape(zone.key)}")
        if st.form_submit_button("Apply range", type="primary") and first and last:
            if first >= last:
                st.error("The range ends before it starts. Select an end after the start.")
            else:
                local = [moment.replace(tzinfo=zone).astimezone(dt.UTC) for moment in (first, last)]
                start, end = (moment.replace(tzinfo=None) for moment in local)
                url_state.set_url(url_state.with_range(filter_, start, end))
                st.rerun()


def _zone(filter_: Filter) -> None:
    st.session_state["tz"] = filter_.tz

    def choose() -> None:
        url_state.set_url(replace(filter_, tz=st.session_state["tz"]))

    rest = sorted(zone_names() - set(_COMMON_ZONES))
    st.selectbox(
        "Time zone",
        [*_COMMON_ZONES, *rest],
        key="tz",
        on_change=choose,
        icon=":material/language:",
        label_visibility="collapsed",
        width=190,
    )


def _export(filter_: Filter, rows: int, *, evidence: bool) -> None:
    size = text.byte_size(exports.estimated_bytes("csv", rows))
    st.link_button(
        "Download CSV",
        exports.download_url(exports.Export(filter_, "csv"), url_state.param("archive")),
        icon=":material/download:",
        help=f"{text.count(rows, 'event')}, about {size}, times in {text.escape(filter_.tz)}",
        disabled=rows == 0,
        wrap=False,
    )
    with _menu("export-menu", ":material/more_horiz:", "More export formats") as menu:
        if menu.open:
            _exports(filter_, rows, evidence=evidence)


def _exports(filter_: Filter, rows: int, *, evidence: bool) -> None:
    columns = st.multiselect(
        "CSV columns",
        EVENT_COLUMNS,
        default=exports.CSV_COLUMNS,
        key="csv-columns",
        persist_state="session",
    )
    kinds = (("csv", "CSV with these columns"), ("ndjson", "NDJSON"), ("parquet", "Parquet"))
    for kind, label in kinds:
        chosen = tuple(columns) if kind == "csv" else exports.default_columns(kind)
        st.link_button(
            f"{label}, about {text.byte_size(exports.estimated_bytes(kind, rows))}",
            exports.download_url(exports.Export(filter_, kind, chosen), url_state.param("archive"))
            if chosen
            else "#",
            disabled=not chosen or rows == 0,
            width="stretch",
        )
    st.caption(
        f"{text.count(rows, 'row')}. NDJSON and Parquet contain all columns, with times in UTC."
    )
    if evidence:
        st.link_button(
            "Evidence pack",
            period.address(filter_),
            help="These events with seals, decisions and signatures, verifiable offline",
            width="stretch",
        )


def _menu(key: str, icon: str, name: str) -> PopoverContainer:
    """Return a menu to fill when it is `open`; while closed, it costs the page no elements."""
    return st.popover("", icon=icon, help=name, key=key, on_change="rerun")


def _chips(filter_: Filter, labels: dict[tuple[str, str], str]) -> list[Chip]:
    rows: list[Chip] = []
    for field in FACETS:
        choice = filter_.choice(field)
        for values, excluded in ((choice.include, False), (choice.exclude, True)):
            rows.extend(
                {
                    "field": field,
                    "value": value,
                    "name": text.FACETS[field],
                    "label": labels.get((field, value), value),
                    "excluded": excluded,
                }
                for value in values
            )
    rows.extend(
        {"field": "q", "value": query, "name": "Search", "label": query, "excluded": False}
        for query in filter_.q
    )
    return rows


def _on_messages(messages: list[ChipMessage], filter_: Filter) -> None:
    for message in messages:
        if message.get("clear"):
            filter_ = filter_.cleared()
        elif message["field"] == "q":
            filter_ = replace(filter_, q=tuple(q for q in filter_.q if q != message["value"]))
        else:
            state = filter_.state(message["field"], message["value"])
            flipped = "include" if state == "exclude" else "exclude"
            filter_ = filter_.put(
                message["field"], message["value"], flipped if message["do"] == "flip" else ""
            )
    url_state.set_url(filter_)
