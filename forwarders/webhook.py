"""A signed webhook, as the Standard Webhooks specification (1.0.0) has it.

Headers `webhook-id`, `webhook-timestamp` (seconds) and `webhook-signature`: `v1,` and base64 of
HMAC-SHA256 over `id.timestamp.body`, with the bytes that the secret holds in base64 after `whsec_`.
The id is that of what is told, so that a copy or a replay has the same.
"""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping

from trail.errors import InputError
from trail.model import Blank, Forwarder, Parcel, Request
from trail.outbox import answers

_PREFIX = "whsec_"
# The specification asks for 24 to 64 bytes.
_LEAST, _MOST = 24, 64


def request(
    parcel: Parcel, settings: Mapping[str, str], secrets: Mapping[str, str], now: dt.datetime
) -> Request:
    """Return the POST of `{"type", "timestamp", "data"}`, signed at *now* (aware).

    Raises `InputError` for a secret of another form.
    """
    body = json.dumps(
        {
            "type": f"audit.{parcel.kind}",
            "timestamp": f"{parcel.created_at.isoformat()}Z",
            "data": dict(parcel.body),
        },
        default=str,
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()
    name = message_id(parcel)
    stamp = str(int(now.timestamp()))
    headers = (
        ("Content-Type", "application/json"),
        ("webhook-id", name),
        ("webhook-timestamp", stamp),
        ("webhook-signature", sign(key_of(secrets.get("key", "")), name, stamp, body)),
    )
    return Request("POST", settings.get("url", ""), headers, body)


def message_id(parcel: Parcel) -> str:
    """Return the id: that of what is told where it is a plain word, else a digest of it."""
    plain = f"{parcel.kind}_{parcel.key}"
    if len(plain) <= 100 and all(c.isascii() and (c.isalnum() or c in "_-:") for c in plain):
        return plain
    return f"{parcel.kind}_{hashlib.sha256(parcel.key.encode(errors='replace')).hexdigest()}"


def key_of(secret: str) -> bytes:
    """Return the signing key of a `whsec_` secret; raises `InputError` for another form."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or not _LEAST <= len(key) <= _MOST:
        raise InputError(
            "The webhook's secret is not of the form whsec_ and base64 of 24 to 64 bytes.",
            "Make one: python -c \"import base64, os; print('whsec_' "
            '+ base64.b64encode(os.urandom(32)).decode())"',
        )
    return key


def sign(key: bytes, name: str, stamp: str, body: bytes) -> str:
    """Return the value of `webhook-signature`."""
    made = hmac.digest(key, f"{name}.{stamp}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(made).decode()


FORWARDER = Forwarder(
    name="webhook",
    title="Signed webhook",
    settings=(Blank("url", "Address", "https://…", required=True),),
    secrets=(Blank("key", "Signing secret", "whsec_ and base64", required=True),),
    request=request,
    judge=answers.judge,
    exact=True,
)
