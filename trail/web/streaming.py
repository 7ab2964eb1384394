"""Streaming responses that release their resources when the client disconnects.

Starlette does not close an ordinary generator in this case, so a database cursor would stay open.
"""

import logging
from collections.abc import AsyncIterator, Iterator

import anyio
import anyio.to_thread
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from trail.core.errors import TrailError
from trail.web.json_errors import explained

_log = logging.getLogger("trail.web")


class ClosingStream(StreamingResponse):
    """Stream an iterator of bytes from worker threads and always close it."""

    def __init__(
        self,
        chunks: Iterator[bytes],
        limiter: anyio.CapacityLimiter | None = None,
        headers: dict[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        self._chunks = chunks
        self._limiter = limiter
        # `identity` disables gzip, which would make an export six times slower.
        all_headers = {
            "Cache-Control": "no-store",
            "Content-Encoding": "identity",
            **(headers or {}),
        }
        super().__init__(self._pump(), headers=all_headers, media_type=media_type)

    async def _pump(self) -> AsyncIterator[bytes]:
        while True:
            chunk = await self._next()
            if chunk is None:
                return
            if chunk:
                yield chunk

    async def _next(self) -> bytes | None:
        return await anyio.to_thread.run_sync(next, self._chunks, None, limiter=self._limiter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response and close the iterator in any case."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._close()

    async def _close(self) -> None:
        with anyio.CancelScope(shield=True):
            close = getattr(self._chunks, "close", None)
            if close:
                await anyio.to_thread.run_sync(close, limiter=self._limiter)


class Download(ClosingStream):
    """A stream of a file. An error before its first byte is answered with its own status.

    After a later error the connection is closed before the end, so that nobody takes the file for
    complete.
    """

    _first: bytes | None = None
    _incomplete = False

    async def _pump(self) -> AsyncIterator[bytes]:
        if self._first:
            yield self._first
        try:
            async for chunk in super()._pump():
                yield chunk
        except TrailError as error:
            self._incomplete = True
            _log.warning("Download aborted: %s", error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, or the error."""

        async def send_unless_incomplete(message: Message) -> None:
            if not self._incomplete:
                await send(message)

        try:
            self._first = await self._next()
        except TrailError as error:
            await self._close()
            await explained(error)(scope, receive, send)
            return
        await super().__call__(scope, receive, send_unless_incomplete)
