"""`/metrics` for Prometheus: counts and ages, without names or IDs.

Needs the bearer token `server.metrics_token` if set; otherwise only this machine has access.
"""

import datetime as dt
import hmac
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from starlette.requests import Request
from starlette.responses import Response

from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.events import store_status
from trail.ingest import nodes, source_health
from trail.ingest.source_health import SourceHealth
from trail.integrity import seal_progress
from trail.notifications import outbox_totals
from trail.runtime import process
from trail.runtime.fair_share import Shares
from trail.web import product_metrics
from trail.web.api_route import METRICS_TOKEN, ApiRoute, Content, Operation
from trail.web.guard import LOOPBACK, request_user
from trail.web.json_errors import json_error
from trail.web.query_routes import query

_RESULTS = ("kept", "duplicates", "quarantined")
TYPE = "text/plain; version=0.0.4; charset=utf-8"
WAITING = "Received bytes that are not stored yet."


async def metrics(request: Request) -> Response:
    """Return the metrics in the Prometheus text format."""
    if not may_monitor(request):
        return json_error(401, "Not authorized.", "Set server.metrics_token.")
    response: Response = await query(_measured)(request)
    return response


def _measured(_: Request) -> Response:
    return Response(_text(), media_type=TYPE)


def may_monitor(request: Request) -> bool:
    """Return whether *request* may read metrics, and the state of each source in `/healthz`."""
    if request_user(request):  # the guard has checked the role
        return True
    return has_token(request, process.current().settings)


def has_token(request: Request, settings: Settings) -> bool:
    """Return whether *request* has the token for metrics; without one, if this machine sent it."""
    token = settings.server.metrics_token.get_secret_value()
    if token:
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
    # Behind a proxy, every client is this machine, so the host name is checked, too.
    client = request.client.host if request.client else ""
    return client in LOOPBACK and request.url.hostname in LOOPBACK


def _text() -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Metrics())
    return generate_latest(registry)


class _Metrics:
    def collect(self) -> Iterator[Any]:
        runtime = process.current()
        counts = store_status.status(runtime.store)
        yield _gauge("events", "Events in the database.", counts["events"])
        yield _gauge(
            "unknown_actions", "Event types without a category.", counts["unknown_actions"]
        )
        if counts["last_arrival"]:
            at = dt.datetime.fromisoformat(counts["last_arrival"]).timestamp()
            yield _gauge("last_arrival_timestamp_seconds", "Arrival of the newest event.", at)
        yield _gauge(
            "intake_waiting_bytes",
            WAITING,
            runtime.intake.waiting_bytes,
        )
        if runtime.store.path.exists():
            yield _gauge(
                "database_bytes", "Size of the database.", runtime.store.path.stat().st_size
            )
        yield from _sources(store_status.sources(runtime.store))
        now = utc_now()
        yield from _source_health(source_health.sources(runtime.store, runtime.settings, now))
        yield from product_metrics.deliveries(outbox_totals.totals(runtime.store), now)
        progress = seal_progress.progress(runtime.store, runtime.settings, now)
        yield from product_metrics.seals(progress, now)
        yield from product_metrics.ingest_nodes(nodes.nodes(runtime.store, runtime.settings))
        yield _requests(runtime.shares)
        failing = GaugeMetricFamily(
            "audit_trail_job_failing", "1 if the last run of the job failed.", labels=["job"]
        )
        for health in runtime.schedule.health():
            failing.add_metric([health.name], 1.0 if health.error else 0.0)
        yield failing


def _requests(shares: Shares) -> GaugeMetricFamily:
    requests = GaugeMetricFamily(
        "audit_trail_requests", "Requests and exports by state.", labels=["share", "state"]
    )
    for name in ("requests", "exports", "open_exports"):
        held, waiting = getattr(shares, name).usage()
        requests.add_metric([name, "running"], held)
        requests.add_metric([name, "waiting"], waiting)
    return requests


def _sources(rows: list[dict[str, Any]]) -> Iterator[Any]:
    records = CounterMetricFamily(
        "audit_trail_records", "Records read, by result.", labels=["source", "result"]
    )
    watched = GaugeMetricFamily(
        "audit_trail_watched_until_timestamp_seconds",
        "End of the coverage of a source.",
        labels=["source"],
    )
    for row in rows:
        for result in _RESULTS:
            records.add_metric([row["loader"], result], row[result])
        if row["watched_until"]:
            at = row["watched_until"].replace(tzinfo=dt.UTC).timestamp()
            watched.add_metric([row["loader"]], at)
    yield records
    yield watched


def _source_health(sources: Iterable[SourceHealth]) -> Iterator[GaugeMetricFamily]:
    up = _of_source("up", "0 if polls or checks of the configured source fail, else 1.")
    state = GaugeMetricFamily(
        "audit_trail_source_state",
        "1 for the state of the source, 0 for the others.",
        labels=["source", "state"],
    )
    success = _of_source(
        "last_success_timestamp_seconds", "Last successful poll, check or delivery of the source."
    )
    event = _of_source("last_event_timestamp_seconds", "Time of the newest event of the source.")
    for source in sources:
        if source.state != "off":
            up.add_metric([source.name], 0.0 if source.state == "failing" else 1.0)
        for name in source_health.STATE_NAMES:
            state.add_metric([source.name, name], float(source.state == name))
        for family, at in ((success, source.last_success), (event, source.last_event)):
            if at:
                family.add_metric([source.name], at.replace(tzinfo=dt.UTC).timestamp())
    yield from (up, state, success, event)


def _of_source(name: str, about: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"audit_trail_source_{name}", about, labels=["source"])


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"audit_trail_{name}", about, value=value)


ROUTES = [
    ApiRoute(
        "/metrics",
        metrics,
        Operation(
            answer=Content(TYPE, {"type": "string"}, "audit_trail_events 12345.0\n"),
            credentials=METRICS_TOKEN,
        ),
    )
]
