"""The queue of findings, the highest score first, and how far the review has come."""

import pandas as pd
import streamlit as st

from trail import reviews
from trail.filters import Filter
from trail.findings.model import Finding
from trail.findings.queries import Queue
from ui import actor_names, tables, url_state
from ui.page import Context

_MARKS = {
    reviews.OPEN: "▲ Open",
    reviews.ACTION: "◆ Action",
    reviews.EXPECTED: "○ Expected",
    reviews.DONE: "✓ Done",
}


def draw(ctx: Context, filter_: Filter, found: Queue, *, everything: bool) -> None:
    """Draw the findings; pressing one shows it."""
    rows = sorted(found.findings, key=lambda each: each.state != reviews.OPEN)
    if not rows:
        st.info("Nothing unusual in this window.", icon=":material/check:")
    else:
        called = actor_names.display_names(ctx.runtime.store, [each.actor_id for each in rows])
        _table(filter_, rows, called, everything=everything)
    decided = sum(each.state != reviews.OPEN for each in rows)
    if rows:
        st.progress(decided / len(rows), f"{decided:,} of {len(rows):,} decided")
    more = found.scored - len(rows)
    if everything:
        st.button("Only those of the budget", on_click=lambda: url_state.set_url(filter_))
    elif more > 0:
        st.caption(f"{more:,} further scored days are below the threshold.")
        st.button("Show all", on_click=lambda: url_state.set_url(filter_, all="1"))


def _table(
    filter_: Filter, rows: list[Finding], called: dict[str, str], *, everything: bool
) -> None:
    key = f"findings-{filter_.query()}-{everything}-{len(rows)}"

    def chosen() -> None:
        picked = st.session_state[key]["selection"]["rows"]
        if picked:
            url_state.set_url(
                filter_,
                finding=rows[picked[0]].finding_id,
                all="1" if everything else "",
            )

    asked = url_state.param("finding")
    opened = [n for n, each in enumerate(rows) if each.finding_id == asked][:1]
    st.dataframe(
        pd.DataFrame(
            {
                "Points": [each.score for each in rows],
                "Who": [called[each.actor_id] for each in rows],
                "Day": [f"{each.day:%a} {each.day.day} {each.day:%b}" for each in rows],
                "State": [_MARKS.get(each.state, each.state) for each in rows],
            }
        ),
        column_config={
            "Points": st.column_config.NumberColumn(width=52),
            "Who": st.column_config.TextColumn(width=132),
            "Day": st.column_config.TextColumn(width=76),
            "State": st.column_config.TextColumn(width=80),
        },
        key=key,
        on_select=chosen,
        selection_mode="single-row",
        selection_default={"selection": {"rows": opened, "columns": [], "cells": []}},
        hide_index=True,
        **tables.height(len(rows), 13),
        alt="Findings",
    )
