"""Downloads of the events of the filter."""

import streamlit as st

from trail.core.model import EVENT_COLUMNS
from trail.events import export as exports
from trail.evidence import period
from trail.storage.filters import Filter
from ui import text, url_state
from ui.filter_bar.menu import menu


def draw(filter_: Filter, rows: int, *, evidence: bool) -> None:
    """Draw the download of the *rows* events as CSV, and the menu of the other formats."""
    size = text.byte_size(exports.estimated_bytes("csv", rows))
    st.link_button(
        "Download CSV",
        exports.download_url(exports.Export(filter_, "csv"), url_state.param("archive")),
        icon=":material/download:",
        help=f"{text.count(rows, 'event')}, about {size}, times in {text.escape(filter_.tz)}",
        disabled=rows == 0,
        wrap=False,
    )
    with menu("export-menu", ":material/more_horiz:", "More export formats") as opened:
        if opened.open:
            _formats(filter_, rows, evidence=evidence)


def _formats(filter_: Filter, rows: int, *, evidence: bool) -> None:
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
