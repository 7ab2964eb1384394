"""What people did in the demo workspace: decisions, a sign-off, comments, views and a legal hold.

Each is done at the present moment, by the functions that the pages call.
"""

import datetime as dt
from collections.abc import Callable

from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.events import annotations, coverage
from trail.events.annotations import Annotation
from trail.evidence import sign_off
from trail.findings import queries, reviews
from trail.findings.model import Finding
from trail.incidents import queries as incidents
from trail.retention import legal_holds
from trail.runtime.demo_people import MANAGER, OWNER, DemoUser
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.triage import records
from trail.views import saved_views
from trail.views.view import Viewer

_DAY = dt.timedelta(days=1)
_EXPECTED = 4  # findings
_SIGNED_DAYS = 7
# What is newer is left to the reader.
_DECIDED_BEFORE = 2 * _DAY
_VIEWS: tuple[tuple[DemoUser, str, str], ...] = (
    (
        OWNER,
        "Consent filters",
        "action=Destination Filters Deleted&action=Destination Filters Created&from=90d",
    ),
    (OWNER, "Changes by tokens", "actor_type=token&changes=yes&from=7d"),
    (MANAGER, "Audience downloads", "action=Audience CSV Downloaded&from=30d"),
)


def after_load(store: Store, settings: Settings, days_ago: int) -> None:
    """Do what people did on the day that is *days_ago* days before today, if anything."""
    if task := _TASKS.get(days_ago):
        task(store, settings)


def _first_review(store: Store, settings: Settings) -> None:
    """Review what the import has brought, sign off a week, and set up views and annotations."""
    found = _open_findings(store, utc_now())
    usual = [finding for finding in found if finding.reasons[0].detector == "hours"][:_EXPECTED]
    for finding in usual:
        _decide(store, [finding], reviews.EXPECTED, "On call in these weeks.")
    rest = [finding for finding in found if finding not in usual]
    _decide(store, rest, reviews.DONE, "Reviewed with the teams after the import.")
    today = dt.datetime.combine(utc_now().date(), dt.time())
    period = Filter((today - (_SIGNED_DAYS + 2) * _DAY).isoformat(), (today - 2 * _DAY).isoformat())
    now = utc_now().replace(tzinfo=dt.UTC)
    sign_off.sign(
        store,
        settings,
        period,
        now,
        "First weekly review.",
        OWNER.username,
        frozenset(),
        OWNER.name,
    )
    for user, name, query in _VIEWS:
        viewer = Viewer(user.account, user.name)
        saved_views.create(store, viewer, name, Filter.parse(query), shared=True)
    annotations.add(
        store,
        [
            Annotation(today - 20 * _DAY + dt.timedelta(hours=9), None, "Release of the checkout"),
            Annotation(today + 10 * _DAY, today + 12 * _DAY, "Autumn sale"),
        ],
        OWNER.username,
    )


def _weekly_review(store: Store, settings: Settings) -> None:
    """Review the findings since the import."""
    _decide(store, _open_findings(store, utc_now()), reviews.DONE, "Weekly review.")


def _explain_gap(store: Store, settings: Settings) -> None:
    """Say why the source was not collecting for some hours."""
    now = utc_now()
    for source, gaps in coverage.source_gaps(store, now - 7 * _DAY, now).items():
        for start, end in gaps:
            name = records.subject("gap", f"{source}:{start.isoformat()}")
            records.assign(store, name, OWNER.username, OWNER.username)
            text = "The token of the source had expired. It was renewed, and expires in a year."
            records.comment(store, name, text, OWNER.username)
            annotations.add(
                store, [Annotation(end, None, "Token of the source renewed")], OWNER.username
            )


def _escalate(store: Store) -> None:
    """Escalate what needs action, and place its day on legal hold."""
    found = _open_findings(store, utc_now() - _DECIDED_BEFORE)
    if not found:
        return
    worst = max(found, key=_is_sequence_then_score)
    rest = [finding for finding in found if finding is not worst]
    if rest:
        _decide(store, rest, reviews.DONE, "Checked with the team.")
    _decide(store, [worst], reviews.ACTION, "Not announced. Escalated to the data protection team.")
    name = records.subject("finding", worst.finding_id)
    records.assign(store, name, OWNER.username, OWNER.username)
    records.comment(store, name, "Asked for the reason and for the approval.", OWNER.username)
    start = dt.datetime.combine(worst.day, dt.time())
    reason = f"Inquiry into the finding of {worst.day:%Y-%m-%d}"
    legal_holds.add(store, "period", "", start, start + _DAY, reason, OWNER.username)


def _daily_work(store: Store, settings: Settings) -> None:
    """Assign the most urgent open incident, and comment on it; escalate a finding."""
    _escalate(store)
    today = dt.datetime.combine(utc_now().date(), dt.time())
    release = Annotation(today - _DAY + dt.timedelta(hours=9), None, "Release of the web shop")
    annotations.add(store, [release], OWNER.username)
    now = utc_now().replace(tzinfo=dt.UTC)
    incident = next(iter(incidents.incidents(store, Filter(), now, only_open=True, rows=1)), None)
    if incident:
        name = records.subject("incident", incident.incident_id)
        records.assign(store, name, OWNER.username, OWNER.username)
        text = "Started after the settings were changed. Credentials are being checked."
        records.comment(store, name, text, OWNER.username)
        records.comment(store, name, "The dashboards show data of yesterday.", MANAGER.username)


_TASKS: dict[int, Callable[[Store, Settings], None]] = {
    20: _first_review,
    14: _explain_gap,
    7: _weekly_review,
    1: _daily_work,
}


def _is_sequence_then_score(finding: Finding) -> tuple[bool, float]:
    return any(reason.detector == "chain" for reason in finding.reasons), finding.score


def _decide(store: Store, findings: list[Finding], decision: str, note: str) -> None:
    reviews.decide(store, findings, decision, note, OWNER.username, frozenset())


def _open_findings(store: Store, until: dt.datetime) -> list[Finding]:
    """Return the findings without a decision of days that end before *until*."""
    now = utc_now().replace(tzinfo=dt.UTC)
    listed = queries.queue(store, Filter("90d"), now).findings
    last = until.date()
    return [item for item in listed if item.state == reviews.OPEN and item.day < last]
