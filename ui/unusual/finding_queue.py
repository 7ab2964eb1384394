"""The findings to review, highest score first, and the progress of the review."""

import streamlit as st

from trail.findings import reviews
from trail.findings.queries import Queue
from trail.storage.filters import Filter
from ui import actor_names, tables, text, url_state
from ui.page import Context

_SYMBOLS = {reviews.OPEN: "▲", reviews.ACTION: "◆", reviews.EXPECTED: "○", reviews.DONE: "✓"}


def draw(ctx: Context, filter_: Filter, queue: Queue, *, everything: bool) -> None:
    """Draw the findings; selecting one opens it."""
    rows = sorted(queue.findings, key=lambda finding: finding.state != reviews.OPEN)
    show_all = "1" if everything else ""

    def select(index: int) -> None:
        url_state.set_url(filter_, finding=rows[index].finding_id, all=show_all)

    if rows:
        opened = url_state.param("finding")
        names = actor_names.display_names(ctx.runtime.store, [finding.actor_id for finding in rows])
        tables.draw(
            {
                "Points": [finding.score for finding in rows],
                "Actor": [names[finding.actor_id] for finding in rows],
                "Day": [text.day(finding.day) for finding in rows],
                "State": [
                    f"{_SYMBOLS[finding.state]} {finding.state.capitalize()}" for finding in rows
                ],
            },
            "Findings",
            visible=13,
            key=f"findings-{filter_.query()}-{everything}-{len(rows)}",
            on_select=select,
            selected=next((n for n, row in enumerate(rows) if row.finding_id == opened), None),
            config={
                title: st.column_config.Column(width=width)
                for title, width in (("Points", 52), ("Actor", 120), ("Day", 76), ("State", 104))
            },
        )
        decided = sum(finding.state != reviews.OPEN for finding in rows)
        st.progress(decided / len(rows), f"{decided:,} of {len(rows):,} decided")
    else:
        st.info("No findings in this window.", icon=":material/check:")
    hidden = queue.scored - len(rows)
    if everything:
        st.button("Show top findings only", on_click=lambda: url_state.set_url(filter_))
    elif hidden > 0:
        st.caption(f"{text.count(hidden, 'actor-day')} scored below the threshold.")
        st.button("Show all", on_click=lambda: url_state.set_url(filter_, all="1"))
