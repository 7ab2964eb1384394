"""`/healthz`: whether the server and its database work.

The check runs in a thread of its own. While the database is busy the newest result is answered, so
that monitoring does not take a busy server for a failed one.
"""

import asyncio
import time
from dataclasses import dataclass

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trail.core.errors import TrailError, UnavailableError
from trail.integrity import high_water_mark, mirror
from trail.runtime import process
from trail.runtime.process import Runtime

_PATIENCE_S = 0.1  # how long a request waits for a new result
_SLOW_S = 10.0  # a check that takes longer is a problem


@dataclass(frozen=True, slots=True)
class _Result:
    damage: TrailError | None = None
    problems: tuple[str, ...] = ()


class _Checks:
    """Checks of one runtime, one after the other."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime, self.loop = runtime, asyncio.get_running_loop()
        self._limiter = anyio.CapacityLimiter(1)
        self._running: asyncio.Task[None] | None = None
        self._started, self._newest = 0.0, _Result()

    async def result(self) -> _Result:
        """Return the newest result."""
        if self._running is None or self._running.done():
            self._started = time.monotonic()
            self._running = asyncio.create_task(self._check())
        await asyncio.wait({self._running}, timeout=_PATIENCE_S)
        if self._running.done():
            self._running.result()  # raises what the check raised
            return self._newest
        seconds = time.monotonic() - self._started
        if seconds < _SLOW_S:
            return self._newest
        slow = f"The database has not answered for {seconds:.0f} seconds."
        return _Result(self._newest.damage, (*self._newest.problems, slow))

    async def _check(self) -> None:
        self._newest = await anyio.to_thread.run_sync(_checked, self.runtime, limiter=self._limiter)


_checks: list[_Checks] = []


async def healthz(_: Request) -> Response:
    """Answer that the server and its store work, and list other problems; 503 for a damaged store.

    Damage is what any query has met since the start, and what the headers of the file show.
    """
    runtime, loop = process.current(), asyncio.get_running_loop()
    if not _checks or _checks[0].runtime is not runtime or _checks[0].loop is not loop:
        _checks[:] = [_Checks(runtime)]
    result = await _checks[0].result()
    if result.damage:
        return JSONResponse({"ok": False, "problems": [str(result.damage)]}, 503)
    return JSONResponse({"ok": True, "problems": list(result.problems)})


def _checked(runtime: Runtime) -> _Result:
    try:
        runtime.store.table("select max(version) from schema_version")
    except UnavailableError as error:
        return _Result(error)
    if damage := runtime.store.damage():
        return _Result(damage)
    problems = [job.title for job in runtime.schedule.health() if job.error]
    if runtime.intake.problem:
        problems.append(runtime.intake.problem)
    if not runtime.demo:
        files = mirror.files(runtime.store.path, runtime.settings)
        problems += [loss.text() for loss in high_water_mark.shortfalls(files.known)]
    return _Result(problems=tuple(problems))


ROUTES: list[Route] = [Route("/healthz", healthz)]
