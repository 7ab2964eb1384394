"""Metrics and problems of what this product does for others: deliveries and seals.

Destinations are labelled by ID and kind, never by name, and at most a hundred apart.
"""

import datetime as dt
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily

from trail.core.text import count
from trail.integrity.seal_progress import Progress
from trail.notifications import delivery_log
from trail.notifications.outbox_totals import Outbox
from trail.storage.database import Engine

# Sealing runs hourly and is repeated after a failure; this late, somebody should look.
_OVERDUE = dt.timedelta(hours=24)


def deliveries(outboxes: list[Outbox], now: dt.datetime) -> Iterator[GaugeMetricFamily]:
    """Yield the metrics of the outbox at *now* (UTC without zone)."""
    labels = ["destination", "kind"]
    pending = GaugeMetricFamily(
        "audit_trail_deliveries_pending", "Messages that wait to be delivered.", labels=labels
    )
    oldest = GaugeMetricFamily(
        "audit_trail_deliveries_oldest_seconds",
        "Age of the oldest message that waits; 0 if none does.",
        labels=labels,
    )
    dead = GaugeMetricFamily(
        "audit_trail_dead_letters",
        "Messages that were given up, by reason.",
        labels=[*labels, "reason"],
    )
    for outbox in outboxes:
        place = [outbox.destination, outbox.kind]
        pending.add_metric(place, outbox.pending)
        age = (now - outbox.oldest_at).total_seconds() if outbox.oldest_at else 0.0
        oldest.add_metric(place, max(age, 0.0))
        for reason, number in outbox.dead.items():
            dead.add_metric([*place, reason], number)
    yield from (pending, oldest, dead)


def seals(progress: Progress, now: dt.datetime) -> Iterator[GaugeMetricFamily]:
    """Yield the metrics of sealing at *now* (UTC without zone)."""
    for name, about, at in (
        ("last_sealed", "When the last seal was made.", progress.sealed_at),
        ("last_verified", "When the seals were last verified.", progress.verified_at),
    ):
        if at:
            seconds = at.replace(tzinfo=dt.UTC).timestamp()
            full_name = f"audit_trail_{name}_timestamp_seconds"
            yield GaugeMetricFamily(full_name, about, value=seconds)
    yield GaugeMetricFamily(
        "audit_trail_unsealed_seconds",
        "How long the oldest unsealed day has been due; 0 if none is.",
        value=progress.overdue(now).total_seconds(),
    )
    yield GaugeMetricFamily(
        "audit_trail_seal_problems",
        "Problems that the last verification found.",
        value=progress.problems,
    )


def problems(engine: Engine, progress: Progress, now: dt.datetime) -> Iterator[str]:
    """Yield what `/healthz` says about deliveries and seals: counts, without names."""
    if failing := delivery_log.failing(engine):
        yield f"{count(len(failing), 'destination')} without delivery. See Alerts, Delivery log."
    if progress.overdue(now) > _OVERDUE:
        yield f"Days are not sealed since {progress.overdue_since:%Y-%m-%d %H:%M} UTC."
    if progress.problems:
        yield f"Verification found {count(progress.problems, 'problem')}. See Admin, Seals."
