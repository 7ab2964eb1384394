"""Answers that are made while they are sent, and that let go of what they hold when cut short.

Starlette's own streaming of an ordinary generator never closes it when the client leaves, so that
a database cursor would stay open for ever.
"""

from collections.abc import AsyncIterator, Iterator

import anyio
import anyio.to_thread
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class ClosingStream(StreamingResponse):
    """Streams an iterator of bytes from worker threads and always closes it."""

    def __init__(
        self,
        chunks: Iterator[bytes],
        limiter: anyio.CapacityLimiter | None = None,
        headers: dict[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        self._chunks = chunks
        self._limiter = limiter
        # `identity` keeps the server's gzip away: it would make an export six times as slow.
        kept = {"Cache-Control": "no-store", "Content-Encoding": "identity", **(headers or {})}
        super().__init__(self._pump(), headers=kept, media_type=media_type)

    async def _pump(self) -> AsyncIterator[bytes]:
        while True:
            chunk = await anyio.to_thread.run_sync(next, self._chunks, None, limiter=self._limiter)
            if chunk is None:
                return
            if chunk:
                yield chunk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer; close the iterator however it ends."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                close = getattr(self._chunks, "close", None)
                if close:
                    await anyio.to_thread.run_sync(close, limiter=self._limiter)
