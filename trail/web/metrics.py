"""`/metrics` for Prometheus: counts and ages, no names and no ids.

Answered with a bearer token where one is set, else to this machine alone. Read from the store at
each scrape, so that nothing has to be counted twice.
"""

import datetime as dt
import hmac
from collections.abc import Iterator
from typing import Any

import anyio.to_thread
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trail.events import store_status
from trail.runtime import process
from trail.web.guard import LOOPBACK, user_of

_RESULTS = ("kept", "duplicates", "quarantined")
_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def metrics(request: Request) -> Response:
    """Answer the figures in Prometheus' text format."""
    if not _allowed(request):
        return JSONResponse({"error": "Not for you.", "hint": "Set server.metrics_token."}, 401)
    return Response(await anyio.to_thread.run_sync(_text), media_type=_TYPE)


def _allowed(request: Request) -> bool:
    if user_of(request):  # the guard has looked at the role
        return True
    token = process.current().settings.server.metrics_token.get_secret_value()
    if token:
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
    # Behind a proxy every client is this machine; the name that was asked for tells.
    client = request.client.host if request.client else ""
    return client in LOOPBACK and request.url.hostname in LOOPBACK


def _text() -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures())
    return generate_latest(registry)


class _Figures:
    def collect(self) -> Iterator[Any]:
        now = process.current()
        held = store_status.status(now.store)
        yield _gauge("events", "Events that are kept.", held["events"])
        yield _gauge("unknown_actions", "Types without a category.", held["unknown_actions"])
        if held["last_arrival"]:
            at = dt.datetime.fromisoformat(held["last_arrival"]).timestamp()
            yield _gauge("last_arrival_timestamp_seconds", "When the newest event came in.", at)
        yield _gauge("intake_waiting_bytes", "On disk, not yet kept.", now.intake.waiting_bytes)
        if now.store.path.exists():
            yield _gauge("database_bytes", "Size of the database.", now.store.path.stat().st_size)
        yield from _sources(store_status.sources(now.store))
        failing = GaugeMetricFamily(
            "audit_trail_job_failing", "1 while a job's last run failed.", labels=["job"]
        )
        for health in now.schedule.health():
            failing.add_metric([health.name], 1.0 if health.error else 0.0)
        yield failing


def _sources(rows: list[dict[str, Any]]) -> Iterator[Any]:
    records = CounterMetricFamily(
        "audit_trail_records", "Records read, by what became of them.", labels=["source", "result"]
    )
    watched = GaugeMetricFamily(
        "audit_trail_watched_until_timestamp_seconds",
        "Up to when a source was watched.",
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


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"audit_trail_{name}", about, value=value)


ROUTES: list[Route] = [Route("/metrics", metrics)]
