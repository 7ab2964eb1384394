"""The routes to which events are sent: read, on disk, and only then answered with 200.

What a request must look like is the receiver's business; here is what all of them share: the size
of a body, the wait for the disk, and the answer when that does not come in time.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trail.core.errors import UnavailableError
from trail.core.model import Received, Receiver, RefusedError, Sent
from trail.ingest.receiver import Intake
from trail.runtime import process

_log = logging.getLogger("trail.intake")

# Segment gives up after five seconds and sends again.
_PATIENCE_S = 4.0
_LARGE = 65_536
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def routes(receivers: Iterable[Receiver], intake: Callable[[], Intake]) -> list[Route]:
    """Return the routes of all *receivers*; they hand what they read to *intake*."""
    return [
        # All methods, or Streamlit would answer the others with its page and 200.
        Route(path, _route(receiver, intake), methods=list(_METHODS))
        for receiver in receivers
        for path in receiver.paths
    ]


def _route(receiver: Receiver, intake: Callable[[], Intake]) -> Callable[[Request], object]:
    async def receive(request: Request) -> Response:
        if request.method != "POST":
            return Response(b"", 405, {"allow": "POST"})
        settings = process.current().settings
        try:
            body = await _body(request, receiver.max_bytes(settings))
            sent = Sent(request.url.path, tuple(request.headers.items()), body)
            if len(body) > _LARGE:
                received = await anyio.to_thread.run_sync(receiver.read, sent, settings)
            else:
                received = receiver.read(sent, settings)
        except RefusedError as refused:
            _log.info("%s refused: %s", receiver.name, refused.reason)
            return Response(refused.body, refused.status, media_type="application/json")
        try:
            await _on_disk(intake(), receiver, received)
        except (UnavailableError, TimeoutError) as problem:
            _log.warning("%s: %s", receiver.name, problem or "the disk is too slow")
            return Response(b"", 503, {"retry-after": "5"})
        return Response(received.answer, 200, media_type=received.media_type)

    return receive


async def _on_disk(intake: Intake, receiver: Receiver, received: Received) -> None:
    if received.records:
        done = asyncio.wrap_future(intake.offer(receiver, received))
        await asyncio.wait_for(done, _PATIENCE_S)


async def _body(request: Request, limit: int) -> bytes:
    """Return the body; raises `RefusedError` (413) before reading more than *limit* bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise RefusedError(413, reason="the body is too long")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise RefusedError(413, reason="the body is too long")
        parts.append(part)
    return b"".join(parts)
