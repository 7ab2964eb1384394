"""Decisions of reviewers on findings, and sign-offs of periods.

Both are append-only. A sign-off contains a digest of the events it covers; a later event of the
period marks it as reopened.
"""

import datetime as dt
import hashlib
import html
from dataclasses import dataclass
from typing import Any

from trail.core.clock import utc_now, utc_text
from trail.core.errors import InputError
from trail.events import counts
from trail.findings import expected_activity
from trail.findings.model import Finding, Reason
from trail.storage.database import Cursor, Engine, Store
from trail.storage.filters import Filter, Window
from trail.storage.where import select

EXPECTED, ACTION, DONE, OPEN = "expected", "needs action", "done", "open"
DECISIONS = (EXPECTED, ACTION, DONE)
DIGEST_IS_OVER = (
    "for each event by time and id: id, LF, microseconds since 1970, LF, "
    "SHA-256 of its record in hex, LF"
)
_BATCH = 50_000


@dataclass(frozen=True, slots=True)
class Signoff:
    """A signed period (UTC, end exclusive), what it covered, and what it covers now."""

    signoff_id: int
    from_at: dt.datetime
    to_at: dt.datetime
    query: str
    events: int
    digest: str
    findings: int
    undecided: int
    reason: str
    signed_by: str
    signed_at: dt.datetime
    events_now: int
    digest_now: str

    @property
    def reopened(self) -> str:
        """Return why the period needs another review, or an empty string."""
        more = self.events_now - self.events
        if more:
            return f"reopened: {more:+,} event{'' if abs(more) == 1 else 's'}"
        return "" if self.digest_now == self.digest else "reopened: events changed"


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

    def write(cursor: Cursor) -> None:
        for finding in findings:
            cursor.execute(
                "insert into decisions values ($id, $decision, $note, $by, $now)",
                {
                    "id": finding.finding_id,
                    "decision": decision,
                    "note": note.strip(),
                    "by": made_by,
                    "now": utc_now(),
                },
            )
            cursor.execute(
                "update findings set state = $state where finding_id = $id",
                {"state": decision, "id": finding.finding_id},
            )

    store.write(write)


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


def sign(
    store: Store,
    filter_: Filter,
    now: dt.datetime,
    findings: list[Finding],
    reason: str,
    signed_by: str,
    own_ids: frozenset[str],
) -> int:
    """Sign off the window of *filter_* with its *findings*; return the number of the sign-off.

    Raises `InputError` for a window without start, for undecided findings without a *reason*, and
    if all findings are the signer's own activity.
    """
    window = filter_.window(now)
    if window.start is None:
        raise InputError("The period has no start.", "Choose a range.")
    end = min(window.end or now.replace(tzinfo=None), now.replace(tzinfo=None))
    period = _with_fixed_range(filter_, window.start, end)
    undecided = sum(finding.state == OPEN for finding in findings)
    if undecided and not reason.strip():
        raise InputError(
            f"{undecided:,} finding{' is' if undecided == 1 else 's are'} undecided.",
            "Decide on them, or enter a reason for signing off.",
        )
    own = [finding for finding in findings if finding.actor_id in own_ids]
    if own and len(own) == len(findings):
        raise InputError(
            "You cannot sign off a period in which all findings are your own activity.",
            "Ask another reviewer.",
        )
    events, digest = digest_of(store, period, now)
    query = period.query()

    def write(cursor: Cursor) -> int:
        rows = cursor.execute(
            "insert into signoffs select coalesce(max(signoff_id), 0) + 1, $start, $end, $query, "
            "$events, $digest, $findings, $undecided, $reason, $by, $now from signoffs "
            "returning signoff_id",
            {
                "start": window.start,
                "end": end,
                "query": query,
                "events": events,
                "digest": digest,
                "findings": len(findings),
                "undecided": undecided,
                "reason": reason.strip(),
                "by": signed_by,
                "now": utc_now(),
            },
        ).fetchall()
        return int(rows[0][0])

    return store.write(write)


def _with_fixed_range(filter_: Filter, start: dt.datetime, end: dt.datetime) -> Filter:
    return Filter(
        start=utc_text(start),
        end=utc_text(end),
        choices=filter_.choices,
        q=filter_.q,
        tz=filter_.tz,
    )


def digest_of(engine: Engine, filter_: Filter, now: dt.datetime) -> tuple[int, str]:
    """Return the number of events of *filter_* and a SHA-256 over them, see `DIGEST_IS_OVER`."""
    selection = select(engine, filter_, now)
    digest, total = hashlib.sha256(), 0
    with engine.reading() as reading:
        for batch in reading.batches(
            "select e.event_id || chr(10) || epoch_us(e.occurred_at) || chr(10) || sha256(e.raw) "
            f"|| chr(10) as line from events e where {selection.timed()} "
            "order by e.occurred_at, e.event_id",
            selection.params,
            _BATCH,
        ):
            total += batch.num_rows
            digest.update("".join(batch.column(0).to_pylist()).encode())
    return total, digest.hexdigest()


def signoffs(engine: Engine, now: dt.datetime, window: Window | None = None) -> list[Signoff]:
    """Return the sign-offs of periods that overlap *window* (default: all), latest first."""
    window = window or Window()
    rows = engine.table(
        "select * from signoffs where ($start is null or to_at > $start) "
        "and ($end is null or from_at < $end) order by signoff_id desc",
        {"start": window.start, "end": window.end},
    ).to_pylist()
    return [_with_current_state(engine, row, now) for row in rows]


def _with_current_state(engine: Engine, row: dict[str, Any], now: dt.datetime) -> Signoff:
    period = Filter.parse(row["query"])
    count = counts.count(engine, period, now)
    # The digest is needed only where the number is the same.
    digest = digest_of(engine, period, now)[1] if count == row["events"] else ""
    return Signoff(**row, events_now=count, digest_now=digest)


def certificate(signed: Signoff, decisions: list[dict[str, Any]], workspace: str) -> dict[str, Any]:
    """Return the certificate of a sign-off, with the description of its digest."""
    return {
        "document": "Sign-off of an audit trail period",
        "workspace": workspace,
        "number": signed.signoff_id,
        "from": utc_text(signed.from_at),
        "to": utc_text(signed.to_at),
        "filter": signed.query,
        "events": signed.events,
        "digest": f"sha256:{signed.digest}",
        "digest_is_over": DIGEST_IS_OVER,
        "findings": signed.findings,
        "undecided": signed.undecided,
        "reason": signed.reason,
        "signed_by": signed.signed_by,
        "signed_at": utc_text(signed.signed_at),
        "state": signed.reopened or "as signed",
        "decisions": [{**row, "made_at": utc_text(row["made_at"])} for row in decisions],
    }


def as_page(document: dict[str, Any]) -> str:
    """Return a certificate as a self-contained HTML page for printing."""
    rows = "".join(
        f"<tr><th>{html.escape(name.replace('_', ' ').capitalize())}</th>"
        f"<td>{html.escape(str(value))}</td></tr>"
        for name, value in document.items()
        if name not in ("document", "decisions")
    )
    decisions = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(value))}</td>" for value in row.values()) + "</tr>"
        for row in document["decisions"]
    )
    title = html.escape(str(document["document"]))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        "<style>body{font:14px/1.5 sans-serif;max-width:46rem;margin:3rem auto;color:#1a2029}"
        "th{text-align:left;padding-right:1.5rem;vertical-align:top;font-weight:600}"
        "td{overflow-wrap:anywhere}table{border-spacing:0 .3rem}</style>"
        f"<h1>{title}</h1><table>{rows}</table><h2>Decisions</h2><table>{decisions}</table></html>"
    )


def decisions_of(engine: Engine, findings: list[Finding]) -> list[dict[str, Any]]:
    """Return the latest decision on each of *findings*, with finding_id."""
    return list(
        engine.table(
            "select finding_id, decision, note, made_by, made_at from decisions "
            "where list_contains($ids, finding_id) "
            "qualify row_number() over (partition by finding_id order by made_at desc) = 1 "
            "order by made_at",
            {"ids": [finding.finding_id for finding in findings]},
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
