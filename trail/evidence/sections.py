"""Sections that evidence packs and sign-offs share: coverage, and findings with their decisions."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from trail.core.json_values import json_row, json_value
from trail.events import coverage
from trail.evidence.period import Period
from trail.findings import queries, reviews
from trail.findings.model import Finding
from trail.storage.engine import Engine

Section = dict[str, Any]

_GAP_TEXT = {
    "gap": "No source was collecting: events may be missing",
    "unknown": "Unknown whether a source was collecting",
}


def coverage_of(engine: Engine, period: Period, now: dt.datetime) -> Section:
    """Return the coverage of *period* at *now* (aware): gaps in words, and all spans."""
    until = period.covered_until(engine, now)
    start = period.window.start or _first_hour(engine)
    spans = coverage.spans(engine, start, until) if start and until else []
    gaps = [
        f"{_GAP_TEXT[span.state]}, from {span.start:%Y-%m-%d %H:%M:%S} "
        f"to {span.end:%Y-%m-%d %H:%M:%S} UTC"
        for span in spans
        if span.state in _GAP_TEXT
    ]
    return {
        "from": json_value(start),
        "to": json_value(until),
        "words": "; ".join(gaps) or ("No gaps" if spans else "No events were stored"),
        "gaps": gaps,
        "spans": [
            {"from": json_value(span.start), "to": json_value(span.end), "state": span.state}
            for span in spans
        ],
    }


def _first_hour(engine: Engine) -> dt.datetime | None:
    table = engine.table("select min(hour) as first from cube")
    first: dt.datetime | None = table["first"][0].as_py()
    return first


def findings_of(engine: Engine, findings: list[Finding], zone: ZoneInfo) -> list[Section]:
    """Return *findings* with all decisions on each, oldest first; texts have times in *zone*."""
    decisions = reviews.decisions_on(engine, [finding.finding_id for finding in findings])
    titles = queries.titles(engine, findings, zone, None)
    return [
        {
            "title": titles[finding.finding_id],
            **_finding(finding, decisions.get(finding.finding_id, []), zone),
        }
        for finding in findings
    ]


def _finding(finding: Finding, decisions: list[dict[str, Any]], zone: ZoneInfo) -> Section:
    return {
        "finding_id": finding.finding_id,
        "day": finding.day.isoformat(),
        "actor_id": finding.actor_id,
        "score": finding.score,
        "reasons": [reason.to_dict(zone) for reason in finding.reasons],
        "state": finding.state,
        "decisions": [json_row(decision) for decision in decisions],
    }
