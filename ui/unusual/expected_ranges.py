"""What is usual for the actor of a finding, and who else does it."""

import datetime as dt
from typing import Any

import streamlit as st

from trail.findings import queries, usual_days
from trail.findings.model import Finding
from trail.storage.filters import Filter
from ui import text, url_state
from ui.components.ranges import RangeRow, ranges
from ui.page import Context

_MAX_PEERS = 4


def draw(ctx: Context, filter_: Filter, finding: Finding) -> None:
    """Draw each action of the day against what was usual before, and how many others do it."""
    rows = queries.expected_and_seen(ctx.store, finding)
    of_day = of_actor_day(filter_, finding)
    ranges(
        "Expected against seen", [_row(row, of_day) for row in rows], _note(rows), "expected-seen"
    )
    if any("expected" in reason.facts for reason in finding.reasons):
        st.caption(
            "The reasons expect another number: they count kinds of change, and weigh in what "
            "peers do."
        )
    _peers(ctx, finding)


def of_actor_day(filter_: Filter, finding: Finding) -> Filter:
    """Return the filter of everything that the actor did on the (UTC) day of *finding*."""
    day = dt.datetime.combine(finding.day, dt.time())
    only_actor = filter_.cleared().put("actor", finding.actor_id, "include")
    return url_state.with_range(only_actor, day, day + dt.timedelta(days=1))


def _row(row: dict[str, Any], of_day: Filter) -> RangeRow:
    is_all = row["action"] == usual_days.ALL
    only = of_day if is_all else of_day.put("action", row["action"], "include")
    return {
        "name": "All actions" if is_all else row["action"],
        "address": url_state.address(url_state.EXPLORE, only),
        "low": row["low"],
        "high": row["high"],
        "seen": row["seen"],
        "expected": _range(row),
        "hint": _hint(row),
    }


def _range(row: dict[str, Any]) -> str:
    low, high = row["low"], row["high"]
    if low is None:
        return "–"
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def _hint(row: dict[str, Any]) -> str:
    if not row["of"]:
        return ""
    return (
        f"{text.average(row['expected'])} a day on average, at most {row['most']:,}; "
        f"on {row['days']:,} of {text.count(row['of'], 'earlier active day')}"
    )


def _note(rows: list[dict[str, Any]]) -> str:
    days = rows[0]["of"] if rows else 0
    if not days:
        return "No earlier active day of this actor is stored, so nothing is known to be usual."
    share = "Middle 90 %" if days >= usual_days.ENTIRE_BELOW else "Lowest to highest"
    return (
        f"{share} of {text.count(days, 'earlier active day')} of this actor; "
        "a day without the action counts as 0"
    )


def _peers(ctx: Context, finding: Finding) -> None:
    peers = queries.peers(ctx.store, finding)
    if not peers["actions"]:
        return
    listed = [peer["actor"] for peer in peers["others"][:_MAX_PEERS]]
    names, more = ", ".join(listed), peers["doing"] - len(listed)
    named = (f": {names}" if names else "") + (f" and {more:,} more" if more > 0 else "")
    st.caption(
        text.escape(
            f"In the 28 days up to this one, {peers['doing']:,} of "
            f"{text.count(peers['active'], 'other active actor')} of the whole workspace did any "
            f"of the actions that the reasons are about{named}."
        )
    )
