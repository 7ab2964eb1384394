"""Jobs that keep what is there: retention, findings and their alerts, seals, a backup a day."""

import datetime as dt
import threading
from collections.abc import Callable

from trail.backup import daily, making
from trail.core.clock import utc_now
from trail.core.errors import IntegrityError
from trail.findings import queries as unusual
from trail.findings.refresh import refresh
from trail.incidents.incident_json import records
from trail.integrity import seal_status, sealing, verification
from trail.notifications import evaluate
from trail.retention import policy
from trail.runtime.job import Job, Work
from trail.storage.filters import Filter

# Alerts are evaluated repeatedly over this period; each match is reported once.
_RECENT = "3d"
_TIDY_S = 3600.0
# Whoever has just started it with old events can see what would go before it goes.
_BEFORE_TIDYING_S = 600.0
_JUDGE_S = 300.0
_SEAL_S = 3600.0
_BEFORE_SEALING_S = 120.0
_BACKUP_S = 3600.0
_VERIFY_EVERY = dt.timedelta(hours=24)


def jobs(work: Work, verify: threading.Event) -> list[Job]:
    """Return the jobs; *verify* is set to have the seals verified, and cleared when they are."""
    result = [
        Job.of("retention", "Retention", _TIDY_S, _retain(work), _BEFORE_TIDYING_S),
        Job.of("findings", "Unusual changes", _JUDGE_S, _judge(work)),
        Job.of("seals", "Seals", _SEAL_S, _seal(work, verify), _BEFORE_SEALING_S),
    ]
    if work.settings.backup.path:
        result.append(
            Job.of("backup", "Daily backup", _BACKUP_S, _back_up(work), _BEFORE_SEALING_S)
        )
    return result


def _retain(work: Work) -> Callable[[Job], str]:
    tidied: dt.date | None = None

    def run(_: Job) -> str:
        nonlocal tidied
        now = utc_now()
        if not work.is_real():
            return "No database yet"
        if tidied == now.date():
            return "Done for today"
        done = policy.retain(work.shown(), work.settings, now)
        tidied = now.date()
        return f"{done.events:,} removed, {done.archived:,} archived, {done.held:,} held"

    return run


def _judge(work: Work) -> Callable[[Job], str]:
    def run(_: Job) -> str:
        # So that readers of findings wait only for what is new since the last run.
        done = refresh(work.shown(), utc_now())
        _offer(work)
        return f"{done.folded:,} days recounted" if done.folded else "Nothing new"

    return run


def _offer(work: Work) -> None:
    """Evaluate the alert rules on the findings shown and the open incidents of the last days."""
    store, now = work.shown(), dt.datetime.now(dt.UTC)
    recent = Filter(start=_RECENT)
    result = unusual.queue(store, recent, now)
    rows = {
        "findings": [
            finding.to_dict(ids) for finding, ids in unusual.event_ids(store, result.findings)
        ],
        "incidents": list(records(store, recent, now)),
    }
    for kind, records_ in rows.items():
        store.write(
            lambda cursor, kind=kind, records_=records_: evaluate.evaluate_rows(  # type: ignore[misc]
                cursor, kind, records_, utc_now()
            )
        )


def _seal(work: Work, verify: threading.Event) -> Callable[[Job], str]:
    def run(job: Job) -> str:
        try:
            if not work.is_real():
                return "No database yet"
            _verify_seals(work, job, asked=verify.is_set())
        finally:
            verify.clear()
        store = work.shown()
        sealed = sealing.seal(store, work.settings, utc_now())
        last = seal_status.status(store)
        if last.problem_count:
            raise IntegrityError(
                f"Verify found {last.problem_count:,} problems.", "Run: python -m trail verify"
            )
        return f"{sealed:,} days sealed, {last.checked_days:,} verified"

    return run


def _verify_seals(work: Work, job: Job, *, asked: bool) -> None:
    """Verify where that was asked for, or the last time is long ago."""
    store = work.shown()
    last = seal_status.status(store)
    # A verification before anything was sealed does not count.
    lately = last.ok is not None and last.verified_at and utc_now() - last.verified_at
    if lately and lately < _VERIFY_EVERY and not asked:
        return

    def progress(share: float) -> None:
        job.health.share = share

    seal_status.store_report(store, verification.verify(store, work.settings, progress=progress))


def _back_up(work: Work) -> Callable[[Job], str]:
    def run(_: Job) -> str:
        if not work.is_real():
            return "No database yet"
        path = daily.due(work.settings, utc_now())
        if path is None:
            return "Done for today"
        made = daily.make(work.shown(), work.settings, path)
        making.log(made, "schedule")
        return f"{made.manifest.events:,} events, {made.bytes:,} bytes"

    return run
