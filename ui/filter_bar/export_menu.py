"""Downloads of the events of the filter."""

from collections.abc import Sequence
from urllib.parse import urlsplit

import streamlit as st

from trail.events import export as exports
from trail.evidence import period
from trail.storage.filters import Filter
from trail.web import email_masks
from ui import text
from ui.filter_bar.menu import menu
from ui.page import current_user


def draw(filter_: Filter, rows: int, shown: Sequence[str] = (), *, evidence: bool = False) -> None:
    """Draw the download of the *rows* events as CSV, and the menu of the other formats.

    The CSV has the columns *shown* with their titles, or all fields where no table shows events.
    With *evidence*, the menu offers the evidence pack. Roles that may not export get nothing.
    """
    user = current_user()
    if user is None or not user.may("export"):
        return
    chosen = exports.Export(filter_, "csv")
    if shown:
        chosen = exports.Export(filter_, "csv", tuple(shown), "titles")
    share = len(chosen.columns) / len(exports.CSV_COLUMNS)
    size = text.byte_size(int(exports.estimated_bytes("csv", rows) * share))
    what = ", columns and order as on screen" if shown else ""
    st.link_button(
        "CSV",
        exports.download_url(chosen),
        icon=":material/download:",
        help=f"{text.count(rows, 'event')}, about {size}{what}, times in {text.escape(filter_.tz)}",
        disabled=rows == 0,
        wrap=False,
    )
    with menu("export-menu", ":material/more_horiz:", "More export formats") as opened:
        if opened.open:
            _formats(filter_, rows, all_fields=bool(shown), evidence=evidence)


def draw_list(what: str, number: int, key: str, shown: str, every: str) -> None:
    """Draw the downloads of a list: as on screen from *shown*, with all fields from *every*.

    *what* says what and how many they are, *number* how many; *key* names the menu.
    """
    st.link_button(
        "CSV",
        shown,
        icon=":material/download:",
        help=f"{what}, columns and order as on screen",
        disabled=not number,
        wrap=False,
    )
    with menu(key, ":material/more_horiz:", "More export formats") as opened:
        if opened.open:
            st.link_button("CSV, all fields", every, disabled=not number, width="stretch")


def _formats(filter_: Filter, rows: int, *, all_fields: bool, evidence: bool) -> None:
    for kind, title in exports.FORMAT_TITLES.items():
        if kind == "csv" and not all_fields:
            continue
        label = f"{title}, all fields" if kind == "csv" else title
        chosen = exports.Export(filter_, kind, exports.default_columns(kind))
        address = exports.download_url(chosen)
        if email_masks.refusal(current_user(), urlsplit(address).path, ""):
            continue
        st.link_button(
            f"{label}, about {text.byte_size(exports.estimated_bytes(kind, rows))}",
            address,
            disabled=rows == 0,
            width="stretch",
        )
    st.caption(
        f"{text.count(rows, 'row')}. NDJSON and Parquet contain all fields and the original "
        "record, with times in UTC. OCSF and ECS are NDJSON for a SIEM."
    )
    if evidence and not email_masks.is_masked(current_user()):
        st.link_button(
            "Evidence pack",
            period.address(filter_),
            help="These events with seals, decisions and signatures, verifiable offline",
            width="stretch",
        )
