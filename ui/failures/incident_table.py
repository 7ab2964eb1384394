"""The table of incidents, most urgent first."""

from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from trail.incidents.grouping import STORM
from trail.incidents.incident import Change, Incident
from trail.storage.filters import Filter
from ui import tables, text, url_state

MAX_ROWS = 200


def draw(
    filter_: Filter, incidents: list[Incident], changes: dict[str, list[Change]], class_: str
) -> None:
    """Draw *incidents* as a table; a click on a row opens that incident."""
    if not incidents:
        st.info("No incidents of this class in this window.", icon=":material/info:")
        return
    key = f"incidents-{filter_.query()}-{class_}"

    def on_select() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            url_state.set_url(filter_, incident=incidents[rows[0]].incident_id, **{"class": class_})

    opened_id = url_state.param("incident") or incidents[0].incident_id
    opened = [n for n, incident in enumerate(incidents) if incident.incident_id == opened_id][:1]
    st.dataframe(
        pd.DataFrame(
            {
                "State": [
                    "▲ Open" if incident.open else "○ No recent failure" for incident in incidents
                ],
                "Target": [target(incident) for incident in incidents],
                "Action": [incident.action for incident in incidents],
                "Class": [incident.class_.capitalize() for incident in incidents],
                "Failing since": [
                    text.short_timestamp(incident.first_at, filter_.zone) for incident in incidents
                ],
                "Attempts": [incident.attempts for incident in incidents],
                "Last attempt": [
                    text.short_timestamp(incident.last_at, filter_.zone) for incident in incidents
                ],
                "Changes before": [
                    len(changes.get(incident.incident_id, [])) for incident in incidents
                ],
            }
        ),
        key=key,
        on_select=on_select,
        selection_mode="single-row",
        selection_default={"selection": {"rows": opened, "columns": [], "cells": []}},
        hide_index=True,
        **tables.height(len(incidents), 8),
        alt="Incidents",
    )
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        more = (
            f" Only the first {MAX_ROWS} incidents are shown." if len(incidents) == MAX_ROWS else ""
        )
        st.caption(
            "No recent failure: no failed attempt for longer than the usual interval. Segment "
            "sends no success event for most actions, so recovery is likely but not confirmed."
            f"{more}",
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
