"""What has changed after a sign-off: events, decisions and findings, with who and when."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import Any

from trail.core.clock import naive_utc, utc_text
from trail.core.errors import UnavailableError
from trail.core.json_values import json_row
from trail.events import counts, event_digest
from trail.findings import queries, refresh, reviews
from trail.findings.model import Finding
from trail.integrity import seal_status
from trail.storage import cold_changes, cold_tier, tiers
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import Filter, Window
from trail.storage.where import span

Body = dict[str, Any]

# Digests by what they depend on, so that a page need not compute each of them on every visit.
_digests: dict[tuple[str, int, str], str] = {}
# Checksums of periods with archived days, by the state of both tiers.
_checksums: dict[tuple[object, ...], tuple[int, str]] = {}
_MAX_DIGESTS = 1_000


@dataclass(frozen=True, slots=True)
class Change:
    """What changed, by whom and when (UTC, without zone); empty and None if it is unknown.

    It `is_unknown` if it only says why nobody can tell now whether anything changed.
    """

    text: str
    made_by: str = ""
    made_at: dt.datetime | None = None
    is_unknown: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the change as in JSON output."""
        return json_row({"text": self.text, "made_by": self.made_by, "made_at": self.made_at})


def of_events(engine: Engine, row: dict[str, Any], now: dt.datetime) -> tuple[Change, ...]:
    """Return the changes after a sign-off without a body, from its stored count and digest."""
    period = Filter.parse_signed(row["query"])
    try:
        tiers.require_whole(engine, Window(row["from_at"], row["to_at"]))
        return _since_counted(engine, row, period, now)
    except UnavailableError as error:
        return (Change(str(error), is_unknown=True),)


def _since_counted(
    engine: Engine, row: dict[str, Any], period: Filter, now: dt.datetime
) -> tuple[Change, ...]:
    more = counts.count(engine, period, now) - row["events"]
    if more:
        return (Change(f"{more:+,} event{'s' * (abs(more) != 1)}"),)
    same = event_digest.digest_of(engine, period, now)[1] == row["digest"]
    return () if same else (Change("events changed"),)


def since(engine: Engine, body: Body, now: dt.datetime) -> tuple[Change, ...]:
    """Return what has changed after the sign-off with *body*, the latest change last."""
    refresh.catch_up(engine, now)
    found = [*_events(engine, body, now), *_decisions(engine, body), *_findings(engine, body, now)]
    known = [change for change in found if change.made_at]
    unknown = [change for change in found if not change.made_at]
    return (*sorted(known, key=lambda change: change.made_at or naive_utc(now)), *unknown)


def findings_of(
    engine: Engine, filter_: Filter, first: dt.date, last: dt.date, now: dt.datetime
) -> tuple[list[Finding], list[str]]:
    """Return the findings dated *first* to *last* that match *filter_*, in order of day.

    The first list has those that were shown or ever decided, the second the ids of the others.
    A finding is about a UTC day, so each belongs to one day whatever the zone of the sign-off.
    """
    days = Filter(
        start=utc_text(dt.datetime.combine(first, dt.time())),
        end=utc_text(dt.datetime.combine(last + dt.timedelta(days=1), dt.time())),
        choices=filter_.choices,
        q=filter_.q,
        tz=filter_.tz,
    )
    queue = queries.queue(engine, days, now, everything=True)
    decided = reviews.decisions_on(engine, [finding.finding_id for finding in queue.findings])
    listed, others = [], []
    for finding in sorted(queue.findings, key=lambda item: (item.day, item.finding_id)):
        ever = finding.state != reviews.OPEN or finding.finding_id in decided
        if ever or finding.finding_id in queue.budget.shown:
            listed.append(finding)
        else:
            others.append(finding.finding_id)
    return listed, others


def _events(engine: Engine, body: Body, now: dt.datetime) -> list[Change]:
    """Return what has changed of the events, or why archived ones cannot be compared now."""
    window = Window(_moment(body["period"]["from"]), _moment(body["period"]["to"]))
    try:
        # Archiving moves events; only those that neither tier has are gone.
        tiers.require_whole(engine, window)
        return _compared(engine, body, window, now)
    except UnavailableError as error:
        return [Change(str(error), is_unknown=True)]


def _compared(engine: Engine, body: Body, window: Window, now: dt.datetime) -> list[Change]:
    period, batch = Filter.parse_signed(body["filter"]["query"]), body["events"]["last_batch"]
    signed_at = _moment(body["signed_at"])
    changes = [
        Change(
            f"{_events_text(row['events'])} arrived late",
            f"batch {row['batch_id']}, {row['loader']}",
            row["arrived_at"],
        )
        for row in event_digest.later(engine, period, now, batch)
    ]
    rows, checksum = _checksum(engine, period, window, now, batch)
    missing = body["events"]["rows"] - rows
    if missing > 0:
        removals = [
            removed
            for removed in seal_status.removals(engine, window)
            if removed.sealed_at > signed_at and removed.removed
        ]
        if removals:
            last = removals[-1]
            why = f"{_events_text(missing)} removed ({last.reason})"
            changes.append(Change(why, last.made_by, last.sealed_at))
        else:
            changes.append(Change(f"{_events_text(missing)} missing"))
    elif missing < 0:
        changes.append(Change(f"{_events_text(-missing)} added to earlier batches"))
    elif _digest(engine, period, now, batch, checksum) != body["events"]["digest"]:
        changes.append(Change("events were edited"))
    return changes


def _checksum(
    engine: Engine, period: Filter, window: Window, now: dt.datetime, batch: int
) -> tuple[int, str]:
    """Return the checksum of the events of *period*, whose window is *window*.

    Where archived days have some of them, it is computed again each hour, and once what is archived
    or the events in the database are others: it reads all records.
    """
    if not (isinstance(engine, Store) and cold_tier.touches(engine, window)):
        return event_digest.checksum(engine, period, now, batch)
    hot = engine.table(
        "select count(*)::varchar || coalesce(max(ingested_at)::varchar, '') as state "
        f"from trail.events where {span(window, 'occurred_at')}"
    )["state"][0].as_py()
    state = (engine.number, *engine.tiers, cold_changes.revision(engine), hot)
    asked = (*state, f"{now:%Y-%m-%d %H}", period.query(), batch)
    if asked not in _checksums:
        if len(_checksums) >= _MAX_DIGESTS:
            _checksums.clear()
        _checksums[asked] = event_digest.checksum(engine, period, now, batch)
    return _checksums[asked]


def _digest(engine: Engine, period: Filter, now: dt.datetime, batch: int, checksum: str) -> str:
    """Return the digest; for the same *checksum* as before, the one computed before."""
    asked = (period.query(), batch, checksum)
    if asked not in _digests:
        if len(_digests) >= _MAX_DIGESTS:
            _digests.clear()
        _digests[asked] = event_digest.digest_of(engine, period, now, batch)[1]
    return _digests[asked]


def _decisions(engine: Engine, body: Body) -> list[Change]:
    signed = {finding["finding_id"]: finding["decisions"] for finding in body["findings"]}
    signed |= {finding_id: [] for finding_id in body["not_shown"]}
    names = {finding["finding_id"]: finding["sentence"] for finding in body["findings"]}
    current = reviews.decisions_on(engine, sorted(signed))
    changes = []
    for finding_id, before in signed.items():
        about = names.get(finding_id, f"finding {finding_id}")
        rows = current.get(finding_id, [])
        counted = Counter(_key(json_row(row)) for row in rows)
        counted.subtract(_key(row) for row in before)
        for row in rows:
            if counted[_key(json_row(row))] > 0:
                counted[_key(json_row(row))] -= 1
                changes.append(_decided(about, row))
        if any(number < 0 for number in counted.values()):
            changes.append(Change(f"a recorded decision was altered or is missing: {about}"))
    return changes


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["decision"], row["note"], row["made_by"], row["made_at"]


def _decided(about: str, row: dict[str, Any]) -> Change:
    what = "reopened" if row["decision"] == reviews.OPEN else f"decided as {row['decision']}"
    note = f" (reason: {row['note']})" if row["note"] else ""
    return Change(f"{what}: {about}{note}", row["made_by"], row["made_at"])


def _findings(engine: Engine, body: Body, now: dt.datetime) -> list[Change]:
    period = Filter.parse_signed(body["filter"]["query"])
    first, last = (dt.date.fromisoformat(body["period"][name]) for name in ("first", "last"))
    known = {finding["finding_id"] for finding in body["findings"]} | {*body["not_shown"]}
    stored = engine.table(
        "select finding_id from findings where day between $first and $last and reasons <> '[]'",
        {"first": first, "last": last},
    )["finding_id"].to_pylist()
    if known.issuperset(stored):
        return []
    listed, _ = findings_of(engine, period, first, last, now)
    return [
        Change(f"a new finding: {finding.actor_id}, {finding.day.isoformat()}")
        for finding in listed
        if finding.finding_id not in known
    ]


def _events_text(number: Any) -> str:
    return f"{number:,} event{'s' * (number != 1)}"


def _moment(text: str) -> dt.datetime:
    return naive_utc(dt.datetime.fromisoformat(text))
