"""Preview of a message, and a test message sent on request."""

import datetime as dt
import gzip
import json
import secrets
from collections.abc import Container, Mapping
from typing import Any

from trail.core.clock import utc_text
from trail.core.errors import InputError
from trail.core.model import Notification, Verdict
from trail.core.sections import Forward
from trail.notifications.deliveries import Delivery
from trail.notifications.destination import Destination
from trail.notifications.worker import Forwarding

_GZIP = b"\x1f\x8b"


def preview(destination: Destination, notification: Notification) -> str:
    """Return the body of the message for *notification*, unpacked; secrets are examples."""
    examples = {secret.name: secret.example for secret in destination.forwarder.secrets}
    now = dt.datetime.now(dt.UTC)
    request = destination.forwarder.request(notification, destination.settings, examples, now)
    packed = request.body.startswith(_GZIP)
    text = (gzip.decompress(request.body) if packed else request.body).decode(errors="replace")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def send_test(
    forwarding: Forwarding,
    destination: Destination,
    kind: str = "test",
    body: Mapping[str, Any] | None = None,
    *,
    forward: Forward | None = None,
    entered: Container[str] = (),
) -> Verdict:
    """Send a test message immediately, outside the queue; return the verdict.

    It is marked as a test, even if it is a message of another *kind* with its *body*. It is not
    retried and does not switch the destination off. For a destination that is not stored yet,
    *forward* replaces the settings, including the secrets named in *entered*. Raises `InputError`
    for unusable settings.
    """
    now = forwarding.clock()
    sample = {
        "title": "Test message from the audit trail",
        "text": "This destination receives messages.",
        "severity": "info",
        "at": utc_text(now),
    }
    content = {**(sample if body is None else body), "test": True}
    delivery = Delivery(0, kind, f"test-{secrets.token_hex(8)}", content, now, 1)
    verdict, _ = forwarding.attempt(destination, delivery, forward, entered)
    if verdict.kind == "refused":
        raise InputError(verdict.text)
    return verdict
