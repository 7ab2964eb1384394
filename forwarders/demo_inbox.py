"""The inbox of the demo workspace: keeps the latest messages in this process and sends nothing.

Only the demo offers it, so that rules can be tried before a service is connected.
"""

import datetime as dt
import json
from collections import deque

from forwarders._message import compose
from trail.core.model import Forwarder, Notification, Request, Response, Transport, Values

_MOST = 100  # messages

_messages: deque[bytes] = deque(maxlen=_MOST)


def request(
    notification: Notification, settings: Values, secrets: Values, now: dt.datetime
) -> Request:
    """Return the message as JSON: title, text, severity and link."""
    composed = compose(notification, settings)
    body = {
        "title": composed.title,
        "text": composed.text(),
        "reason": composed.reason,
        "severity": composed.severity,
    }
    return Request("demo://inbox", (), json.dumps(body, ensure_ascii=False).encode())


def send(request: Request, http: Transport) -> Response:
    """Keep the message."""
    _messages.append(request.body)
    return Response(200)


def messages() -> list[bytes]:
    """Return the messages that are kept, oldest first."""
    return list(_messages)


FORWARDER = Forwarder(
    name="demo_inbox",
    title="Demo inbox",
    settings=(),
    secrets=(),
    request=request,
    send=send,
    demo_only=True,
)
