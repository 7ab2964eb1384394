"""Segment's Webhooks destination, classic and Actions, with signed bodies.

`X-Signature` is the lower-case hex HMAC-SHA1 of the body, or of its first event if the body is an
array (Segment's documentation of both destinations); `X-Segment-Signature`, if present, covers the
whole body. Signatures have no timestamp: the intake refuses an `X-Signature` that comes again with
other records, and repeated events are deduplicated by event id.
"""

import hmac
import json
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from trail.core.model import Received, Receiver, RefusedError, Sent
from trail.core.section import EDITABLE, Section
from trail.core.settings import Settings
from trail.ingest import json_records, quarantine

_PATH = "/webhooks/segment"
_OF_ALL = "x-segment-signature"
_HEX = frozenset("0123456789abcdef")


class WebhookSettings(Section):
    """Segment's Webhooks destination."""

    section: ClassVar[str] = "push"
    webhook_secrets: tuple[SecretStr, ...] = Field(
        (),
        description="Shared secrets of Segment's webhook; two while a secret is rotated.",
        title="Webhook secrets",
        json_schema_extra=EDITABLE,
    )
    body_bytes: int = Field(4_194_304, ge=1024, description="Maximum webhook body size in bytes.")
    accept_unverified: bool = Field(
        True,
        description="Keep the events of a webhook batch that its signature does not cover, marked "
        "as unverified; otherwise they are quarantined.",
        title="Keep unverified events of batches",
        json_schema_extra=EDITABLE,
    )


def read(sent: Sent, settings: Settings) -> Received:
    """Return the events of a signed body.

    If the signature of an array covers only its first event, the others are not verified, and with
    `push.accept_unverified = false` refused one by one. Raises `RefusedError`: 401 for a missing or
    wrong signature, 415 for a compressed body.
    """
    if sent.header("content-encoding") not in ([], ["identity"]):
        raise RefusedError(415, reason="compressed body")
    secrets = _secrets(settings)
    given = sent.header("x-signature")
    other_proof = _is_signed(sent.header(_OF_ALL), sent.body, secrets)
    whole = _is_signed(given, sent.body, secrets)
    events = _elements(sent.body)
    # Also where all is proved: the signature of the first event could be sent again without that.
    first = whole or any(_is_signed(given, form, secrets) for form in _forms(events[:1]))
    if not (other_proof or first):
        reason = "missing or wrong signature" if secrets else "no secret is set"
        raise RefusedError(401, reason=reason)
    verified = tuple(other_proof or whole or number == 0 for number in range(len(events)))
    accepts = settings.of(WebhookSettings).accept_unverified
    return Received(
        tuple(events),
        verified,
        signature=bytes.fromhex(given[0]) if first else b"",
        other_proof=other_proof,
        refusals=tuple("" if item or accepts else quarantine.UNVERIFIED for item in verified),
    )


def _secrets(settings: Settings) -> list[bytes]:
    given = (
        secret.get_secret_value().encode()
        for secret in settings.of(WebhookSettings).webhook_secrets
    )
    return [secret for secret in given if secret]


def _is_signed(given: list[str], data: bytes, secrets: list[bytes]) -> bool:
    """Return whether *given* is one signature of *data* under any secret."""
    if len(given) != 1 or len(given[0]) != 40 or not _HEX.issuperset(given[0]):
        return False
    made = [hmac.digest(secret, data, "sha1").hex() for secret in secrets]
    return any([hmac.compare_digest(item, given[0]) for item in made])  # noqa: C419 - constant time


def _elements(body: bytes) -> list[bytes]:
    """Return the exact bytes of each event, broken ones included; another body is one event."""
    try:
        items, _ = json_records.split(body)
    except ValueError:
        return [body] if body.strip() else []
    return items


def _forms(first: list[bytes]) -> list[bytes]:
    """Return what the sender may have signed of the *first* event: its bytes, or compact JSON.

    Compact JSON is excluded if a name is repeated: the signature would cover the last value, while
    the first is used.
    """
    if not first:
        return []
    (event,) = first
    try:
        document = json.loads(event, object_pairs_hook=_unique)
        # Half a surrogate pair is escaped, as JSON.stringify does.
        compact = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode(
            errors="backslashreplace"
        )
    except (ValueError, RecursionError):
        return [event]
    return [event, compact]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name is repeated")
    return made


def probe(settings: Settings) -> Sent:
    """Return a signed request without events."""
    body = b"[]"
    signature = hmac.digest(_secrets(settings)[0], body, "sha1").hex()
    return Sent(_PATH, (("x-signature", signature),), body)


LOADER = Receiver(
    name="webhook",
    title="Segment webhook",
    rank=20,
    section=WebhookSettings,
    example={"webhook_secrets": ["shared-secret"]},
    paths=(_PATH,),
    max_bytes=lambda settings: settings.of(WebhookSettings).body_bytes,
    read=read,
    probe=probe,
    purposes={_PATH: "Receive signed webhooks from Segment."},
    signature_header="X-Signature",
)
