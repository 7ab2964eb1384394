"""The application of an ingest process: the routes of the receivers, health and metrics.

`python -m trail serve` runs it in place of the dashboard if `store.role` is `ingest`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trail.core import log_limit, registry
from trail.core.model import Receiver
from trail.runtime import ingest_process
from trail.web import arrivals, connections, metrics, push
from trail.web.json_errors import json_error


@contextlib.asynccontextmanager
async def _lifespan(_: Any) -> AsyncIterator[dict[str, Any]]:
    """Limit the connections and the log as those of the server are."""
    settings = ingest_process.current().settings
    table = connections.limit([server.config for server in arrivals.servers()], settings)
    log = log_limit.LogLimit(settings.limits.log_repeats, settings.limits.log_bytes)
    with log_limit.installed(log):
        task = asyncio.create_task(connections.keep(table, log.report))
        try:
            yield {}
        finally:
            task.cancel()
            table.end_arrivals()
            # Here, since uvicorn ends the process with the signal that stopped it.
            ingest_process.stop()


async def _healthz(_: Request) -> Response:
    """Return whether events are received; a problem does not keep them from being received."""
    problem = ingest_process.current().intake.problem
    return JSONResponse({"ok": True, "problems": [problem] if problem else []})


async def _metrics(request: Request) -> Response:
    """Return the metrics in the Prometheus text format."""
    running = ingest_process.current()
    if not metrics.has_token(request, running.settings):
        return json_error(401, "Not authorized.", "Set server.metrics_token.")
    found = CollectorRegistry(auto_describe=False)
    for name, about, value in (
        ("waiting_bytes", metrics.WAITING, running.intake.waiting_bytes),
        ("problem", "1 while parts cannot be written.", bool(running.intake.problem)),
    ):
        Gauge(f"audit_trail_intake_{name}", about, registry=found).set(value)
    return Response(generate_latest(found), media_type=metrics.TYPE)


app = Starlette(
    routes=[
        *push.routes(
            registry.of_kind(Receiver),
            lambda: ingest_process.current().intake,
            lambda: ingest_process.current().settings,
        ),
        Route("/healthz", _healthz),
        Route("/metrics", _metrics),
    ],
    lifespan=_lifespan,
)
