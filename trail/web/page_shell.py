"""The HTML page that loads Streamlit in the browser: told where the server is, once per start.

Streamlit's own page leaves its address to be found out: opened at `/explore`, the browser first
asks below `/explore/`, is refused, and only then asks `/`. The routes of this product are at the
root of a host, so the page says that. Its inline scripts are allowed by their hashes.
"""

import base64
import gzip
import hashlib
import re
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Read by Streamlit before it connects; hosts of Streamlit apps set it the same way.
_ADDRESS = b"<script>window.__streamlit = { BACKEND_BASE_URL: window.location.origin }</script>"
_INLINE = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
# What would make the inner app compress its page, or answer that it has not changed.
_CONDITIONS = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")


class Page:
    """Streamlit's page as installed (`original`), and as it is served (`body`)."""

    def __init__(self, file: Path) -> None:
        self.original = file.read_bytes()
        self.body = self.original.replace(b"<head>", b"<head>\n    " + _ADDRESS, 1)
        self.compressed = gzip.compress(self.body, mtime=0)

    @property
    def script_sources(self) -> tuple[str, ...]:
        """Return a source of `script-src` for each inline script: `'sha256-…'`."""
        digests = (hashlib.sha256(script).digest() for script in _INLINE.findall(self.body))
        return tuple(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


class PageShell:
    """ASGI middleware that answers *page* wherever the app answers Streamlit's own page."""

    def __init__(self, app: ASGIApp, page: Page) -> None:
        self._app, self._page = app, page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an answer with another body stays as it is."""
        if not _asks_for_a_page(scope):
            await self._app(scope, receive, send)
            return
        kept = [pair for pair in scope["headers"] if pair[0].lower() not in _CONDITIONS]
        answer = _Answer(self._page, scope, receive, send)
        await self._app({**scope, "headers": kept}, receive, answer.send)


def _asks_for_a_page(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    return "text/html" in Headers(scope=scope).get("accept", "")


class _Answer:
    """An answer that is held back while it may be Streamlit's page."""

    def __init__(self, page: Page, scope: Scope, receive: Receive, send: Send) -> None:
        self._page, self._scope, self._receive, self._send = page, scope, receive, send
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        original = self._page.original
        if message["type"] == "http.response.start":
            headers = Headers(raw=message["headers"])
            if message["status"] == 200 and headers.get("content-length") == str(len(original)):
                self._start = message
                return
        if self._start is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        start, self._start = self._start, None
        if self._body == original:
            await self._page_response(start)(self._scope, self._receive, self._send)
            return
        await self._send(start)
        await self._send({"type": "http.response.body", "body": self._body})

    def _page_response(self, start: Message) -> Response:
        is_compressed = "gzip" in Headers(scope=self._scope).get("accept-encoding", "")
        headers = MutableHeaders(raw=list(start["headers"]))
        for name in ("content-length", "etag", "last-modified", "accept-ranges"):
            del headers[name]
        headers["vary"] = "Accept-Encoding"
        if is_compressed:
            headers["content-encoding"] = "gzip"
        body = self._page.compressed if is_compressed else self._page.body
        return Response(body, start["status"], headers)
