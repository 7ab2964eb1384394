"""Metrics and problems of deliveries, seals and ingest processes.

Destinations are labeled by ID and kind, never by name, and at most a hundred individually.
"""

import datetime as dt
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily

from trail.core.text import count
from trail.ingest.nodes import NodeStatus
from trail.integrity.seal_progress import Progress
from trail.notifications import delivery_log
from trail.notifications.outbox_totals import Outbox
from trail.storage.engine import Engine

# Sealing runs hourly and is repeated after a failure; this late, it needs attention.
_OVERDUE = dt.timedelta(hours=24)


def deliveries(outboxes: list[Outbox], now: dt.datetime) -> Iterator[GaugeMetricFamily]:
    """Yield the metrics of the outbox at *now* (UTC without zone)."""
    labels = ["destination", "kind"]
    pending = GaugeMetricFamily(
        "audit_trail_deliveries_pending", "Messages waiting for delivery.", labels=labels
    )
    oldest = GaugeMetricFamily(
        "audit_trail_deliveries_oldest_seconds",
        "Age of the oldest waiting message; 0 if there is none.",
        labels=labels,
    )
    dead = GaugeMetricFamily(
        "audit_trail_dead_letters",
        "Dead letters, by reason.",
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
        ("last_sealed", "Time of the last seal.", progress.sealed_at),
        ("last_verified", "Time of the last verification of the seals.", progress.verified_at),
    ):
        if at:
            seconds = at.replace(tzinfo=dt.UTC).timestamp()
            full_name = f"audit_trail_{name}_timestamp_seconds"
            yield GaugeMetricFamily(full_name, about, value=seconds)
    yield GaugeMetricFamily(
        "audit_trail_unsealed_seconds",
        "How long the oldest unsealed day is overdue; 0 if there is none.",
        value=progress.overdue(now).total_seconds(),
    )
    yield GaugeMetricFamily(
        "audit_trail_seal_problems",
        "Problems found by the last verification.",
        value=progress.problems,
    )


def ingest_nodes(nodes: list[NodeStatus]) -> Iterator[GaugeMetricFamily]:
    """Yield the metrics of the ingest *nodes*; none without any."""
    if not nodes:
        return
    seen = GaugeMetricFamily(
        "audit_trail_ingest_last_report_timestamp_seconds",
        "Last report of an ingest process.",
        labels=["node"],
    )
    for node in nodes:
        if node.seen_at:
            seen.add_metric([node.node], node.seen_at.replace(tzinfo=dt.UTC).timestamp())
    yield seen
    for name, about in (
        ("log_bytes", "Bytes in the write-ahead log of an ingest process when it last reported."),
        ("waiting_parts", "Parts of an ingest process that wait for the server."),
        ("waiting_bytes", "Bytes of these parts."),
        ("set_aside", "Files of an ingest process that cannot be read."),
        ("missing", "Parts of an ingest process that never arrived."),
    ):
        family = GaugeMetricFamily(f"audit_trail_ingest_{name}", about, labels=["node"])
        for node in nodes:
            family.add_metric([node.node], getattr(node, name))
        yield family


def problems(engine: Engine, progress: Progress, now: dt.datetime) -> Iterator[str]:
    """Yield the problems of deliveries and seals for `/healthz`: counts, without names."""
    if failing := delivery_log.failing(engine):
        yield f"{count(len(failing), 'failing destination')}. See Alerts, Delivery log."
    if progress.overdue(now) > _OVERDUE:
        yield f"Sealing has been overdue since {progress.overdue_since:%Y-%m-%d %H:%M} UTC."
    if progress.problems:
        yield f"Verification found {count(progress.problems, 'problem')}. See Admin, Seals."
