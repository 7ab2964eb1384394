"""A signed webhook, following the Standard Webhooks specification 1.0.0.

Headers `webhook-id`, `webhook-timestamp` (seconds) and `webhook-signature`: `v1,` and base64 of
HMAC-SHA256 over `id.timestamp.body`, keyed with the secret's base64 after `whsec_`. The id is the
same for every attempt and replay of a notification.
"""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json

from trail.core.clock import utc_text
from trail.core.errors import InputError
from trail.core.model import FormField, Forwarder, Notification, Request, Values

_PREFIX = "whsec_"
# Key length in bytes that the specification allows.
_MIN_KEY, _MAX_KEY = 24, 64


def request(
    notification: Notification, settings: Values, secrets: Values, now: dt.datetime
) -> Request:
    """Return the POST of `{"type", "timestamp", "data"}`, signed at *now* (aware).

    Raises `InputError` for an invalid secret.
    """
    body = json.dumps(
        {
            "type": f"audit.{notification.kind}",
            "timestamp": utc_text(notification.created_at),
            "data": dict(notification.body),
        },
        default=str,
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()
    identifier = message_id(notification)
    timestamp = str(int(now.timestamp()))
    headers = (
        ("Content-Type", "application/json"),
        ("webhook-id", identifier),
        ("webhook-timestamp", timestamp),
        (
            "webhook-signature",
            sign(parse_secret(secrets.get("key", "")), identifier, timestamp, body),
        ),
    )
    return Request(settings.get("url", ""), headers, body)


def message_id(notification: Notification) -> str:
    """Return kind and key; the key is hashed if the specification does not allow its form."""
    plain = f"{notification.kind}_{notification.key}"
    if len(plain) <= 100 and all(c.isascii() and (c.isalnum() or c in "_-:") for c in plain):
        return plain
    digest = hashlib.sha256(notification.key.encode(errors="replace")).hexdigest()
    return f"{notification.kind}_{digest}"


def parse_secret(secret: str) -> bytes:
    """Return the signing key of a `whsec_` secret; raises `InputError` for an invalid one."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or not _MIN_KEY <= len(key) <= _MAX_KEY:
        raise InputError(
            "Signed webhook: the secret must be whsec_ followed by 24 to 64 bytes in base64.",
            "Create one: python -c \"import base64, os; print('whsec_' "
            '+ base64.b64encode(os.urandom(32)).decode())"',
        )
    return key


def sign(key: bytes, identifier: str, timestamp: str, body: bytes) -> str:
    """Return the value of `webhook-signature`."""
    signature = hmac.digest(key, f"{identifier}.{timestamp}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(signature).decode()


FORWARDER = Forwarder(
    name="webhook",
    title="Signed webhook",
    settings=(
        FormField("url", "URL", "https://…", True, example="https://hooks.example.com/audit"),
    ),
    secrets=(
        FormField(
            "key",
            "Signing secret",
            "whsec_ and base64",
            True,
            example="whsec_" + "A" * 32,
            signs=True,
        ),
    ),
    request=request,
    exact=True,
)
