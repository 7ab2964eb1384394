"""Queries over findings for pages, commands and the API. They bring findings up to date first.

Times are UTC without a zone; days are UTC days.
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from trail.events import actor_names
from trail.findings import budget, daily, reviews, severity, watermark
from trail.findings.budget import BudgetResult, Scored
from trail.findings.evidence import event_ids, evidence, with_matching_evidence
from trail.findings.model import Finding, Reason
from trail.findings.refresh import catch_up
from trail.findings.title import title
from trail.findings.usual_days import expected_and_seen
from trail.storage.duckdb import Store
from trail.storage.engine import Engine, Params
from trail.storage.filters import Filter, Window

__all__ = [
    "Queue", "apply_budget", "event_ids", "evidence", "expected_and_seen", "get",
    "peers", "queue", "records", "title", "titles",
]  # fmt: skip

_COLUMNS = "finding_id, day, actor_id, actor_type, score, reasons, state, risk_version"


@dataclass(frozen=True, slots=True)
class Queue:
    """Findings, severe ones and then the highest score first, the budget result, the number scored.

    `scored` counts all of the window.
    """

    findings: list[Finding]
    budget: BudgetResult
    scored: int

    @property
    def undecided(self) -> list[Finding]:
        """Return those that are to be reviewed."""
        return [finding for finding in self.findings if finding.state == reviews.OPEN]


def queue(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    *,
    per_day: float = budget.DEFAULT_PER_DAY,
    everything: bool = False,
) -> Queue:
    """Return the findings that match *filter_* within a budget of *per_day* a day at *now* (aware).

    The budget applies to the workspace, before the filter. *everything* ignores the budget. A
    finding matches when its day overlaps the filter's window and one of its events matches the rest
    of the filter. `scored` counts all findings in the window.
    """
    result = apply_budget(engine, now, per_day=per_day)
    where = _days_of(filter_.window(now))
    scored = engine.table(f"select count(*) as n from findings where {where}")["n"][0].as_py()
    params: Params = {}
    if not everything:
        where += " and finding_id in (select unnest($shown))"
        params = {"shown": sorted(result.shown)}
    severe = severity.severe_sql()
    order = f"day, {severe} desc, score desc"
    if filter_.sort != "oldest":
        order = f"{severe} desc, score desc, day desc"
    rows = engine.table(
        f"select {_COLUMNS} from findings where {where} order by {order}, actor_id", params
    ).to_pylist()
    findings = [_finding(row) for row in rows]
    return Queue(with_matching_evidence(engine, filter_, now, findings), result, scored)


def apply_budget(
    engine: Engine, now: dt.datetime, *, per_day: float = budget.DEFAULT_PER_DAY
) -> BudgetResult:
    """Return which of all stored findings the budget shows, day by day up to *now* (aware)."""
    catch_up(engine, now)
    until = now.astimezone(dt.UTC).date()

    def decide() -> BudgetResult:
        rows = engine.table(budget.scored_sql()).to_pylist()
        scored = [Scored(**row) for row in rows]
        return budget.apply_budget(scored, watermark.opened(engine), until, per_day)

    if isinstance(engine, Store):
        return engine.shared(("findings budget", until, per_day), decide, budget.size)
    return decide()


def get(engine: Engine, finding_id: str) -> Finding | None:
    """Return the finding with that id, or None."""
    rows = engine.table(
        f"select {_COLUMNS} from findings where finding_id = $id", {"id": finding_id}
    ).to_pylist()
    return _finding(rows[0]) if rows else None


def finding_of(engine: Engine, event: Mapping[str, Any]) -> Finding | None:
    """Return the finding that *event* is evidence of, as of the last refresh, or None."""
    rows = engine.table(
        f"select {_COLUMNS} from findings where actor_id = $actor and day = $day "
        "and reasons <> '[]'",
        {"actor": event["actor_id"], "day": event["occurred_at"].date()},
    ).to_pylist()
    for finding, ids in event_ids(engine, map(_finding, rows)):
        if event["event_id"] in ids:
            return finding
    return None


def records(
    engine: Engine, findings: Sequence[Finding], zone: ZoneInfo, now: dt.datetime
) -> Iterator[dict[str, Any]]:
    """Yield *findings* as commands, routes and alerts give them.

    Adds the display name `actor`, the `title`, and the `tz` that the texts are in, which is *zone*.
    """
    names = actor_names.display_names(engine, [finding.actor_id for finding in findings])
    for finding, ids in event_ids(engine, findings):
        actor = names[finding.actor_id]
        yield {
            **finding.to_dict(ids, zone, now),
            "actor": actor,
            "title": title(finding, actor, zone, now),
            "tz": zone.key,
        }


def titles(
    engine: Engine,
    findings: Sequence[Finding],
    zone: ZoneInfo,
    now: dt.datetime | None,
    *,
    weekdays: bool = False,
) -> dict[str, str]:
    """Return the title of each of *findings* by its id; see `title`."""
    names = actor_names.display_names(engine, [finding.actor_id for finding in findings])
    return {
        finding.finding_id: title(finding, names[finding.actor_id], zone, now, weekdays=weekdays)
        for finding in findings
    }


def peers(engine: Engine, finding: Finding, rows: int = 10) -> dict[str, Any]:
    """Return the other actors with the finding's actions in the 28 days up to its day.

    `actions` are those of its reasons; `others` has actor_id, actor, actor_type, days and
    events of the *rows* most active; `doing` counts all of them, `active` all active actors.
    Archived days count if *engine* reads them.
    """
    actions = sorted({name for reason in finding.reasons for name in reason.actions or ()})
    params: Params = {"actor": finding.actor_id, "day": finding.day, "actions": actions}
    last_days = "hour >= $day - interval 27 day and hour < $day + interval 1 day"
    days = daily.COUNTED.format(where=last_days)
    near = (
        f"from ({days}) d join actions a using (action_key) join actors p using (actor_key) "
        "where p.actor_id <> $actor"
    )
    others = engine.table(
        f"select p.actor_id, any_value({actor_names.DISPLAY_P}) as actor, "
        "any_value(p.actor_type) as actor_type, count(distinct d.day) as days, "
        "sum(d.n)::bigint as events, count(*) over () as doing "
        f"{near} and list_contains($actions, a.action) "
        f"group by p.actor_id order by events desc, p.actor_id limit {int(rows)}",
        params,
    ).to_pylist()
    active = engine.table(
        f"select count(distinct d.actor_key) as n {near}",
        {"actor": finding.actor_id, "day": finding.day},
    )["n"][0].as_py()
    doing = others[0].pop("doing") if others else 0
    return {"actions": actions, "others": others, "doing": doing, "active": active}


def _days_of(window: Window) -> str:
    """Return the condition that the column `day` overlaps *window*."""
    conditions = ["reasons <> '[]'"]  # kept for thresholds only
    if window.start:
        conditions.append(f"day >= date '{window.start.date()}'")
    if window.end:
        last = (window.end - dt.timedelta(microseconds=1)).date()
        conditions.append(f"day <= date '{last}'")
    return " and ".join(conditions)


def _finding(row: dict[str, Any]) -> Finding:
    reasons = tuple(
        Reason(
            reason["detector"],
            reason["points"],
            reason["text"],
            reason["facts"],
            tuple(reason["actions"]) if reason["actions"] else None,
            dt.datetime.fromisoformat(reason["since"]) if reason["since"] else None,
            dt.datetime.fromisoformat(reason["upto"]) if reason["upto"] else None,
            reason.get("headline", ""),  # stored by an earlier version without it
        )
        for reason in json.loads(row["reasons"])
    )
    return Finding(**{**row, "reasons": reasons})
