"""Maintenance jobs: retention, findings and their alerts, seals, removed users, daily backup."""

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any, Literal

from trail.access_log import log
from trail.accounts import oidc
from trail.accounts.preferences import Preferences
from trail.accounts.users import Users
from trail.backup import daily, making
from trail.core.clock import utc_now
from trail.core.errors import IntegrityError, UnavailableError
from trail.findings import queries as unusual
from trail.findings.refresh import refresh
from trail.incidents.incident_json import records
from trail.integrity import seal_status, sealing, verification
from trail.notifications import evaluate, rule_store
from trail.retention import adoption, archive, expiry, policy
from trail.runtime import digest_job, export_job
from trail.runtime.job import Job, JobContext
from trail.storage import cold_changes, cube, search_backfill, tiers
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.triage import records as triage
from trail.views import former_owners

# Alerts are evaluated repeatedly over this period; each match is reported once.
_ALERT_PERIOD = "3d"
_RETENTION_EVERY_S = 3600.0
# After a first start with old events, leaves time to read what retention would remove.
_RETENTION_DELAY_S = 600.0
_FINDINGS_EVERY_S = 300.0
_SEAL_EVERY_S = 3600.0
_COMPACT_EVERY_S = 3600.0
_SEARCH_EVERY_S = 3600.0
_SEAL_DELAY_S = 120.0
_BACKUP_EVERY_S = 3600.0
_PREFERENCES_EVERY_S = 300.0
_VERIFY_EVERY = dt.timedelta(hours=24)


def jobs(context: JobContext, verify: threading.Event) -> list[Job]:
    """Return the jobs. Set *verify* to request a verification of the seals; the job clears it."""
    result = [
        Job.of("retention", "Retention", _RETENTION_EVERY_S, _retain(context), _RETENTION_DELAY_S),
        Job.of("archive", "Archived days", _RETENTION_EVERY_S, _adopt(context)),
        Job.of("findings", "Unusual changes", _FINDINGS_EVERY_S, _refresh_findings(context)),
        Job.of(
            "counts", "Hourly counts", _COMPACT_EVERY_S, _compact_counts(context), _SEAL_DELAY_S
        ),
        Job.of("search", "Search text", _SEARCH_EVERY_S, _fill_search_text(context)),
        Job.of("seals", "Seals", _SEAL_EVERY_S, _seal(context, verify), _SEAL_DELAY_S),
        export_job.job(context),
        digest_job.job(context),
        Job.of("preferences", "Preferences", _PREFERENCES_EVERY_S, _prune_preferences(context)),
    ]
    if context.settings.backup.path:
        result.append(
            Job.of("backup", "Daily backup", _BACKUP_EVERY_S, _back_up(context), _SEAL_DELAY_S)
        )
    return result


def _retain(context: JobContext) -> Callable[[Job], str]:
    retained: tuple[object, ...] | None = None

    def run(_: Job) -> str:
        nonlocal retained
        settings, now = context.settings, utc_now()
        store_settings = settings.store
        due = (
            now.date(),
            *(store_settings.retention_days, store_settings.archive, store_settings.archive_days),
        )
        # What arrives for days that are archived joins them within the hour.
        is_late = store_settings.archive and context.is_real()
        is_late = is_late and archive.has_late(context.shown(), store_settings.cutoff(now))
        if retained == due and not is_late:
            return "Done for today"
        if not context.is_real():  # the archive is that of the workspace's own events
            store = settings.store.model_copy(update={"archive": False})
            settings = settings.model_copy(update={"store": store})
        result = policy.retain(context.shown(), settings, now)
        retained = due
        expired = result.expired.events
        return f"{result.events:,} removed, {result.archived:,} archived, {result.held:,} held" + (
            f", {expired:,} removed from the archive" if expired else ""
        )

    return run


def _adopt(context: JobContext) -> Callable[[Job], str]:
    def run(_: Job) -> str:
        if not context.is_real():
            return "No database yet"
        expiry.delete_files(context.shown())
        found = adoption.adopt(context.shown(), context.settings)
        text = f"{found:,} events found in the archive" if found else "Nothing new"
        waiting = cold_changes.unstated(context.shown())
        return f"{text}, {len(waiting):,} manifests cannot be written" if waiting else text

    return run


def _refresh_findings(context: JobContext) -> Callable[[Job], str]:
    def run(_: Job) -> str:
        # So that pages wait only for findings that are new since the last run.
        result = refresh(context.shown(), utc_now())
        evaluate_alerts(context.shown(), utc_now())
        return f"{result.folded:,} days recounted" if result.folded else "Nothing new"

    return run


def _compact_counts(context: JobContext) -> Callable[[Job], str]:
    def run(_: Job) -> str:
        return f"{context.shown().write(cube.compact):,} rows merged"

    return run


def evaluate_alerts(store: Store, now: dt.datetime) -> None:
    """Evaluate the rules on findings and open incidents of the days before *now* (naive UTC).

    What is muted is left out: it is new to the rules once its mute has ended. Rows are those of
    both tiers, as on pages; of the database alone while the archive cannot be read, since an alert
    must not be lost.
    """
    kinds = {rule.kind for rule in rule_store.list_all(store) if rule.active}
    for kind, rows_of in (("findings", _finding_rows), ("incidents", _incident_rows)):
        if kind not in kinds:
            continue
        try:
            listed = rows_of(tiers.both(store), now)
        except UnavailableError:
            listed = rows_of(store, now)
        rows = _without_muted(store, kind, listed, now)
        store.write(
            lambda cursor, kind=kind, rows=rows: evaluate.evaluate_rows(  # type: ignore[misc]
                cursor, kind, rows, now
            )
        )


def _finding_rows(store: Store, now: dt.datetime) -> list[dict[str, Any]]:
    recent, moment = Filter(start=_ALERT_PERIOD), now.replace(tzinfo=dt.UTC)
    result = unusual.queue(store, recent, moment)
    return list(unusual.records(store, result.findings, recent.zone, moment))


def _incident_rows(store: Store, now: dt.datetime) -> list[dict[str, Any]]:
    return list(records(store, Filter(start=_ALERT_PERIOD), now.replace(tzinfo=dt.UTC)))


def _without_muted(
    store: Store, rule_kind: str, rows: list[dict[str, Any]], now: dt.datetime
) -> list[dict[str, Any]]:
    kind: Literal["finding", "incident"] = "finding" if rule_kind == "findings" else "incident"
    subjects = [triage.subject(kind, str(row[f"{kind}_id"])) for row in rows]
    muted = triage.muted(store, subjects, now)
    return [row for row, name in zip(rows, subjects, strict=True) if name not in muted]


def _fill_search_text(context: JobContext) -> Callable[[Job], str]:
    def run(job: Job) -> str:
        def progress(share: float) -> None:
            job.health.share = share

        filled = search_backfill.run(
            context.shown(), context.settings.limits, context.stopping.is_set, progress
        )
        return f"{filled:,} events" if filled else "Complete"

    return run


def _seal(context: JobContext, verify: threading.Event) -> Callable[[Job], str]:
    def run(job: Job) -> str:
        try:
            _verify_seals(context, job, requested=verify.is_set())
        finally:
            verify.clear()
        store = context.shown()
        sealed = sealing.seal(store, context.settings, utc_now())
        last = seal_status.status(store)
        if last.problem_count:
            raise IntegrityError(
                f"Verify found {last.problem_count:,} problems.", "Run: python -m trail verify"
            )
        return f"{sealed:,} days sealed, {last.checked_days:,} verified"

    return run


def _verify_seals(context: JobContext, job: Job, *, requested: bool) -> None:
    """Verify the seals if requested, or if the last verification is too old."""
    store = context.shown()
    last = seal_status.status(store)
    # A verification before anything was sealed does not count.
    age = last.ok is not None and last.verified_at and utc_now() - last.verified_at
    if age and age < _VERIFY_EVERY and not requested:
        return

    def progress(share: float) -> None:
        job.health.share = share

    seal_status.store_report(store, verification.verify(store, context.settings, progress=progress))


def _prune_preferences(context: JobContext) -> Callable[[Job], str]:
    users = Users(context.settings.auth.users_path, warn=False)

    def run(_: Job) -> str:
        accounts = users.accounts()
        if not accounts and context.settings.auth.by_password:
            return "No users file"
        removed = Preferences(context.shown()).prune(accounts, utc_now())
        views = former_owners.release(context.shown(), accounts, oidc.PREFIX)
        if views:
            log.record("view_saved", what="views of removed users", detail=f"{views:,} deleted")
        return f"{removed:,} entries and {views:,} views removed"

    return run


def _back_up(context: JobContext) -> Callable[[Job], str]:
    def run(_: Job) -> str:
        if not context.is_real():
            return "No database yet"
        path = daily.due(context.settings, utc_now())
        if path is None:
            return "Done for today"
        made = daily.make(context.shown(), context.settings, path)
        making.log(made, "schedule")
        return f"{made.manifest.events:,} events, {made.bytes:,} bytes"

    return run
