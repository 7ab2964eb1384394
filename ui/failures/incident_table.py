"""The table of incidents, most urgent first."""

from collections.abc import Callable
from urllib.parse import urlencode

import streamlit as st

from trail.incidents import columns
from trail.incidents.columns import BY_NAME, Scene
from trail.incidents.grouping import REPEATING, TRANSIENT
from trail.incidents.incident import COMPLETED, OPEN, ORDERS, QUIET, UNKNOWN, Incident
from trail.incidents.listing import Line, Listing
from ui import listed, text, url_state
from ui.components.table import Cell, Tone
from ui.listed import Field, Listed

MAX_ROWS = listed.PAGE_ROWS
first_row = listed.first_row

GLYPHS = {OPEN: "▲", UNKNOWN: "?", QUIET: "○", COMPLETED: "✓"}
TONES: dict[str, Tone] = {OPEN: "red", UNKNOWN: "amber", QUIET: "second", COMPLETED: "green"}
STRENGTHS: dict[str, Tone] = {"strong": "red", "moderate": "amber", "weak": "second"}
# Names by column: the width, and how it is aligned and first sorted.
_WIDTHS = {
    "state": 130,
    "target": 190,
    "action": 210,
    "cause": 400,
    "evidence": 104,
    "first_at": 134,
    "duration": 130,
    "flaps": 64,
    "attempts": 86,
    "last_at": 134,
    "recover": 180,
    "total": 110,
    "owner": 200,
    "assignee": 120,
    "class": 130,
}
# What says where to look; the others are in the menu of columns.
_DEFAULT = ("state", "target", "action", "cause", "evidence", "first_at", "attempts", "assignee")
_NUMBERS = ("flaps", "attempts", "total")
_FIRST_ASCENDING = ("target", "action", "class")

_Row = tuple[Line, Scene]


def mark(incident: Incident) -> tuple[str, Tone]:
    """Return the glyph and the tone of an incident: open ones that recover between are amber."""
    if incident.state == OPEN and incident.class_ in (REPEATING, TRANSIENT):
        return "◆", "amber"
    return GLYPHS[incident.state], TONES[incident.state]


def _cell(name: str) -> Callable[[_Row], str | Cell]:
    def show(row: _Row) -> str | Cell:
        line, scene = row
        shown = BY_NAME[name].text(line, scene)
        if name == "state":
            glyph, tone = mark(line.incident)
            return {"text": shown, "glyph": glyph, "tone": tone}
        if name == "action":
            return {"text": shown, "square": text.category_color(line.incident.category)}
        if name == "evidence" and line.causes:
            return {"text": shown, "glyph": "●", "tone": STRENGTHS[line.causes[0].strength]}
        return shown

    return show


def _in_query(_: _Row) -> None:
    """Mark a column by which the query sorts; see `incident.ORDERS`."""


LIST: Listed[_Row] = Listed(
    "failures",
    "Incidents",
    tuple(
        Field(
            column.name,
            column.title,
            _WIDTHS[column.name],
            _cell(column.name),
            _in_query if column.name in ORDERS else None,
            "asc" if column.name in _FIRST_ASCENDING else "desc",
            "right" if column.name in _NUMBERS else "",
        )
        for column in columns.COLUMNS
    ),
    lambda row: row[0].incident.incident_id,
    "target",
    _DEFAULT,
)


def draw(listing: Listing, lines: list[Line], scene: Scene, opened: str) -> None:
    """Draw *lines*, a page of the listing, as a table; a press on a row opens that incident."""
    if not lines:
        st.info("No incidents of this choice in this window.", icon=":material/info:")
        return
    LIST.draw(
        [(line, scene) for line in lines],
        key=f"{listing.filter.query()} {urlencode(listing.shown.pairs())}",
        visible=8,
        opened=opened,
        on_open=lambda row: url_state.put_params(incident=row[0].incident.incident_id),
        total=listing.total.incidents,
    )


def csv_address(listing: Listing) -> str:
    """Return the address of the CSV of all rows, with the columns on screen."""
    pairs = [*listing.filter.pairs(), *listing.shown.pairs(), ("columns", ",".join(LIST.names()))]
    return f"/export.incidents.csv?{urlencode(pairs)}"


def csv_of_all_fields(listing: Listing) -> str:
    """Return the address of the CSV of the same rows with all fields."""
    pairs = [*listing.filter.pairs(), *listing.shown.pairs()]
    return f"/export.incidents.csv?{urlencode(pairs)}"
