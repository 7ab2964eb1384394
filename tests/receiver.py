"""An HTTP receiver of notifications: it records requests and responds as configured."""

import json
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

# Faults other than an error status.
FAULTS = ("hang", "drip", "reset", "drop", "reset-after-body", "long", "garbage")


@dataclass
class Taken:
    """One request and the status of its response (0 without a response)."""

    path: str
    headers: dict[str, str]
    body: bytes
    answered: int

    @property
    def json(self) -> Any:
        """Return the body, read as JSON."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """A local server; `answer` is the status or the fault of every response.

    `respond`, if set, gives status and body in place of 200.
    """

    answer: int | str = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    failing: float = 0.0
    seed: int = 1
    hang_s: float = 3.0
    respond: Callable[[str, dict[str, str], bytes], tuple[int, bytes]] | None = None
    taken: list[Taken] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Start."""
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()
        self.closing = threading.Event()
        receiver = self

        class Handler(_Handler):
            owner = receiver

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 128

            def handle_error(self, *_: Any) -> None:
                """Ignore senders that were killed."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Return the port."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Return the address."""
        return f"http://127.0.0.1:{self.port}/hook"

    def next_answer(self) -> int | str:
        """Return the status or fault of the next response."""
        if self.failing and self._random.random() < self.failing:
            return self._random.choice([500, 503, 429, 404])
        return self.answer

    def note(self, taken: Taken) -> None:
        """Record a request."""
        with self._lock:
            self.taken.append(taken)

    def good(self, header: str = "webhook-id") -> list[str]:
        """Return the ids of requests with status 200, in order of arrival."""
        return [taken.headers.get(header, "") for taken in self.taken if taken.answered == 200]

    def copies(self, header: str = "webhook-id") -> Counter[str]:
        """Return the number of requests by id, whatever their response."""
        return Counter(taken.headers.get(header, "") for taken in self.taken)


class _Handler(BaseHTTPRequestHandler):
    owner: Receiver
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        """Log nothing."""

    def do_PUT(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        owner = self.owner
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = owner.next_answer()
        headers = {name.lower(): value for name, value in self.headers.items()}
        status = answer if isinstance(answer, int) else 0
        if answer in ("reset-after-body", "long", "drip"):
            status = 200
        text = owner.body
        if owner.respond and answer == 200:
            answer, text = owner.respond(self.path, headers, body)
            status = answer
        owner.note(Taken(self.path, headers, body, status))
        if isinstance(answer, int):
            self._respond(answer, text, owner.headers)
        else:
            getattr(self, "_" + answer.replace("-", "_"))()

    def _respond(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)
        self.wfile.flush()

    def _hang(self) -> None:
        self.owner.closing.wait(self.owner.hang_s)
        self.close_connection = True

    def _drip(self) -> None:
        self.close_connection = True
        until = time.monotonic() + self.owner.hang_s
        for letter in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000:
            if self.owner.closing.wait(0.02) or time.monotonic() > until:
                return
            try:
                self.connection.send(bytes([letter]))
            except OSError:
                return

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _reset_after_body(self) -> None:
        self._respond(200, b"ok", {})
        self._reset()

    def _drop(self) -> None:
        self.close_connection = True

    def _garbage(self) -> None:
        self.connection.sendall(b"220 mail.example.com ESMTP\r\n" * 3)
        self.close_connection = True

    def _long(self) -> None:
        self.close_connection = True
        try:
            self.send_response_only(200)
            self.send_header("Content-Length", str(1 << 30))
            self.end_headers()
            self.wfile.flush()
            while not self.owner.closing.is_set():
                self.connection.sendall(b"x" * 65_536)
        except OSError:
            return
