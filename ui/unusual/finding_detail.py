"""One finding: why it is one, what was expected, its evidence, and what is decided."""

import datetime as dt
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from trail import reviews
from trail.core import event_text
from trail.errors import TrailError
from trail.filters import Filter
from trail.findings import queries
from trail.findings.model import Finding
from trail.queries import people
from trail.registry import discover
from ui import actor_names, charts, event_feed, style, tables, text, url_state
from ui.audit import record_action
from ui.page import Context

_ROWS, _PEERS = 60, 4


def draw(ctx: Context, filter_: Filter, finding: Finding, found: list[Finding]) -> None:
    """Draw *finding*."""
    store = ctx.runtime.store
    name = actor_names.display_names(store, [finding.actor_id])[finding.actor_id]
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.header(
                text.escape(f"{name}, {finding.day:%a} {finding.day.day} {finding.day:%b}"),
                anchor=False,
                width="content",
            )
            st.html(f'<b style="font-size:22px">{finding.score}</b> points', width="content")
        left, right = st.columns([1.5, 1], gap="medium")
        with left:
            _why(finding)
            _chart(_activity(ctx, finding), finding)
        with right:
            _expected(ctx, finding)
            _peers(ctx, finding)
            _decide(ctx, filter_, finding, found)
        _check(finding)
        _evidence(ctx, filter_, finding)


def _why(finding: Finding) -> None:
    st.subheader("Why", anchor=False)
    titles = {each.name: each.title for each in discover("detectors", "DETECTOR").values()}
    for reason in finding.reasons:
        title = titles.get(reason.detector.removeprefix("rule:"), reason.detector)
        _row(title, reason.text, reason.points)
    _row("Sum", "", finding.score)


def _row(title: str, reason: str, points: int) -> None:
    name, said, number = st.columns([1.1, 3.2, 0.5], gap="small")
    name.text(title)
    said.text(reason)
    number.text(f"{points:,}")


def _activity(ctx: Context, finding: Finding) -> list[dict[str, Any]]:
    now = dt.datetime.now(dt.UTC)
    return list(queries.activity(ctx.runtime.store, finding.actor_id, now).to_pylist())


def _chart(days: list[dict[str, Any]], finding: Finding) -> None:
    if not days:
        return
    st.subheader("Events a day, 90 days", anchor=False)
    counts = {row["day"]: row["events"] for row in days}
    last = dt.datetime.now(dt.UTC).date()
    span = [last - dt.timedelta(days=back) for back in range(89, -1, -1)]
    colours = [
        style.theme_color("redColor" if day == finding.day else "primaryColor") for day in span
    ]
    figure = {
        "data": [
            {
                "type": "bar",
                "x": list(range(90)),
                "y": [counts.get(day, 0) for day in span],
                "marker": {"color": colours},
                "customdata": [
                    f"{day:%a} {day.day} {day:%b}: {counts.get(day, 0):,}" for day in span
                ],
                "hovertemplate": "%{customdata}<extra></extra>",
            }
        ],
        "layout": {
            **charts.layout(120),
            "xaxis": charts.axis(
                tickvals=list(range(0, 90, 15)),
                ticktext=[f"{day.day} {day:%b}" for day in span[::15]],
            ),
            "yaxis": charts.value_axis(max(counts.values())),
        },
    }
    st.plotly_chart(
        figure, theme=None, config=charts.CONFIG, height=120, alt="The actor's events a day"
    )


def _expected(ctx: Context, finding: Finding) -> None:
    st.subheader("Expected and seen", anchor=False)
    rows = queries.expected_and_seen(ctx.runtime.store, finding)
    st.dataframe(
        pd.DataFrame(
            {
                "Action": [row["action"] for row in rows],
                "Expected": [f"{row['expected']:g}" for row in rows],
                "Seen": [row["seen"] for row in rows],
                "Days with it": [f"{row['days']} of {row['of']}" for row in rows],
            }
        ),
        hide_index=True,
        **tables.height(len(rows), 6),
        alt="Expected and seen on that day",
    )


def _peers(ctx: Context, finding: Finding) -> None:
    found = queries.peers(ctx.runtime.store, finding)
    if not found["actions"]:
        return
    ids = [each["actor_id"] for each in found["others"][:_PEERS]]
    called = ", ".join(actor_names.display_names(ctx.runtime.store, ids).values())
    more = found["doing"] - len(ids)
    told = (f": {called}" if called else "") + (f" and {more:,} more" if more > 0 else "")
    st.caption(
        text.escape(
            f"{found['doing']:,} of {found['active']:,} others did any of it in the 28 days before"
            f"{told}."
        )
    )


def _evidence(ctx: Context, filter_: Filter, finding: Finding) -> None:
    rows = queries.evidence(ctx.runtime.store, finding, rows=_ROWS)
    day = dt.datetime.combine(finding.day, dt.time())
    whole = url_state.with_range(
        filter_.cleared().put("actor", finding.actor_id, "include"), day, day + dt.timedelta(days=1)
    )

    event_feed.draw(
        rows,
        whole,
        "evidence",
        title="Evidence",
        note=text.count(len(rows), "event") if len(rows) < _ROWS else f"the first {_ROWS}",
        time=lambda when: text.time_of_day(when, filter_.zone),
        sentence=partial(event_text.sentence_parts, with_actor=False),
        link="That day in Explore",
    )


def _check(finding: Finding) -> None:
    known = discover("detectors", "DETECTOR")
    found = [reason.detector.removeprefix("rule:") for reason in finding.reasons]
    checks = [line for each in known.values() if each.name in found for line in each.runbook]
    if checks:
        with st.expander("What to check"):
            for line in dict.fromkeys(checks):
                st.text(f"• {line}")


def _decide(ctx: Context, filter_: Filter, finding: Finding, found: list[Finding]) -> None:
    st.subheader("Decide", anchor=False)
    for row in reviews.history(ctx.runtime.store, finding.finding_id)[:5]:
        when = text.timestamp(row["made_at"], filter_.zone)
        note = f": {row['note']}" if row["note"] else ""
        st.caption(text.escape(f"{row['made_by']} decided {row['decision']}, {when}{note}"))
    note = st.text_input("Note, kept with the decision", key=f"note-{finding.finding_id}")
    waiting = [each for each in found if each.state == reviews.OPEN]
    many = st.checkbox(
        f"For all {len(waiting):,} undecided of this list", disabled=len(waiting) < 2
    )
    chosen = waiting if many else [finding]
    with st.container(horizontal=True):
        for decision in (*reviews.DECISIONS, reviews.OPEN):
            label = "Take back" if decision == reviews.OPEN else decision.capitalize()
            if st.button(label, disabled=decision == finding.state and not many):
                _apply(ctx, filter_, chosen, decision, note, found)
        place = next(
            (n for n, each in enumerate(found) if each.finding_id == finding.finding_id), None
        )
        for label, step, key in (("Previous", -1, "k"), ("Next", 1, "j")):
            other = None if place is None else place + step
            st.button(
                label,
                shortcut=key,
                disabled=other is None or not 0 <= other < len(found),
                on_click=_show,
                args=(filter_, found, other),
            )
    st.caption("Expected teaches: the same then counts less, for 90 days at most.")


def _show(filter_: Filter, found: list[Finding], place: int | None) -> None:
    if place is not None:
        url_state.set_url(filter_, finding=found[place].finding_id, all=url_state.param("all"))


def _apply(
    ctx: Context,
    filter_: Filter,
    chosen: list[Finding],
    decision: str,
    note: str,
    found: list[Finding],
) -> None:
    try:
        reviews.decide(ctx.runtime.store, chosen, decision, note, ctx.user.username, own_ids(ctx))
    except TrailError as problem:
        st.error(text.escape(str(problem)))
        return
    for each in chosen:
        record_action("decided", ctx.user, f"finding {each.finding_id}", decision)
    told = "taken back" if decision == reviews.OPEN else decision
    st.toast(f"{text.count(len(chosen), 'finding')}: {told}", duration="long")
    done = {each.finding_id for each in chosen}
    rest = [each for each in found if each.state == reviews.OPEN and each.finding_id not in done]
    following = rest[0].finding_id if rest and decision != reviews.OPEN else ""
    url_state.set_url(filter_, finding=following, all=url_state.param("all"))
    st.rerun()


def own_ids(ctx: Context) -> frozenset[str]:
    """Return the actor ids of who looks, known by the e-mail of the account."""
    return people.ids_of(ctx.runtime.store, ctx.user.email)
