"""The route by which this machine's own commands reach the store that the server holds.

Proved by the token in the note that only the server's user can read; never by a cookie, and never
from another machine.
"""

import contextlib
import hmac
import json
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trail.core import server_link
from trail.core.output import Out
from trail.web.streaming import ClosingStream

Run = Callable[[list[str], Path, Out], int]

_FRAMES_WAITING = 16


class _Pipe:
    """Words of a command on their way to the terminal that waits for them."""

    def __init__(self) -> None:
        self._frames: queue.Queue[bytes | None] = queue.Queue(_FRAMES_WAITING)
        self._left = threading.Event()

    def text(self, text: str) -> None:
        self._put(server_link.frame("o", text.encode()))

    def note(self, text: str) -> None:
        self._put(server_link.frame("n", text.encode()))

    def end(self, code: int) -> None:
        self._put(server_link.frame("x", str(code).encode()))
        self._put(None)

    def _put(self, data: bytes | None) -> None:
        while not self._left.is_set():
            try:
                self._frames.put(data, timeout=0.2)
            except queue.Full:
                continue
            return
        raise BrokenPipeError

    def frames(self) -> Iterator[bytes]:
        try:
            while (data := self._frames.get()) is not None:
                yield data
        finally:
            self._left.set()


def _same(given: str, expected: str) -> bool:
    # As bytes: strange letters in what was given would raise where it is compared as text.
    return hmac.compare_digest(given.encode(), expected.encode())


def route(run: Run, token: Callable[[], str]) -> Route:
    """Return the route that lets *run* carry out commands for whoever knows *token*."""

    async def command(request: Request) -> Response:
        given = request.headers.get("authorization", "")
        local = request.client is not None and request.client.host in ("127.0.0.1", "::1")
        expected = token()
        if not local or not expected or not _same(given, f"Bearer {expected}"):
            return JSONResponse({"error": "Not for you.", "hint": ""}, 401)
        asked = json.loads(await request.body())
        pipe = _Pipe()

        def carry_out() -> None:
            code = 1
            try:
                code = run(list(asked["arguments"]), Path(asked["folder"]), pipe)
            except BrokenPipeError:
                return
            finally:
                with contextlib.suppress(BrokenPipeError):
                    pipe.end(code)

        threading.Thread(target=carry_out, name="trail-command", daemon=True).start()
        return ClosingStream(pipe.frames(), anyio.CapacityLimiter(1))

    return Route(server_link.PATH, command, methods=["POST"])
