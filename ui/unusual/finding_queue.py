"""The findings to review, highest score first, and the progress of the review."""

import streamlit as st

from trail.findings import queries, reviews, severity
from trail.findings.model import Finding
from trail.findings.queries import Queue
from trail.storage.filters import Filter
from ui import coverage_banner, text, url_state
from ui.components.table import Cell, Tone
from ui.listed import Field, Listed
from ui.page import Context

_SYMBOLS = {reviews.OPEN: "▲", reviews.ACTION: "◆", reviews.EXPECTED: "○", reviews.DONE: "✓"}
_TONES: dict[str, Tone] = {reviews.OPEN: "red", reviews.ACTION: "amber"}

_LEVEL_TONES: dict[severity.Severity, Tone] = {"high": "red", "medium": "amber", "low": "second"}

_Line = tuple[Finding, str]


def _points(line: _Line) -> Cell:
    level = severity.of(line[0])
    return {
        "text": f"{line[0].score:,}",
        "glyph": text.RISKS[level][0],
        "tone": _LEVEL_TONES[level],
    }


def _state(line: _Line) -> Cell:
    state = line[0].state
    return {
        "text": state.capitalize(),
        "glyph": _SYMBOLS[state],
        "tone": _TONES.get(state, "second"),
    }


_LIST: Listed[_Line] = Listed(
    "unusual",
    "Findings",
    (
        Field(
            "score",
            "Points",
            74,
            _points,
            lambda line: line[0].score,
            "desc",
            "right",
        ),
        Field("title", "Finding", 380, lambda line: line[1], lambda line: line[1]),
        Field(
            "day",
            "Day",
            118,
            lambda line: text.day(line[0].day, url_state.timezone()),
            lambda line: line[0].day,
            "desc",
        ),
        Field("state", "State", 100, _state, lambda line: list(_SYMBOLS).index(line[0].state)),
    ),
    lambda line: line[0].finding_id,
    "title",
)


def draw(ctx: Context, filter_: Filter, queue: Queue, *, everything: bool) -> None:
    """Draw the findings; selecting one opens it."""
    rows = sorted(queue.findings, key=lambda finding: finding.state != reviews.OPEN)
    if rows:
        titles = queries.titles(ctx.runtime.store, rows, filter_.zone, ctx.now, weekdays=True)
        _LIST.draw(
            [(finding, titles[finding.finding_id]) for finding in rows],
            key=f"{filter_.query()} {everything}",
            visible=13,
            opened=url_state.param("finding") or rows[0].finding_id,
            on_open=lambda line: url_state.put_params(finding=line[0].finding_id),
        )
        decided = sum(finding.state != reviews.OPEN for finding in rows)
        st.progress(decided / len(rows), f"{decided:,} of {len(rows):,} decided")
    else:
        coverage_banner.show_none(ctx, filter_, "No findings in this window.")
    hidden = queue.scored - len(rows)
    if everything:
        st.button("Show top findings only", on_click=lambda: url_state.set_url(filter_))
    elif hidden > 0:
        st.caption(f"{text.count(hidden, 'actor-day')} scored below the threshold.")
        st.button("Show all", on_click=lambda: url_state.set_url(filter_, all="1"))
