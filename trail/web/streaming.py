"""Streaming responses that release their resources when the client disconnects.

Starlette does not close an ordinary generator in this case, so a database cursor would stay open.
"""

from collections.abc import AsyncIterator, Iterator

import anyio
import anyio.to_thread
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


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
            chunk = await anyio.to_thread.run_sync(next, self._chunks, None, limiter=self._limiter)
            if chunk is None:
                return
            if chunk:
                yield chunk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response and close the iterator in any case."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                close = getattr(self._chunks, "close", None)
                if close:
                    await anyio.to_thread.run_sync(close, limiter=self._limiter)
