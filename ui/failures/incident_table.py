"""The table of incidents, the most urgent first."""

from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from trail.filters import Filter
from trail.incidents.grouping import STORM
from trail.incidents.model import Change, Incident
from ui import tables, text, url_state

MOST = 200


def draw(
    filter_: Filter, found: list[Incident], changes: dict[str, list[Change]], class_: str
) -> None:
    """Draw *found*; pressing a row shows that incident."""
    if not found:
        st.info("No incident of this kind in this window.", icon=":material/info:")
        return
    key = f"incidents-{filter_.query()}-{class_}"

    def chosen() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            url_state.set_url(filter_, incident=found[rows[0]].incident_id, **{"class": class_})

    asked = url_state.param("incident") or found[0].incident_id
    opened = [n for n, each in enumerate(found) if each.incident_id == asked][:1]
    st.dataframe(
        pd.DataFrame(
            {
                "State": ["▲ Open" if each.open else "○ Quiet" for each in found],
                "Target": [target(each) for each in found],
                "What fails": [each.action for each in found],
                "Class": [each.class_.capitalize() for each in found],
                "Failing since": [
                    text.short_timestamp(each.first_at, filter_.zone) for each in found
                ],
                "Attempts": [each.attempts for each in found],
                "Last attempt": [
                    text.short_timestamp(each.last_at, filter_.zone) for each in found
                ],
                "Changes before": [len(changes.get(each.incident_id, [])) for each in found],
            }
        ),
        key=key,
        on_select=chosen,
        selection_mode="single-row",
        selection_default={"selection": {"rows": opened, "columns": [], "cells": []}},
        hide_index=True,
        **tables.height(len(found), 8),
        alt="Incidents",
    )
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        more = f" The first {MOST} are shown." if len(found) == MOST else ""
        st.caption(
            "Quiet: no failed attempt for longer than its own rhythm. Segment sends no success "
            f"event for most of these, so that it works again is likely, not known.{more}",
            width="stretch",
        )
        st.link_button(
            "CSV of incidents",
            f"/export.incidents.csv?{urlencode(filter_.pairs())}",
            icon=":material/download:",
        )


def target(each: Incident) -> str:
    """Return what fails: a target's name, or how many there are in a storm."""
    if each.class_ == STORM:
        return f"{each.targets:,} targets"
    return each.target_name or each.target_id or each.action
