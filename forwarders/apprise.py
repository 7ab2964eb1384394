"""Any other service, through the library Apprise: Teams, PagerDuty, Telegram and a hundred more.

The address is Apprise's own and holds that service's keys, so it is a secret as a whole. What is
sent is plain text; Apprise is told so, and escapes it for the service.
"""

import datetime as dt
import json
from collections.abc import Mapping

from forwarders._message import compose
from trail.errors import InputError
from trail.model import Answer, Blank, Forwarder, Parcel, Request, Verdict
from trail.outbox import answers

_TYPES = {"info": "info", "warning": "warning", "critical": "failure"}


def request(
    parcel: Parcel, settings: Mapping[str, str], secrets: Mapping[str, str], now: dt.datetime
) -> Request:
    """Return title, body and type for Apprise; raises `InputError` without an address."""
    if "://" not in secrets.get("url", ""):
        raise InputError("Apprise: the service's address is missing.")
    content = compose(parcel, settings)
    text = content.text() + (f"\n{content.reason}" if content.reason else "")
    body = {"title": content.title, "body": text, "type": _TYPES[content.severity]}
    return Request("APPRISE", secrets["url"], (), json.dumps(body).encode())


def judge(answer: Answer) -> Verdict:
    """Return what Apprise's one word means; an address that it cannot use is a setting to mend."""
    if answer.status == 400:
        return Verdict("refused", answer.trouble)
    return answers.judge(answer)


FORWARDER = Forwarder(
    name="apprise",
    title="Apprise",
    settings=(Blank("undo_url", "Undo link", "As for Slack"),),
    secrets=(Blank("url", "Apprise address", "Such as pagerduty://…", required=True),),
    request=request,
    judge=judge,
)
