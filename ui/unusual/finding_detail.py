"""One finding: its reasons, expected and observed activity, evidence, and the decision on it."""

import streamlit as st

from trail.core import event_text, time_labels
from trail.core.errors import TrailError
from trail.core.registry import discover
from trail.findings import detector_titles, queries, reviews, severity
from trail.findings.columns import Line
from trail.findings.detector import Detector, Rule
from trail.findings.model import Finding
from trail.storage.filters import Filter
from trail.triage import records
from ui import (
    event_feed,
    own_activity,
    text,
    triage_comments,
    triage_menu,
    url_state,
)
from ui.audit import record_action
from ui.page import Context, acting_user
from ui.unusual import daily_chart, expected_ranges

_MAX_EVENTS = 60


def draw(ctx: Context, filter_: Filter, line: Line, findings: list[Finding]) -> None:
    """Draw the finding of *line*; *findings* are those of the queue."""
    finding = line.finding
    subject, what = records.subject("finding", finding.finding_id), f"finding {finding.finding_id}"
    with st.container(border=True, gap="small"):
        title, points = st.columns([6, 1])
        title.header(text.escape(line.title), anchor=False)
        points.html(_points(finding))
        began = time_labels.short(finding.began_at, filter_.zone, ctx.now)
        st.caption(text.escape(f"{finding.actor_id} · from {began} · {finding.state.capitalize()}"))
        triage_menu.draw(ctx, line.triage, subject, what, f"of-{subject}")
        left, right = st.columns([1.5, 1], gap="medium")
        with left:
            _reasons(ctx, filter_, finding)
            daily_chart.draw(ctx, filter_, finding)
            triage_comments.draw(ctx, line.triage, subject, what)
        with right:
            expected_ranges.draw(ctx, filter_, finding)
            _decision(ctx, filter_, finding, findings)
        _checklist(finding)
        _evidence(ctx, filter_, finding)


def _points(finding: Finding) -> str:
    """Return the points with the mark of the severity, as HTML."""
    glyph, level = text.RISKS[severity.of(finding)]
    mark = f'<span role="img" aria-label="{level}">{glyph}</span>'
    number = f'<b style="font-size:22px">{finding.score:,}</b>'
    return f'<div style="text-align:right;white-space:nowrap">{mark} {number} points</div>'


def _detectors() -> dict[str, Detector | Rule]:
    """Return the detectors and rules by the name that a reason gives."""
    discovered: dict[str, Detector | Rule] = discover("detectors", "DETECTOR")
    return {detector.name: detector for detector in discovered.values()}


def _reasons(ctx: Context, filter_: Filter, finding: Finding) -> None:
    st.subheader("Why this is unusual", anchor=False)
    for reason in finding.reasons:
        sentence = reason.sentence(filter_.zone, ctx.now, weekdays=True)
        _reason(detector_titles.of(reason.detector), sentence, reason.points)
    _reason("Total", "", finding.score)


def _reason(title: str, sentence: str, points: int) -> None:
    left, middle, right = st.columns([1.1, 3.2, 0.5], gap="small")
    left.text(title)
    middle.text(sentence)
    right.text(f"{points:,}")


def _evidence(ctx: Context, filter_: Filter, finding: Finding) -> None:
    rows = queries.evidence(ctx.store, finding, rows=_MAX_EVENTS)
    count = text.count(len(rows), "event")
    event_feed.draw(
        rows,
        expected_ranges.of_actor_day(filter_, finding),
        "evidence",
        title="Evidence",
        note=count if len(rows) < _MAX_EVENTS else f"first {count}",
        time=lambda when: text.short_timestamp(when, filter_.zone, seconds=True),
        sentence=lambda event: event_text.sentence_parts(
            event, with_actor=event["actor_id"] != finding.actor_id
        ),
        link="This day in Explore",
    )


def _checklist(finding: Finding) -> None:
    names = {reason.detector.removeprefix("rule:") for reason in finding.reasons}
    checks = [
        line
        for name, detector in _detectors().items()
        if name in names
        for line in detector.runbook
    ]
    if checks:
        with st.expander("What to check"):
            for line in dict.fromkeys(checks):
                st.text(f"• {line}")


def _decision(ctx: Context, filter_: Filter, finding: Finding, findings: list[Finding]) -> None:
    st.subheader("Decision", anchor=False)
    for row in reviews.history(ctx.runtime.store, finding.finding_id)[:5]:
        label = "Reopened" if row["decision"] == reviews.OPEN else row["decision"].capitalize()
        note = f": {row['note']}" if row["note"] else ""
        when = text.timestamp(row["made_at"], filter_.zone)
        st.caption(text.escape(f"{label} by {row['made_by']}, {when}{note}"))
    undecided = [other for other in findings if other.state == reviews.OPEN]
    may_decide = ctx.user.may("decide")
    if may_decide:
        note = st.text_input("Reason, recorded with the decision", key=f"note-{finding.finding_id}")
        all_of_list = st.checkbox(
            f"Apply to all {len(undecided):,} open findings in this list",
            disabled=len(undecided) < 2,
        )
    with st.container(horizontal=True):
        if may_decide:
            _decisions(ctx, filter_, finding, undecided, note, all_of_list=all_of_list)
        _steps(filter_, finding, findings)
    if not may_decide:
        return
    own_activity.draw_hint(ctx)
    st.caption(
        "Marking as expected lowers the score of similar activity by the same actor for up to "
        "90 days."
    )


def _decisions(
    ctx: Context,
    filter_: Filter,
    finding: Finding,
    undecided: list[Finding],
    note: str,
    *,
    all_of_list: bool,
) -> None:
    for decision in (*reviews.DECISIONS, reviews.OPEN):
        label = "Reopen" if decision == reviews.OPEN else decision.capitalize()
        if st.button(label, disabled=decision == finding.state and not all_of_list):
            chosen = undecided if all_of_list else [finding]
            _decide(ctx, filter_, chosen, decision, note, undecided)


def _steps(filter_: Filter, finding: Finding, findings: list[Finding]) -> None:
    ids = [other.finding_id for other in findings]
    index = ids.index(finding.finding_id) if finding.finding_id in ids else None
    for label, step, key in (("Previous", -1, "k"), ("Next", 1, "j")):
        neighbor = -1 if index is None else index + step
        exists = 0 <= neighbor < len(ids)
        st.button(
            label,
            shortcut=key,
            disabled=not exists,
            on_click=_open,
            args=(filter_, ids[neighbor] if exists else ""),
        )


def _open(filter_: Filter, finding_id: str) -> None:
    url_state.set_url(filter_, finding=finding_id, all=url_state.param("all"))


def _decide(
    ctx: Context,
    filter_: Filter,
    chosen: list[Finding],
    decision: str,
    note: str,
    undecided: list[Finding],
) -> None:
    """Record *decision* on the *chosen* findings, then open the next undecided one."""
    own_ids = own_activity.actor_ids(ctx)
    try:
        user = acting_user("decide")
        reviews.decide(ctx.runtime.store, chosen, decision, note, user.username, own_ids)
    except TrailError as error:
        st.error(text.escape(str(error)))
        return
    for finding in chosen:
        record_action("decided", user, f"finding {finding.finding_id}", decision)
    result = "reopened" if decision == reviews.OPEN else f"marked as {decision}"
    st.toast(f"{text.count(len(chosen), 'finding')} {result}", duration="long")
    remaining = [finding.finding_id for finding in undecided if finding not in chosen]
    _open(filter_, remaining[0] if remaining and decision != reviews.OPEN else "")
    st.rerun()
