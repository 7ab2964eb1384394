"""The routes of the receivers: answered with 200 only when the events are on disk.

The receivers parse the requests. This module limits the body size and the wait for the disk.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

import anyio
import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from trail.core.errors import UnavailableError
from trail.core.model import Received, Receiver, RefusedError, Sent
from trail.core.settings import Settings
from trail.ingest.receiver import Intake
from trail.runtime import process
from trail.web.api_route import JSON, WRITE_KEY, ApiRoute, Content, Operation
from trail.web.bodies import read_body

_log = logging.getLogger("trail.intake")

# Segment times out after five seconds and retries.
_TIMEOUT_S = 4.0
_LARGE = 65_536
_THREADS = 2  # for large requests; of their own, since all others share the default ones


def routes(
    receivers: Iterable[Receiver],
    intake: Callable[[], Intake],
    settings: Callable[[], Settings] = lambda: process.current().settings,
) -> list[ApiRoute]:
    """Return the routes of all *receivers*, which pass their records to *intake*.

    *settings* are those that apply; by default, those of the running server.
    """
    return [
        ApiRoute(
            path, _route(receiver, intake, settings), _operation(receiver, path), methods=["POST"]
        )
        for receiver in receivers
        for path in receiver.paths
    ]


def _route(
    receiver: Receiver, intake: Callable[[], Intake], settings_now: Callable[[], Settings]
) -> Callable[[Request], object]:
    limiter = anyio.CapacityLimiter(_THREADS)

    async def receive(request: Request) -> Response:
        settings = settings_now()
        try:
            body = await read_body(request, receiver.max_bytes(settings))
            sent = Sent(request.url.path, tuple(request.headers.items()), body)
            if len(body) > _LARGE:
                received = await anyio.to_thread.run_sync(
                    receiver.read, sent, settings, limiter=limiter
                )
            else:
                received = receiver.read(sent, settings)
            await _on_disk(intake(), receiver, received)
        except RefusedError as refused:
            _log.info("%s refused: %s", receiver.name, refused.reason)
            return Response(refused.body, refused.status, media_type="application/json")
        except (UnavailableError, TimeoutError) as problem:
            _log.warning("%s: %s", receiver.name, problem or "the disk did not respond in time")
            return Response(b"", 503, {"retry-after": "5"})
        except ClientDisconnect:  # or its time was over; nobody reads the response
            return Response(b"", 400)
        return Response(received.answer, 200, media_type=received.media_type)

    return receive


async def _on_disk(intake: Intake, receiver: Receiver, received: Received) -> None:
    if received.records:
        stored = asyncio.wrap_future(intake.offer(receiver, received))
        await asyncio.wait_for(stored, _TIMEOUT_S)


def _operation(receiver: Receiver, path: str) -> Operation:
    return Operation(
        answer=Content(JSON, {"type": "object"}),
        body=Content(JSON, {"type": ["object", "array"]}),
        other=(400, 401, 413, 415),
        purpose=receiver.purposes.get(path) or f"Receive events: {receiver.title}.",
        credentials=receiver.signature_header or WRITE_KEY,
        has_problems=False,
    )
