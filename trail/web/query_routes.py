"""Routes that query the database: with a fair share of it, a deadline, and an end when the client
disconnects.

Their threads are of their own, so that no number of queries delays the other routes.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from functools import cache, wraps
from typing import Any

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from trail.core.errors import TrailError
from trail.runtime import process
from trail.storage import shared_results
from trail.storage.query_timeout import QueryScope
from trail.web.conditional import conditional
from trail.web.guard import client_address, request_user
from trail.web.json_errors import explained

Answer = Callable[[Request], Any]


def query(work: Callable[[Request], Response]) -> Answer:
    """Run *work* as a request of its user, in a thread, and answer a `TrailError` as `explained`.

    Its queries have the query timeout, and share results with page runs.
    """
    return _in_thread(work, export=False)


def export(work: Callable[[Request], Response]) -> Answer:
    """As `query`, for what is computed before an export: with the timeouts of exports."""
    return _in_thread(work, export=True)


def share_of(request: Request) -> str:
    """Return what requests are counted by: the user or API token, else the address."""
    user = request_user(request)
    return user.username if user else f"address {client_address(request)}"


@contextlib.asynccontextmanager
async def until_disconnected(receive: Receive, left: Callable[[], None]) -> AsyncIterator[None]:
    """Call *left* when the client disconnects inside the block. Reads the request to its end."""

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        left()

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _in_thread(work: Callable[[Request], Response], *, export: bool) -> Answer:
    @wraps(work)
    async def answer(request: Request) -> Response:
        runtime = process.current()
        limits = runtime.settings.limits
        if export:
            share, scope = runtime.shares.exports, QueryScope(limits.export_query_seconds)
            sharing: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
        else:
            share, sharing = runtime.shares.requests, shared_results.within()
            scope = QueryScope(limits.query_seconds, limits.query_seconds * 2)
        try:
            async with (
                until_disconnected(request.receive, scope.stop),
                share.slot_in_loop(share_of(request), scope),
            ):
                with scope.entered(), sharing:
                    response = await anyio.to_thread.run_sync(
                        work, request, limiter=threads(share.total)
                    )
                    return response if export else conditional(request, response)
        except TrailError as error:
            return explained(error)

    return answer


@cache
def threads(number: int) -> anyio.CapacityLimiter:
    """Return the limiter of the threads for a share of *number* slots; it is never waited for."""
    return anyio.CapacityLimiter(number * 2)
