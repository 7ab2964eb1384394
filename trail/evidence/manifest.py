"""What a pack says about its events: how watched, what was removed, who decided and signed.

All of it is of the data: nothing says when the pack was made, so that the same data gives the same
bytes. Times are ISO 8601 in UTC.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trail import VERSION, coverage, directory, holds, retention, reviews
from trail.evidence.period import Period
from trail.findings import queries
from trail.findings.model import Finding
from trail.seals import chain, keys, known, standing
from trail.settings import Settings
from trail.store import Engine

FORM = 1

Said = dict[str, Any]

_STATES = {
    "watched": "Somebody looked",
    "blind": "Nobody looked: events of this time may be missing",
    "unknown": "Not known whether somebody looked",
}


def about(engine: Engine, settings: Settings, period: Period, now: dt.datetime, note: Path) -> Said:
    """Return all that is said beside files and seals; *now* is aware, *note* as in `known`."""
    window = period.window
    return {
        "workspace": settings.workspace or directory.workspace_name(engine),
        "filter": {
            "words": period.words(),
            "query": period.filter.query(),
            "narrowed": period.narrowed,
        },
        "period": {
            "from": _time(window.start),
            "to": _time(window.end),
            "zone": period.filter.tz,
        },
        "coverage": _coverage(engine, period, now),
        "findings": _findings(engine, period, now),
        "sign_offs": _signoffs(engine, settings, period, now),
        "retention": _retention(engine, settings, period),
        "holds": [_plain(row) for row in holds.every(engine)],
        "alarms": _alarms(engine, period, note),
    }


def head() -> Said:
    """Return what a manifest begins with."""
    return {
        "document": "Evidence pack of an audit trail",
        "form": FORM,
        "product": f"Audit Trail for Twilio Segment {VERSION}",
    }


def seals_said(lines: list[chain.Line], period: Period, key: str) -> Said:
    """Return what is said of the *lines* of the chain that are in the pack, and of the key."""
    accepted = [
        {name: line.body.get(name) for name in ("day", "reason", "made_by", "sealed_at")}
        for line in lines
        if line.body.get("kind") == chain.ACCEPTED and period.touches(line.day)
    ]
    return {
        "lines": len(lines),
        "key": key,
        "fingerprint": keys.fingerprint(key),
        "accepted": accepted,
    }


def _coverage(engine: Engine, period: Period, now: dt.datetime) -> Said:
    until = period.told_until(engine, now)
    start = period.window.start or _first(engine)
    spans = coverage.spans(engine, start, until) if start and until else []
    gaps = [
        f"{_STATES[span.state]}, from {_words(span.start)} to {_words(span.end)} UTC"
        for span in spans
        if span.state != "watched"
    ]
    return {
        "from": _time(start),
        "to": _time(until),
        "words": "; ".join(gaps) or ("Watched without a gap" if spans else "Nothing was kept yet"),
        "gaps": gaps,
        "spans": [
            {"from": _time(span.start), "to": _time(span.end), "state": span.state}
            for span in spans
        ],
    }


def _first(engine: Engine) -> dt.datetime | None:
    found: dt.datetime | None = engine.table("select min(hour) as first from cube")["first"][
        0
    ].as_py()
    return found


def _findings(engine: Engine, period: Period, now: dt.datetime) -> list[Said]:
    """Return what was shown as unusual, and whatever somebody decided on, in order of day."""
    found = queries.queue(engine, period.filter, now, everything=True)
    chosen = [
        each
        for each in found.findings
        if each.finding_id in found.judged.shown or each.state != reviews.OPEN
    ]
    decisions = reviews.decisions_on(engine, [each.finding_id for each in chosen])
    chosen.sort(key=lambda each: (each.day, each.finding_id))
    return [_finding(each, decisions.get(each.finding_id, [])) for each in chosen]


def _finding(finding: Finding, decisions: list[dict[str, Any]]) -> Said:
    return {
        "finding_id": finding.finding_id,
        "day": finding.day.isoformat(),
        "actor_id": finding.actor_id,
        "score": finding.score,
        "reasons": [reason.said() for reason in finding.reasons],
        "state": finding.state,
        "decisions": [_plain(each) for each in decisions],
    }


def _signoffs(engine: Engine, settings: Settings, period: Period, now: dt.datetime) -> list[Said]:
    workspace = settings.workspace or directory.workspace_name(engine)
    found = reviews.signoffs(engine, now, period.window)
    said = [reviews.certificate(each, [], workspace) for each in reversed(found)]
    return [{name: each[name] for name in each if name != "decisions"} for each in said]


def _retention(engine: Engine, settings: Settings, period: Period) -> Said:
    return {
        "kept_days": settings.store.retention_days,
        "archived": settings.store.archive,
        "removed_by_day": [
            _plain(asdict(each)) for each in standing.removals(engine, period.window)
        ],
        "runs": [_plain(row) for row in retention.runs(engine, period.window.start)],
    }


def _alarms(engine: Engine, period: Period, note: Path) -> list[Said]:
    """Return what the last verification found wrong with the period, and what was lost."""
    problems = [
        each
        for each in standing.standing(engine).problems
        if each.day is None or period.touches(each.day)
    ]
    lost = [
        {"day": None, "problem": "lost", "text": each.text()} for each in known.shortfalls(note)
    ]
    return [_plain(asdict(each)) for each in problems] + lost


def _plain(row: Mapping[str, Any]) -> Said:
    """Return *row* as JSON can hold it."""
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return _time(value)
    return value.isoformat() if isinstance(value, dt.date) else value


def _time(at: dt.datetime | None) -> str | None:
    return f"{at.isoformat()}Z" if at else None


def _words(at: dt.datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
