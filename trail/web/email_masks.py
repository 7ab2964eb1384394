"""Masked e-mails for the roles in `auth.mask_emails`: in every response, without a way to guess.

Every response to such a caller passes through here, so that no page, route or format can omit it.
Content that cannot be masked, such as signed evidence, is refused. A search could guess e-mails
letter by letter, so these roles have none.
"""

import re
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Scope, Send

from trail.accounts.users import User
from trail.core.email_mask import MaskedStream
from trail.runtime import process

_TEXT = re.compile(
    r"text/|application/([\w.-]+\+)?(json|x-ndjson|ndjson|javascript)", re.IGNORECASE
)
_WHOLE = re.compile(r"/(export\.(?!([\w-]+\.)?(csv|ndjson)$)|mcp(/|$))")
# Parameters with typed text: a search, and the prefix of a value to complete.
_TYPED = ("q", "text")
NO_SEARCH = "Your role sees masked e-mails and cannot search for text or e-mails."


def is_masked(user: User | None) -> bool:
    """Return whether *user* sees masked e-mails; this includes API tokens of such a user."""
    masked = process.current().settings.auth.mask_emails
    return user is not None and not {user.role, user.owner_role}.isdisjoint(masked)


def leads_to_emails(name: str, value: str) -> bool:
    """Return whether a URL parameter searches for a text or an e-mail."""
    return name in _TYPED or "@" in value


def refusal(user: User | None, path: str, query: str) -> tuple[int, str, str] | None:
    """Return status, error and hint for a request that a masked user may not make, or None."""
    if not is_masked(user):
        return None
    if _WHOLE.match(path):
        return (
            403,
            "Not available to roles with masked e-mails.",
            "Use CSV or NDJSON, or ask an owner.",
        )
    pairs = parse_qsl(query, keep_blank_values=True)
    if "@" in path or (path != "/api/time" and any(leads_to_emails(*pair) for pair in pairs)):
        return 403, NO_SEARCH, "Use facets and filters."
    return None


def uncompressed(scope: Scope) -> Scope:
    """Return *scope* without headers that allow a compressed or partial response."""
    dropped = (b"accept-encoding", b"range", b"if-range")
    headers = [pair for pair in scope["headers"] if pair[0].lower() not in dropped]
    return {**scope, "headers": headers}


class MaskedAnswer:
    """Sends one HTTP response with masked e-mails; other formats than text are not sent."""

    def __init__(self, send: Send) -> None:
        self._send, self._stream, self._is_text = send, MaskedStream(), True

    async def send(self, message: Message) -> None:
        """Send *message* of the response, masked."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            self._is_text = _is_text(headers)
            if not self._is_text:
                message = {**message, "status": 403}
                headers["content-length"] = "0"
            for name, value in headers.items():
                headers[name] = (
                    MaskedStream().feed(value.encode("latin-1"), last=True).decode("latin-1")
                )
            await self._send(message)
        elif message["type"] == "http.response.body":
            more = message.get("more_body", False)
            body = self._stream.feed(message.get("body", b""), last=not more)
            await self._send({**message, "body": body if self._is_text else b""})
        else:
            await self._send(message)


def _is_text(headers: Headers) -> bool:
    kind = headers.get("content-type", "")
    encoded = headers.get("content-encoding", "identity") != "identity"
    return not encoded and (not kind or bool(_TEXT.match(kind)))
