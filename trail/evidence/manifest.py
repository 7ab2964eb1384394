"""The manifest of a pack: coverage, removals, findings, decisions and sign-offs of its period.

Derived from the data alone, without the time of creation, so that the same data gives the same
bytes. Times are ISO 8601 in UTC.
"""

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trail import VERSION
from trail.core.json_values import json_row, json_value
from trail.core.settings import Settings
from trail.evidence import certificate, sections
from trail.evidence.period import Period
from trail.findings import queries, reviews, sign_offs
from trail.findings.sign_offs import Signoff
from trail.integrity import (
    chain,
    chain_history,
    derived_check,
    high_water_mark,
    key_file,
    ledger_check,
    seal_status,
    sealing,
)
from trail.retention import legal_holds, policy
from trail.storage.engine import Engine

FORM = 1

Section = dict[str, Any]


def about(
    engine: Engine,
    settings: Settings,
    period: Period,
    now: dt.datetime,
    problems: list[Section],
    signed: Signoff | None = None,
) -> Section:
    """Return what the manifest states besides files and seals.

    *now* is aware; *problems* are the `alarms`. In the pack of a sign-off, *signed*, workspace,
    coverage and findings are those that were signed.
    """
    window = period.window
    workspace = certificate.workspace_of(engine, settings)
    return {
        "workspace": workspace,
        "filter": {
            "words": period.description(),
            "query": period.filter.query(),
            "narrowed": period.filtered,
        },
        "period": {
            "from": json_value(window.start),
            "to": json_value(window.end),
            "zone": period.filter.tz,
        },
        "coverage": sections.coverage_of(engine, period, now),
        "findings": _findings(engine, period, now),
        **(_signed(signed, workspace) if signed else {}),
        "sign_offs": _sign_offs(engine, workspace, period, now),
        "retention": _retention(engine, settings, period),
        "holds": [json_row(row) for row in legal_holds.all_holds(engine)],
        "alarms": problems,
    }


def header() -> Section:
    """Return the fields that a manifest begins with."""
    return {
        "document": "Evidence pack of an audit trail",
        "form": FORM,
        "product": f"Audit Trail for Twilio Segment {VERSION}",
    }


def seals_section(lines: list[chain.Line], period: Period, key: str) -> Section:
    """Return the section on the seals in the pack, *lines*, and on the public *key* (hex)."""
    return {
        "lines": len(lines),
        "key": key,
        "fingerprint": key_file.fingerprint(key),
        "accepted": [
            {name: line.body.get(name) for name in ("day", "reason", "made_by", "sealed_at")}
            for line in lines
            if line.body.get("kind") == chain.ACCEPTED and period.overlaps(line.day)
        ],
    }


def _signed(signed: Signoff, workspace: str) -> Section:
    """Return the certificate of *signed*, and the sections of its body."""
    stated = ("workspace", "coverage", "findings") if signed.body else ()
    return {
        **{name: signed.body[name] for name in stated},
        "sign_off": certificate.document(signed, workspace),
    }


def _findings(engine: Engine, period: Period, now: dt.datetime) -> list[Section]:
    """Return the findings that were shown or decided, in order of day."""
    queue = queries.queue(engine, period.filter, now, everything=True)
    findings = [
        finding
        for finding in queue.findings
        if finding.finding_id in queue.budget.shown or finding.state != reviews.OPEN
    ]
    findings.sort(key=lambda finding: (finding.day, finding.finding_id))
    return sections.findings_of(engine, findings, period.filter.zone)


def _sign_offs(engine: Engine, workspace: str, period: Period, now: dt.datetime) -> list[Section]:
    listed = []
    for signed in reversed(sign_offs.signoffs(engine, now, period.window)):
        section = certificate.document(signed, workspace)
        del section["decisions"]
        listed.append(section)
    return listed


def _retention(engine: Engine, settings: Settings, period: Period) -> Section:
    return {
        "kept_days": settings.store.retention_days,
        "archived": settings.store.archive,
        "removed_by_day": [
            json_row(asdict(removed)) for removed in seal_status.removals(engine, period.window)
        ],
        "runs": [json_row(row) for row in policy.runs(engine, period.window.start)],
    }


def alarms(database: Engine, settings: Settings, period: Period, note: Path) -> list[Section]:
    """Return the problems with the period, and data losses.

    Those that the last verification found, and those that are found now: whether the ledgers are
    intact, and whether all that pages show follows from the records of the period. *database* reads
    the database alone; *note* is the path of the high-water mark.
    """
    with sealing.snapshot(database) as ask:
        history = chain_history.own(ask)
        now = ledger_check.problems(ask, history, {})  # the file may have newer entries by now
        span = (period.window.start, period.window.end)
        now += derived_check.problems(ask, settings.limits, full=True, span=span)
    found = dict.fromkeys([*seal_status.status(database).problems, *now])
    problems = [
        json_row(asdict(problem))
        for problem in found
        if problem.day is None or period.overlaps(problem.day)
    ]
    losses = [
        {"day": None, "problem": "lost", "text": loss.text()}
        for loss in high_water_mark.shortfalls(note)
    ]
    return problems + losses
