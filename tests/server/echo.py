"""An HTTP server that answers every request with an error and echoes all of the request."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Echo:
    """A local server; `seen` has the headers and the path of each request."""

    def __enter__(self) -> Self:
        self.seen: list[dict[str, str]] = []
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.port = self._server.server_port
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    owner: Echo

    def _answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        received = {**dict(self.headers.items()), "path": self.path}
        self.owner.seen.append(received)
        message = json.dumps(received) + sent.decode(errors="replace")
        body = json.dumps({"errors": [{"message": message}]}).encode()
        self.send_response_only(401 if self.path.startswith("/audit-events") else 500)
        for name, value in received.items():
            self.send_header(f"X-Echo-{name}", value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_HEAD = _answer

    def log_message(self, *_: Any) -> None:
        """Log nothing."""
