"""The findings to review, highest score first, and the progress of the review."""

from collections.abc import Callable
from urllib.parse import urlencode

import streamlit as st

from trail.findings import reviews, severity
from trail.findings.columns import BY_NAME, COLUMNS, KEYS, Line, Scene
from trail.findings.listing import Listing, Shown
from ui import coverage_banner, listed, text, url_state
from ui.components.table import Cell, Tone
from ui.listed import Field, Listed
from ui.page import Context

# Most are open; the mark of their severity stands beside them.
_SYMBOLS = {reviews.ACTION: "◆", reviews.EXPECTED: "○", reviews.DONE: "✓"}
_TONES: dict[str, Tone] = {reviews.ACTION: "amber"}
_LEVEL_TONES: dict[severity.Severity, Tone] = {"high": "red", "medium": "amber", "low": "second"}
# Columns whose first press puts the highest value first.
_FIRST_DESCENDING = ("score", "day", "severity")

_Row = tuple[Line, Scene]


def _cell(name: str) -> Callable[[_Row], str | Cell]:
    def show(row: _Row) -> str | Cell:
        line, scene = row
        shown = BY_NAME[name].text(line, scene)
        if name in ("score", "severity"):
            level = severity.of(line.finding)
            return {"text": shown, "glyph": text.RISKS[level][0], "tone": _LEVEL_TONES[level]}
        if name == "state":
            state = line.finding.state
            glyph, tone = _SYMBOLS.get(state, ""), _TONES.get(state, "second")
            return {"text": shown, "glyph": glyph, "tone": tone}
        return shown

    return show


def _in_listing(_: _Row) -> None:
    """Mark a column by which the listing sorts; see `columns.KEYS`."""


_LIST: Listed[_Row] = Listed(
    "unusual",
    "Findings",
    tuple(
        Field(
            column.name,
            column.title,
            380 if column.name == "title" else 100,
            _cell(column.name),
            _in_listing if column.name in KEYS else None,
            "desc" if column.name in _FIRST_DESCENDING else "asc",
        )
        for column in COLUMNS
    ),
    lambda row: row[0].finding.finding_id,
    "title",
    ("score", "title", "state", "day", "age", "assignee"),
    "score",
)


def shown_from_url() -> Shown:
    """Return what the URL shows of the findings."""
    return Shown(url_state.param("all") == "1", _LIST.order())


def csv_address(listing: Listing) -> str:
    """Return the address of the CSV of all rows, with the columns on screen."""
    return f"{csv_of_all_fields(listing)}&{urlencode([('columns', ','.join(_LIST.names()))])}"


def csv_of_all_fields(listing: Listing) -> str:
    """Return the address of the CSV of the same rows with all fields."""
    return f"/export.findings.csv?{urlencode([*listing.filter.pairs(), *listing.shown.pairs()])}"


def draw(ctx: Context, listing: Listing, scene: Scene) -> None:
    """Draw the findings; selecting one opens it."""
    lines, everything = listing.lines, listing.shown.everything
    if lines:
        start = listed.first_row() - 1
        _LIST.draw(
            [(line, scene) for line in lines[start : start + listed.PAGE_ROWS]],
            key=f"{listing.filter.query()} {everything}",
            visible=9,
            opened=url_state.param("finding") or lines[0].finding.finding_id,
            on_open=lambda row: url_state.put_params(finding=row[0].finding.finding_id),
            total=len(lines),
        )
        decided = sum(line.finding.state != reviews.OPEN for line in lines)
        st.progress(decided / len(lines), f"{decided:,} of {len(lines):,} decided")
    else:
        coverage_banner.show_none(ctx, listing.filter, "No findings in this window.")
    hidden = listing.queue.scored - len(lines)
    if everything:
        st.button("Show top findings only", on_click=lambda: url_state.set_url(listing.filter))
    elif hidden > 0:
        st.caption(f"{text.count(hidden, 'actor-day')} scored below the threshold.")
        st.button("Show all", on_click=lambda: url_state.set_url(listing.filter, all="1"))
