"""What the page, the command and the API ask of the findings. Reads only; `refresh` comes first.

Times are UTC without a zone; days are UTC days.
"""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trail.filters import Filter, Window
from trail.findings import budget, standing
from trail.findings.budget import Judged, Scored
from trail.findings.evidence import event_ids, evidence, narrowed
from trail.findings.model import Finding, Reason
from trail.store import Engine, Params

__all__ = [
    "Queue", "activity", "event_ids", "evidence", "expected_and_seen", "judge", "one", "peers",
    "queue",
]  # fmt: skip

_COLUMNS = "finding_id, day, actor_id, actor_type, score, reasons, state, risk_version"


@dataclass(frozen=True, slots=True)
class Queue:
    """Findings, the highest score first; what the budget did; how many the window has in all."""

    findings: list[Finding]
    judged: Judged
    scored: int


def queue(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    *,
    a_day: float = budget.DEFAULT_A_DAY,
    everything: bool = False,
) -> Queue:
    """Return the findings of *filter_* that *a_day* findings a day let through at *now* (aware).

    The budget is the workspace's: it is spent before the filter narrows. With *everything* all
    scored ones. A finding is chosen when its day overlaps the filter's window and one of its
    evidence events matches the rest of the filter. `scored` counts all of the window.
    """
    judged = judge(engine, now, a_day=a_day)
    where = _days_of(filter_.window(now))
    scored = engine.table(f"select count(*) as n from findings where {where}")["n"][0].as_py()
    params: Params = {}
    if not everything:
        where += " and finding_id in (select unnest($shown))"
        params = {"shown": sorted(judged.shown)}
    order = "day, score desc" if filter_.sort == "oldest" else "score desc, day desc"
    rows = engine.table(
        f"select {_COLUMNS} from findings where {where} order by {order}, actor_id", params
    ).to_pylist()
    return Queue(narrowed(engine, filter_, now, [_finding(row) for row in rows]), judged, scored)


def judge(engine: Engine, now: dt.datetime, *, a_day: float = budget.DEFAULT_A_DAY) -> Judged:
    """Return what the budget lets through of all that is kept, day by day up to *now* (aware)."""
    rows = engine.table("select finding_id, day, actor_id, score from findings").to_pylist()
    until = now.astimezone(dt.UTC).date()
    return budget.judge([Scored(**row) for row in rows], standing.opened(engine), until, a_day)


def one(engine: Engine, finding_id: str) -> Finding | None:
    """Return the finding with that id, or None."""
    found = engine.table(
        f"select {_COLUMNS} from findings where finding_id = $id", {"id": finding_id}
    ).to_pylist()
    return _finding(found[0]) if found else None


def activity(engine: Engine, actor_id: str, now: dt.datetime, days: int = 90) -> pa.Table:
    """Return one row for each day of an actor with `day, events, targets, risk`, gaps left out.

    Up to the day of *now* (aware); without checks and what the system notices by itself. `risk` is
    the catalogue's largest of the day.
    """
    until = now.astimezone(dt.UTC).date()
    return engine.table(
        "select d.day, sum(d.n)::bigint as events, sum(d.targets)::bigint as targets, "
        "max(a.risk)::integer as risk from daily_actions d join actions a using (action_key) "
        "join actors p using (actor_key) where p.actor_id = $actor "
        f"and d.day > date '{until}' - {int(days)} and d.day <= date '{until}' "
        "group by d.day order by d.day",
        {"actor": actor_id},
    )


def expected_and_seen(engine: Engine, finding: Finding) -> list[dict[str, Any]]:
    """Return each action of the finding's day against the actor's earlier days, riskiest first.

    Each has action, risk, seen (events that day), days (earlier active days with the action), of
    (earlier active days) and expected (events on an average earlier active day).
    """
    return list(
        engine.table(
            "with mine as (select d.day, a.action, max(a.risk)::integer as risk, "
            "sum(d.n)::bigint as n from daily_actions d join actions a using (action_key) "
            "join actors p using (actor_key) where p.actor_id = $actor and d.day <= $day "
            "group by d.day, a.action), "
            "before as (select count(distinct day) as days from mine where day < $day) "
            "select t.action, t.risk, t.n as seen, count(m.day) as days, any_value(b.days) as of, "
            "round(coalesce(sum(m.n), 0) / greatest(any_value(b.days), 1), 2) as expected "
            "from mine t cross join before b left join mine m on m.action = t.action "
            "and m.day < t.day where t.day = $day group by t.action, t.risk, t.n "
            "order by t.risk desc, t.n desc, t.action",
            {"actor": finding.actor_id, "day": finding.day},
        ).to_pylist()
    )


def peers(engine: Engine, finding: Finding, rows: int = 10) -> dict[str, Any]:
    """Return who else did the finding's actions in the 28 days up to its day, most first.

    `actions` are those of its reasons; `others` has actor_id, actor_name, actor_type, days and
    events of *rows* of them; `doing` counts them all, `active` all who did anything in these days.
    """
    actions = sorted({name for reason in finding.reasons for name in reason.actions or ()})
    params: Params = {"actor": finding.actor_id, "day": finding.day, "actions": actions}
    near = (
        "from daily_actions d join actions a using (action_key) join actors p using (actor_key) "
        "where p.actor_id <> $actor and d.day <= $day and d.day > $day - 28"
    )
    others = engine.table(
        "select p.actor_id, any_value(p.actor_name) as actor_name, "
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
    conditions = ["reasons <> '[]'"]  # without words, only the thresholds remember them
    if window.start:
        conditions.append(f"day >= date '{window.start.date()}'")
    if window.end:
        last = (window.end - dt.timedelta(microseconds=1)).date()
        conditions.append(f"day <= date '{last}'")
    return " and ".join(conditions)


def _finding(row: dict[str, Any]) -> Finding:
    reasons = tuple(
        Reason(
            each["detector"],
            each["points"],
            each["text"],
            each["facts"],
            tuple(each["actions"]) if each["actions"] else None,
            dt.datetime.fromisoformat(each["since"]) if each["since"] else None,
            dt.datetime.fromisoformat(each["upto"]) if each["upto"] else None,
        )
        for each in json.loads(row["reasons"])
    )
    return Finding(**{**row, "reasons": reasons})
