"""Sign off a period: what would be signed, and the sign-off with its body.

Everything that a certificate states is in the body, read from one snapshot.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from trail.core.clock import utc_now, utc_text
from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.events import counts, event_digest
from trail.evidence import certificate, sections
from trail.evidence import period as periods
from trail.evidence.period import Period
from trail.findings import refresh, reviews, sign_off_changes, sign_offs, signable_days
from trail.findings.model import Finding
from trail.findings.signable_days import SignableDays
from trail.integrity import chain, key_file, mirror, seal_status
from trail.storage import query_pairs, tiers
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import Filter, Window

FORM = 1

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Draft:
    """What would be signed: the days, and with days their period, findings and events.

    *not_shown* are the ids of findings that the review budget did not show.
    """

    days: SignableDays
    period: Period | None = None
    findings: tuple[Finding, ...] = ()
    not_shown: tuple[str, ...] = ()
    events: int = 0

    @property
    def undecided(self) -> int:
        """Return how many findings have no decision."""
        return sum(finding.state == reviews.OPEN for finding in self.findings)


def draft(engine: Engine, settings: Settings, filter_: Filter, now: dt.datetime) -> Draft:
    """Return what a sign-off of *filter_* at *now* (aware) would cover; *engine* has both tiers."""
    days = signable_days.signable(engine, filter_, now, settings.seals.close_hours)
    if not days.run:
        return Draft(days)
    period = _period(filter_, days.window, now)
    listed, others = sign_off_changes.findings_of(engine, filter_, *days.run, now)
    events = counts.count(engine, period.filter, now)
    return Draft(days, period, tuple(listed), tuple(others), events)


def sign(
    store: Store,
    settings: Settings,
    filter_: Filter,
    now: dt.datetime,
    reason: str,
    signed_by: str,
    own_ids: frozenset[str],
    name: str = "",
) -> int:
    """Sign off the signable days of *filter_* at *now* (aware); return the sign-off's number.

    *name* is the display name of the user *signed_by*; *own_ids* are the user's actor ids. Raises
    `InputError` if no day can be signed, for undecided findings without a *reason*, and if all
    findings are the signer's own activity; `IntegrityError` without the signing key;
    `UnavailableError` if archived events of the period cannot be read.
    """
    refresh.catch_up(store, now)
    with tiers.both(store).snapshot() as engine:
        drafted = draft(engine, settings, filter_, now)
        _require_signable(drafted, reason, own_ids)
        if drafted.period:
            tiers.require_whole(engine, drafted.period.window)
        body = _body(engine, settings, drafted, now)
    key = key_file.load(mirror.files(store.path, settings).key)
    signed = {"signed_by": signed_by, "signer": name, "signed_at": utc_text(utc_now())}
    return sign_offs.record(store, {**body, "reason": reason.strip(), **signed}, key)


def _require_signable(drafted: Draft, reason: str, own_ids: frozenset[str]) -> None:
    if not drafted.period:
        raise InputError(drafted.days.sentence(), "Choose a period with closed and sealed days.")
    undecided = drafted.undecided
    if undecided and not reason.strip():
        raise InputError(
            f"{undecided:,} finding{' is' if undecided == 1 else 's are'} undecided.",
            "Decide on them, or enter a reason for signing off.",
        )
    findings = drafted.findings
    if findings and all(finding.actor_id in own_ids for finding in findings):
        raise InputError(
            "You cannot sign off a period in which all findings are your own activity.",
            "Ask another reviewer.",
        )


def _period(filter_: Filter, window: Window, now: dt.datetime) -> Period:
    filter_.check_lasting()
    start, end = (utc_text(at) for at in (window.start, window.end) if at)
    fixed = Filter(start, end, filter_.choices, filter_.q, filter_.tz)
    return periods.resolve(fixed, now)


def _body(engine: Engine, settings: Settings, drafted: Draft, now: dt.datetime) -> sign_offs.Body:
    """Return the body, except who signs, why and when."""
    period, days = drafted.period, drafted.days
    assert period and days.run
    batch = event_digest.newest_batch(engine)
    rows, digest = event_digest.digest_of(engine, period.filter, now, batch)
    window = period.window
    return {
        "document": "Sign-off of an audit trail period",
        "form": FORM,
        "workspace": certificate.workspace_of(engine, settings),
        "period": {
            "from": utc_text(window.start) if window.start else "",
            "to": utc_text(window.end) if window.end else "",
            "zone": period.filter.tz,
            "first": days.run[0].isoformat(),
            "last": days.run[1].isoformat(),
        },
        "filter": {
            "query": query_pairs.to_keep(period.filter.query()),
            "words": period.description(),
            "narrowed": period.filtered,
        },
        "events": {
            "rows": rows,
            "digest": digest,
            "digest_is_over": event_digest.DIGEST_IS_OVER,
            "last_batch": batch,
        },
        "findings": _findings(engine, drafted.findings, period.filter.zone),
        "not_shown": list(drafted.not_shown),
        "undecided": drafted.undecided,
        "coverage": sections.coverage_of(engine, period, now),
        **_seals(engine, period),
        "removed": [
            {
                "day": removed.day.isoformat(),
                "events": removed.gone,
                "reason": removed.reason,
                "made_by": removed.made_by,
                "made_at": utc_text(removed.sealed_at),
            }
            for removed in seal_status.removals(engine, window)
            if removed.gone
        ],
    }


def _findings(
    engine: Engine, findings: tuple[Finding, ...], zone: ZoneInfo
) -> list[dict[str, Any]]:
    rows = sections.findings_of(engine, list(findings), zone)
    return [{**row, "sentence": row.pop("title")} for row in rows]


def _seals(engine: Engine, period: Period) -> dict[str, Any]:
    """Return the newest seal of each UTC day of *period*, late arrivals, and problems.

    The problems are those of the last verification. Events that have arrived after the newest seal
    of their day are late arrivals, too.
    """
    table = engine.table("select line from seals order by number, line")
    lines = [line for line in chain.read(table["line"].to_pylist()) if period.overlaps(line.day)]
    newest = {str(line.body["day"]): line for line in lines}
    late = [
        {"day": line.body["day"], "text": line.body["reason"], "sealed_at": line.body["sealed_at"]}
        for line in lines
        if str(line.body.get("reason", "")).startswith("late")
    ]
    counted = engine.table(
        "select hour::date as day, sum(n)::bigint as n from cube "
        "where hour >= $first and hour < $end group by all order by day",
        {
            "first": min(newest),
            "end": dt.date.fromisoformat(max(newest)) + _DAY,
        },
    ).to_pylist()
    for row in counted:
        line = newest.get(row["day"].isoformat())
        more = row["n"] - chain.integer(line.body.get("events")) if line else 0
        if more > 0:
            text = f"{more:,} event{'s' * (more != 1)} not sealed yet"
            late.append({"day": row["day"].isoformat(), "text": text, "sealed_at": ""})
    return {
        "seals": [
            {"day": day, "number": line.number, "seal": line.seal}
            for day, line in sorted(newest.items())
        ],
        "late": late,
        "problems": [
            {"day": problem.day.isoformat() if problem.day else "", "text": problem.text}
            for problem in seal_status.status(engine).problems
            if problem.day is None or period.overlaps(problem.day)
        ],
    }
