"""The route that runs commands of this machine inside the server, which owns the database.

Authenticated by the token in the server's note, which only the server's user can read; never by a
cookie and never from another machine.
"""

import contextlib
import hmac
import json
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trail.core import server_link
from trail.core.output import Out
from trail.storage.query_timeout import QueryScope
from trail.web.json_errors import json_error
from trail.web.streaming import ClosingStream

Run = Callable[[list[str], Path, Out], int]

_MAX_FRAMES = 16


class _Pipe:
    """The output of a command on its way to the terminal."""

    def __init__(self) -> None:
        self._frames: queue.Queue[bytes | None] = queue.Queue(_MAX_FRAMES)
        self._closed = threading.Event()

    def text(self, text: str) -> None:
        self._put(server_link.frame("o", text.encode()))

    def note(self, text: str) -> None:
        self._put(server_link.frame("n", text.encode()))

    def progress(self, share: float, text: str) -> None:
        self._put(server_link.frame("p", json.dumps([share, text]).encode()))

    def end(self, code: int) -> None:
        self._put(server_link.frame("x", str(code).encode()))
        self._put(None)

    def _put(self, data: bytes | None) -> None:
        while not self._closed.is_set():
            try:
                self._frames.put(data, timeout=0.2)
            except queue.Full:
                continue
            return
        raise BrokenPipeError

    def close(self) -> None:
        """Stop the command at its next output: the terminal has gone."""
        self._closed.set()
        # Wakes a reader who waits for output.
        with contextlib.suppress(queue.Full):
            self._frames.put_nowait(None)

    def frames(self) -> Iterator[bytes]:
        try:
            while (data := self._frames.get()) is not None and not self._closed.is_set():
                yield data
        finally:
            self._closed.set()


def _same(given: str, expected: str) -> bool:
    # As bytes, since non-ASCII text would raise.
    return hmac.compare_digest(given.encode(), expected.encode())


def route(run: Run, token: Callable[[], str]) -> Route:
    """Return the route that executes commands with *run* for callers who know *token*.

    When the caller disconnects, the command ends at its next output, and so do its queries unless
    *run* leaves the query scope.
    """

    async def command(request: Request) -> Response:
        given = request.headers.get("authorization", "")
        local = request.client is not None and request.client.host in ("127.0.0.1", "::1")
        expected = token()
        if not local or not expected or not _same(given, f"Bearer {expected}"):
            return json_error(401, "Not authorized.")
        try:
            command_line = json.loads(await request.body())
            arguments, folder = list(command_line["arguments"]), Path(command_line["folder"])
        except (ValueError, TypeError, KeyError, RecursionError):
            return json_error(400, "Invalid command.", "Send arguments and folder as JSON.")
        pipe, queries = _Pipe(), QueryScope(0)

        def execute() -> None:
            code = 1
            try:
                with queries.entered():
                    code = run(arguments, folder, pipe)
            except BrokenPipeError:
                return
            finally:
                with contextlib.suppress(BrokenPipeError):
                    pipe.end(code)

        def left() -> None:
            pipe.close()
            queries.stop()

        threading.Thread(target=execute, name="trail-command", daemon=True).start()
        return ClosingStream(pipe.frames(), left)

    return Route(server_link.PATH, command, methods=["POST"])
