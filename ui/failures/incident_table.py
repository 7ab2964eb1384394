"""The table of incidents, most urgent first."""

from functools import partial
from urllib.parse import urlencode

import streamlit as st

from trail.incidents import incident_text
from trail.incidents.grouping import STORM
from trail.incidents.incident import COMPLETED, OPEN, QUIET, UNKNOWN, Change, Incident
from trail.storage.filters import Filter
from ui import listed, text, url_state
from ui.components.table import Cell, Tone
from ui.listed import Field, Listed

MAX_ROWS = listed.PAGE_ROWS
first_row = listed.first_row

GLYPHS = {OPEN: "▲", UNKNOWN: "?", QUIET: "○", COMPLETED: "✓"}
_TONES: dict[str, Tone] = {OPEN: "red", UNKNOWN: "amber", QUIET: "second", COMPLETED: "green"}

_Line = tuple[Incident, Filter, int]


def _state(line: _Line) -> Cell:
    name = incident_text.state_text(line[0].state)
    return {"text": name, "glyph": GLYPHS[line[0].state], "tone": _TONES[line[0].state]}


def _time(name: str, line: _Line) -> str:
    return text.short_timestamp(getattr(line[0], name), line[1].zone)


def _in_query(_: _Line) -> None:
    """Mark a column by which the query sorts; see `queries.ORDERS`."""


LIST: Listed[_Line] = Listed(
    "failures",
    "Incidents",
    (
        Field("state", "State", 150, _state, _in_query, "desc"),
        Field("target", "Target", 220, lambda line: target(line[0]), _in_query),
        Field("action", "Action", 220, lambda line: line[0].action, _in_query),
        Field("class", "Class", 120, lambda line: line[0].class_.capitalize(), _in_query),
        Field("first_at", "Failing since", 150, partial(_time, "first_at"), _in_query, "desc"),
        Field(
            "attempts",
            "Attempts",
            92,
            lambda line: f"{line[0].attempts:,}",
            _in_query,
            "desc",
            "right",
        ),
        Field("last_at", "Last attempt", 150, partial(_time, "last_at"), _in_query, "desc"),
        Field("changes", "Changes before", 120, lambda line: f"{line[2]:,}", align="right"),
    ),
    lambda line: line[0].incident_id,
    "target",
)


def draw(
    filter_: Filter,
    incidents: list[Incident],
    changes: dict[str, list[Change]],
    class_: str,
    total: int,
) -> None:
    """Draw *incidents*, a page of *total*, as a table; a press on a row opens that incident."""
    if not incidents:
        st.info("No incidents of this class in this window.", icon=":material/info:")
        return
    LIST.draw(
        [(row, filter_, len(changes.get(row.incident_id, []))) for row in incidents],
        key=f"{filter_.query()} {class_}",
        visible=8,
        opened=url_state.param("incident") or incidents[0].incident_id,
        on_open=lambda line: url_state.put_params(incident=line[0].incident_id),
        total=total,
    )
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.caption(
            "No recent failure: no failed attempt for longer than the usual interval. Segment "
            "sends no success event for most actions, so recovery is likely but not confirmed.",
            width="stretch",
        )
        st.link_button(
            "Download incidents CSV",
            f"/export.incidents.csv?{urlencode(filter_.pairs())}",
            icon=":material/download:",
        )


def target(incident: Incident) -> str:
    """Return the name of the failing target, or the number of targets in a storm."""
    if incident.class_ == STORM:
        return f"{incident.targets:,} targets"
    return incident.target_name or incident.target_id or incident.action
