"""Segment's Webhooks destination, classic and Actions: a signed body in, raw records out.

The signature is `X-Signature`, lower-case hex HMAC-SHA1 with the shared secret: of the body, or
of the first event where the body is an array (so says Segment's documentation of both
destinations); newer deliveries may add `X-Segment-Signature` over the whole body. Nothing in it
tells when it was made: a replay is stopped by the event's id alone.
"""

import hmac
import json
from typing import Any, ClassVar

import orjson
from pydantic import Field, SecretStr

from trail.core.model import Received, Receiver, RefusedError, Sent
from trail.core.settings import Section, Settings
from trail.ingest import json_records

_PATH = "/webhooks/segment"
_OF_ALL = "x-segment-signature"
_HEX = frozenset("0123456789abcdef")


class WebhookSettings(Section):
    """Segment's Webhooks destination."""

    section: ClassVar[str] = "push"
    webhook_secrets: tuple[SecretStr, ...] = Field(
        (), description="Shared secrets of Segment's webhook; two during a rotation."
    )
    body_bytes: int = Field(4_194_304, ge=1024, description="Maximum webhook body size in bytes.")


def read(sent: Sent, settings: Settings) -> Received:
    """Return the events of a signed body.

    Of an array whose signature covers only its first event, the others are not verified. Raises
    `RefusedError`: 401 without a body for a signature that is missing or wrong, 415 for a packed
    body, which Segment never sends.
    """
    if sent.header("content-encoding") not in ([], ["identity"]):
        raise RefusedError(415, reason="packed body")
    secrets = _secrets(settings)
    given = sent.header("x-signature")
    whole = any(_proved(each, sent.body, secrets) for each in (given, sent.header(_OF_ALL)))
    events = _elements(sent.body)
    if whole:
        return Received(tuple(events), (True,) * len(events))
    if events and any(_proved(given, form, secrets) for form in _forms(events[0])):
        return Received(tuple(events), (True,) + (False,) * (len(events) - 1))
    raise RefusedError(401, reason="signature missing or wrong" if secrets else "no secret is set")


def _secrets(settings: Settings) -> list[bytes]:
    given = (
        secret.get_secret_value().encode()
        for secret in settings.of(WebhookSettings).webhook_secrets
    )
    return [secret for secret in given if secret]


def _proved(given: list[str], data: bytes, secrets: list[bytes]) -> bool:
    """Return whether the one signature *given* is that of *data* under any secret."""
    if len(given) != 1 or len(given[0]) != 40 or not _HEX.issuperset(given[0]):
        return False
    made = [hmac.digest(secret, data, "sha1").hex() for secret in secrets]
    return any([hmac.compare_digest(each, given[0]) for each in made])  # noqa: C419 - all, always


def _elements(body: bytes) -> list[bytes]:
    """Return the exact bytes of each event; a body that is no JSON is one record as it is."""
    try:
        if orjson.loads(body).__class__ is list:
            return [text.encode() for text in json_records.elements(body.decode())]
    except ValueError:
        pass
    return [body] if body.strip() else []


def _forms(event: bytes) -> list[bytes]:
    """Return what the sender may have signed: the bytes as they are, or written compactly.

    Not compactly where a name is repeated: of two values the signature would prove the last, and
    the first is the one that is read.
    """
    try:
        told = json.loads(event, object_pairs_hook=_once)
        compact = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return [event]
    return [event, compact]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
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
)
