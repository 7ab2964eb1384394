"""A shorter retention period than the last one applied: what nobody has reviewed expires early.

The run waits until these findings and incidents are reviewed or on legal hold, or until an owner
confirms them. Those whose events are archived stay: incidents for as long as their events, findings
for `review_days`. The last applied period is a mark in the database.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from trail.core.errors import TrailError
from trail.core.settings import Settings
from trail.core.text import count
from trail.findings import queries, reviews
from trail.findings.model import Finding
from trail.incidents import queries as failures
from trail.incidents.incident import Incident
from trail.retention import legal_holds
from trail.storage import cursors
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import Filter

_MARK = "retention days"


class UnreviewedError(TrailError):
    """A shorter retention period would remove events of unreviewed findings and incidents."""


@dataclass(frozen=True, slots=True)
class Unreviewed:
    """What expires because the period became shorter: from *before* to *after* days."""

    before: int
    after: int
    findings: tuple[Finding, ...] = ()
    incidents: tuple[Incident, ...] = ()

    @property
    def count(self) -> int:
        """Return how many findings and incidents there are."""
        return len(self.findings) + len(self.incidents)

    def lines(self) -> list[str]:
        """Return each finding and incident in one line, oldest first."""
        rows = [(row.day, f"finding: {row.actor_id}, {row.score} points") for row in self.findings]
        rows += [
            (row.first_at.date(), f"incident: {row.action}, {row.target_name or row.target_id}")
            for row in self.incidents
        ]
        return [f"{day} {text}" for day, text in sorted(rows)]

    def error(self) -> UnreviewedError:
        """Return the error that stops the run."""
        counts = {"open finding": self.findings, "unreviewed incident": self.incidents}
        listed = " and ".join(count(len(rows), noun) for noun, rows in counts.items() if rows)
        return UnreviewedError(
            f"The retention period was shortened from {self.before} to {self.after} days: "
            f"{listed} would expire.",
            "Review or hold them, or confirm under Admin, Retention, or with "
            f"python -m trail retain --confirm-unreviewed {self.count}.",
        )


def unreviewed(engine: Engine, settings: Settings, now: dt.datetime) -> Unreviewed | None:
    """Return what the period removes at *now* (UTC, without zone) and the last one kept.

    None if the period is no shorter than the last one applied. Findings are those within the review
    budget that are open or need action; incidents those that the Failures page shows, which are
    never marked as reviewed. Neither counts if all its events are on legal hold.
    """
    days, before = settings.store.retention_days, _last_applied(engine)
    if before is None or days >= before:
        return None
    today = dt.datetime.combine(now.date(), dt.time())
    start, end = today - dt.timedelta(days=before), today - dt.timedelta(days=days)
    aware = now.replace(tzinfo=dt.UTC)
    window = Filter(start=start.isoformat(), end=end.isoformat())
    incidents: list[Incident] = []
    if readable := settings.store.readable_days:
        oldest = today - dt.timedelta(days=readable)
        incidents = [
            incident
            for incident in failures.incidents(engine, window, aware, fold=True)
            if incident.last_at < oldest and _any_free(engine, _attempts(engine, incident))
        ]
    kept = now.date() - dt.timedelta(days=settings.store.review_days)
    findings = tuple(one for one in _findings(engine, window, aware) if one.day < kept)
    return Unreviewed(before, days, findings, tuple(incidents))


def require_reviewed(engine: Engine, settings: Settings, now: dt.datetime) -> None:
    """Raise `UnreviewedError` if the period removes anything unreviewed at *now*."""
    found = unreviewed(engine, settings, now)
    if found and found.count:
        raise found.error()


def note_applied(cursor: Cursor, days: int) -> None:
    """Note that a period of *days* is applied, or that an owner confirmed it."""
    cursors.put(cursor, _MARK, str(days))


def confirm(store: Store, shown: Unreviewed) -> None:
    """Note that an owner confirmed the period, having seen *shown*."""
    store.write(lambda cursor: note_applied(cursor, shown.after))


def _last_applied(engine: Engine) -> int | None:
    """Return the last applied period in days; earlier releases noted its cutoff only."""
    if mark := cursors.get(engine, _MARK):
        return int(mark)
    rows = engine.table(
        "select purged_at::date - cutoff::date as days from purges order by purged_at desc limit 1"
    ).to_pylist()
    return int(rows[0]["days"]) if rows else None


def _findings(engine: Engine, window: Filter, now: dt.datetime) -> list[Finding]:
    shown = queries.apply_budget(engine, now).shown
    waiting = [
        finding
        for finding in queries.queue(engine, window, now, everything=True).findings
        if finding.finding_id in shown and finding.state in (reviews.OPEN, reviews.ACTION)
    ]
    return [
        finding
        for finding, ids in queries.event_ids(engine, waiting)
        if _any_free(engine, list(ids))
    ]


def _attempts(engine: Engine, incident: Incident) -> list[str]:
    rows: list[dict[str, Any]] = failures.attempts(engine, incident, rows=10_000)
    return [row["event_id"] for row in rows]


def _any_free(engine: Engine, event_ids: list[str]) -> bool:
    """Return whether any of the events is not on legal hold."""
    table = engine.table(
        "select 1 from events e where list_contains($ids, e.event_id) "
        f"and not {legal_holds.condition()} limit 1",
        {"ids": event_ids},
    )
    return bool(table.num_rows)
