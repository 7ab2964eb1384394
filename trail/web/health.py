"""`/healthz`: whether the server and its database work.

The check runs in a thread of its own. While the database is busy the newest result is answered, so
that monitoring does not take a busy server for a failed one.
"""

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Any

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trail.core.clock import utc_now
from trail.core.errors import TrailError, UnavailableError
from trail.ingest import nodes, source_health
from trail.ingest.source_health import SourceHealth
from trail.integrity import high_water_mark, mirror, seal_progress
from trail.runtime import process
from trail.runtime.process import Runtime
from trail.web import product_metrics, schemas
from trail.web.api_route import NOBODY, ApiRoute, Operation
from trail.web.metrics import may_monitor

_PATIENCE_S = 0.1  # how long a request waits for a new result
_FIRST_PATIENCE_S = 5.0  # while there is no earlier result to return
_SLOW_S = 10.0  # a check that takes longer is a problem


@dataclass(frozen=True, slots=True)
class _Result:
    damage: TrailError | None = None
    problems: tuple[str, ...] = ()
    sources: tuple[SourceHealth, ...] = ()


class _Checks:
    """Checks of one runtime, one after the other."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime, self.loop = runtime, asyncio.get_running_loop()
        self._limiter = anyio.CapacityLimiter(1)
        self._running: asyncio.Task[None] | None = None
        self._started, self._newest = 0.0, _Result()
        self._patience_s = _FIRST_PATIENCE_S

    async def result(self) -> _Result:
        """Return the newest result."""
        if self._running is None or self._running.done():
            self._started = time.monotonic()
            self._running = asyncio.create_task(self._check())
        await asyncio.wait({self._running}, timeout=self._patience_s)
        self._patience_s = _PATIENCE_S
        if self._running.done():
            self._running.result()  # raises what the check raised
            return self._newest
        seconds = time.monotonic() - self._started
        if seconds < _SLOW_S:
            return self._newest
        slow = f"The database has not answered for {seconds:.0f} seconds."
        return replace(self._newest, problems=(*self._newest.problems, slow))

    async def _check(self) -> None:
        self._newest = await anyio.to_thread.run_sync(_checked, self.runtime, limiter=self._limiter)


_checks: list[_Checks] = []


async def healthz(request: Request) -> Response:
    """Return the health of the server and its database, and other problems; 503 if damaged.

    Damage is what queries have found since the start, and what the file headers show. With
    `server.unhealthy_if_source_fails`, a failing source also returns 503. Callers that may read
    `/metrics` get the state of each source.
    """
    runtime, loop = process.current(), asyncio.get_running_loop()
    if not _checks or _checks[0].runtime is not runtime or _checks[0].loop is not loop:
        _checks[:] = [_Checks(runtime)]
    result = await _checks[0].result()
    if result.damage:
        return JSONResponse({"ok": False, "problems": [str(result.damage)]}, 503)
    fails = runtime.settings.server.unhealthy_if_source_fails
    ok = not (fails and source_health.failing(result.sources))
    body: dict[str, Any] = {"ok": ok, "problems": list(result.problems)}
    if result.sources and may_monitor(request):
        body["sources"] = [source.to_dict() for source in result.sources]
    return JSONResponse(body, 200 if ok else 503)


def _checked(runtime: Runtime) -> _Result:
    try:
        now = utc_now()
        runtime.store.table("select max(version) from schema_version")
        sources = source_health.sources(runtime.store, runtime.settings, now)
        progress = seal_progress.progress(runtime.store, runtime.settings, now)
        others = list(product_metrics.problems(runtime.store, progress, now))
        for node in nodes.nodes(runtime.store, runtime.settings):
            others += node.problems(now)
    except UnavailableError as error:
        return _Result(error)
    if damage := runtime.store.damage():
        return _Result(damage)
    problems = [source.title for source in source_health.failing(sources)]
    # A job has the name of its source, if it has one.
    titles = {source.name: source.title for source in sources}
    failed = [job for job in runtime.schedule.health() if job.error]
    problems += [titles.get(job.name, job.title) for job in failed]
    if runtime.intake.problem:
        problems.append(runtime.intake.problem)
    problems += others
    if not runtime.demo:
        files = mirror.files(runtime.store.path, runtime.settings)
        problems += [loss.text() for loss in high_water_mark.shortfalls(files.known)]
    return _Result(problems=tuple(dict.fromkeys(problems)), sources=sources)


ROUTES = [ApiRoute("/healthz", healthz, Operation(answer=schemas.HEALTH, credentials=NOBODY))]
