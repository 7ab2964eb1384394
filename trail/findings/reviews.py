"""Decisions of reviewers on findings. They are append-only; the latest one counts."""

import datetime as dt
from typing import Any

from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.findings import evidence_index, expected_activity
from trail.findings.model import Finding, Reason
from trail.storage import ledger
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine

EXPECTED, ACTION, DONE, OPEN = "expected", "needs action", "done", "open"
DECISIONS = (EXPECTED, ACTION, DONE)


def decide(
    store: Store,
    findings: list[Finding],
    decision: str,
    note: str,
    made_by: str,
    own_ids: frozenset[str],
    until: dt.date | None = None,
) -> None:
    """Decide on *findings*: `expected`, `needs action`, `done`, or `open` to reopen them.

    *own_ids* are the reviewer's actor IDs, whose findings are refused. `expected` lowers the score
    of the same activity until *until* (at most 90 days) and needs a *note*, as does a decision on
    several findings. Raises `InputError`.
    """
    if decision not in (*DECISIONS, OPEN):
        raise InputError(
            f"Unknown decision {decision!r}.", f"Allowed: {', '.join((*DECISIONS, OPEN))}."
        )
    if any(finding.actor_id in own_ids for finding in findings):
        raise InputError("You cannot review your own activity.", "Ask another reviewer.")
    if len(findings) > 1 and not note.strip():
        raise InputError(
            f"A decision on {len(findings):,} findings needs a reason.", "Enter a reason."
        )
    if decision == EXPECTED:
        _mark_expected(store, findings, note, made_by, until)

    ids = list(dict.fromkeys(finding.finding_id for finding in findings))
    store.write(lambda cursor: _insert(cursor, ids, decision, note.strip(), made_by))


def _insert(cursor: Cursor, ids: list[str], decision: str, note: str, made_by: str) -> None:
    """Record a decision on each of *ids*; every decision is written here."""
    chosen = "list_contains($ids::varchar[], finding_id)"
    with ledger.changing(cursor, "decisions", chosen, {"ids": ids}):
        cursor.execute(
            "insert into decisions "
            "select unnest($ids::varchar[]), $decision, $note, $by, $now::timestamp",
            {"ids": ids, "decision": decision, "note": note, "by": made_by, "now": utc_now()},
        )
    cursor.execute(
        f"update findings set state = $state where {chosen}", {"state": decision, "ids": ids}
    )
    evidence_index.update(cursor, ids)


def _mark_expected(
    store: Store, findings: list[Finding], note: str, made_by: str, until: dt.date | None
) -> None:
    if not note.strip():
        raise InputError("The reason is missing.", "Enter why it is expected.")
    for finding in findings:
        actions = sorted({name for reason in finding.reasons for name in _expected_actions(reason)})
        if actions:
            longest = finding.day + dt.timedelta(days=expected_activity.MAX_DAYS)
            last = min(until or longest, longest)
            if last > finding.day:
                expected_activity.mark_expected(
                    store, finding.actor_id, actions, finding.day, last, note, made_by
                )


def _expected_actions(reason: Reason) -> tuple[str, ...]:
    # A sequence is identified by its kind, not by its actions.
    what = reason.facts.get("what")
    return (str(what),) if what else reason.actions or ()


def history(engine: Engine, finding_id: str) -> list[dict[str, Any]]:
    """Return decision, note, made_by and made_at of the decisions on a finding, latest first."""
    return list(
        engine.table(
            "select decision, note, made_by, made_at from decisions where finding_id = $id "
            "order by made_at desc",
            {"id": finding_id},
        ).to_pylist()
    )


def decisions_on(engine: Engine, finding_ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the decisions by finding, oldest first: decision, note, made_by, made_at (UTC)."""
    decisions: dict[str, list[dict[str, Any]]] = {}
    for row in engine.table(
        "select finding_id, decision, note, made_by, made_at from decisions "
        "where list_contains($ids, finding_id) order by made_at, decision",
        {"ids": finding_ids},
    ).to_pylist():
        decisions.setdefault(row.pop("finding_id"), []).append(row)
    return decisions
