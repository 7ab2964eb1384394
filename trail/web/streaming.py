"""Streaming responses that release their resources when the client disconnects.

Starlette does not close an ordinary generator in this case, so a database cursor would stay open.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from trail.core.errors import StoppedError, TrailError, UnavailableError
from trail.runtime import process
from trail.storage.query_timeout import QueryScope
from trail.web.json_errors import explained
from trail.web.query_routes import share_of, threads, until_disconnected

_log = logging.getLogger("trail.web")

_PIECE_BYTES = 1 << 20
_closing: list[anyio.CapacityLimiter] = []


class ClosingStream(StreamingResponse):
    """Stream an iterator of bytes from worker threads and always close it.

    *left* is called as soon as the client disconnects, while the iterator may still be working.
    """

    def __init__(
        self,
        chunks: Iterator[bytes],
        left: Callable[[], None],
        headers: dict[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        self._chunks, self._left = chunks, left
        # `identity` disables gzip, which would make an export six times slower.
        all_headers = {
            "Cache-Control": "no-store",
            "Content-Encoding": "identity",
            **(headers or {}),
        }
        super().__init__(self._pump(), headers=all_headers, media_type=media_type)

    async def _pump(self) -> AsyncIterator[bytes]:
        while (chunk := await self._next()) is not None:
            for start in range(0, len(chunk), _PIECE_BYTES):
                yield chunk[start : start + _PIECE_BYTES]

    async def _next(self) -> bytes | None:
        return await anyio.to_thread.run_sync(
            next, self._chunks, None, limiter=anyio.CapacityLimiter(1)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response and close the iterator in any case."""
        try:
            async with until_disconnected(receive, self._left):
                await self.stream_response(send)
        finally:
            await self._close()

    async def _close(self) -> None:
        with anyio.CancelScope(shield=True):
            close = getattr(self._chunks, "close", None)
            if close:
                await anyio.to_thread.run_sync(close, limiter=_closing_threads())


class Download(ClosingStream):
    """A stream of a file, as an export of the user of *request*.

    It takes its turn for each part that is computed, has the timeouts of exports, and ends when the
    client disconnects. An error before its first byte is answered with its own status. After a
    later error the connection is closed before the end, so that nobody takes the file for complete.
    """

    def __init__(
        self,
        request: Request,
        chunks: Iterator[bytes],
        headers: dict[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        runtime = process.current()
        self._limits, self._shares = runtime.settings.limits, runtime.shares
        self._user = share_of(request)
        self._queries = QueryScope(self._limits.export_query_seconds)
        self._first: bytes | None = None
        super().__init__(chunks, self._queries.stop, headers, media_type)

    async def _pump(self) -> AsyncIterator[bytes]:
        chunk = self._first
        while chunk is not None:
            for start in range(0, len(chunk), _PIECE_BYTES):
                yield chunk[start : start + _PIECE_BYTES]
            self._first = None
            chunk = await self._next()

    async def _next(self) -> bytes | None:
        share = self._shares.exports
        async with share.slot_in_loop(self._user, self._queries):
            with self._queries.entered():
                return await anyio.to_thread.run_sync(
                    next, self._chunks, None, limiter=threads(share.total)
                )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, or the error; to a HEAD request, its headers."""
        if scope["method"] == "HEAD":
            await self._close()
            await Response(headers=dict(self.headers))(scope, receive, send)
            return
        has_started = False
        ends_at = time.monotonic() + self._limits.export_seconds

        async def send_in_time(message: Message) -> None:
            nonlocal has_started
            self._queries.check()
            seconds = min(self._limits.export_idle_seconds, ends_at - time.monotonic())
            try:
                async with asyncio.timeout(seconds):
                    await send(message)
            except TimeoutError:
                raise UnavailableError("The client reads too slowly.") from None
            has_started = True

        try:
            async with (
                until_disconnected(receive, self._left),
                self._shares.open_exports.slot_in_loop(self._user, self._queries),
            ):
                self._first = await self._next()
                await self.stream_response(send_in_time)
        except TrailError as error:
            if has_started:
                level = logging.INFO if isinstance(error, StoppedError) else logging.WARNING
                _log.log(level, "Download aborted: %s", error)
            else:
                await explained(error)(scope, receive, send)
        finally:
            await self._close()


def _closing_threads() -> anyio.CapacityLimiter:
    """Return a limiter of their own for threads that release resources, which never wait long."""
    if not _closing:
        _closing.append(anyio.CapacityLimiter(8))
    return _closing[0]
