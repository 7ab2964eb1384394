"""Before it counts: what a message would look like, and one that says it is a test."""

import datetime as dt
import json
import secrets

from trail.errors import InputError
from trail.model import Parcel, Verdict
from trail.outbox.deliveries import Delivery
from trail.outbox.destinations import Destination
from trail.outbox.worker import Forwarding


def preview(destination: Destination, parcel: Parcel) -> str:
    """Return the body of the message that *parcel* would become, to be shown; no secret in it."""
    blanks = {blank.name: _stand_in(blank.name) for blank in destination.forwarder.secrets}
    now = dt.datetime.now(dt.UTC)
    request = destination.forwarder.request(parcel, destination.settings, blanks, now)
    text = request.body.decode(errors="replace")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def _stand_in(blank: str) -> str:
    return "https://example.com/" if blank == "url" else "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def send_test(forwarding: Forwarding, destination: Destination) -> Verdict:
    """Send one message that says it is a test, at once and past the queue; return the verdict.

    It is not retried and does not switch the destination off. Raises `InputError` for settings
    that cannot be used.
    """
    now = forwarding.clock()
    body = {
        "title": "A test from the audit trail",
        "text": "If you can read this, messages arrive here.",
        "severity": "info",
        "at": f"{now.isoformat()}Z",
        "test": True,
    }
    delivery = Delivery(0, "test", f"test-{secrets.token_hex(8)}", body, now, 1)
    verdict, _ = forwarding.try_one(destination, delivery)
    if verdict.kind == "refused":
        raise InputError(verdict.words)
    return verdict
