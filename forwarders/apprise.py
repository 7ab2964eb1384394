"""Services of the Apprise library, such as Teams, PagerDuty and Telegram.

The Apprise URL contains the service's credentials, so the whole URL is a secret.
"""

import datetime as dt
import json

from forwarders._message import compose
from trail.core.errors import InputError
from trail.core.model import FormField, Forwarder, Notification, Request, Response, Values, Verdict
from trail.notifications import apprise_transport, retry_policy

_TYPES = {"info": "info", "warning": "warning", "critical": "failure"}


def request(
    notification: Notification, settings: Values, secrets: Values, now: dt.datetime
) -> Request:
    """Return title, plain text and type for Apprise; raises `InputError` without a URL."""
    if "://" not in secrets.get("url", ""):
        raise InputError("Apprise: the Apprise URL is missing.")
    message = compose(notification, settings)
    text = message.text() + (f"\n{message.reason}" if message.reason else "")
    body = {"title": message.title, "body": text, "type": _TYPES[message.severity]}
    return Request(secrets["url"], body=json.dumps(body).encode())


def judge(response: Response) -> Verdict:
    """Return the verdict; a URL that Apprise cannot use is a setting to correct."""
    if response.status == 400:
        return Verdict("refused", response.error)
    return retry_policy.judge(response)


FORWARDER = Forwarder(
    name="apprise",
    title="Apprise",
    settings=(FormField("undo_url", "Undo link", "Same format as for Slack"),),
    secrets=(
        FormField(
            "url", "Apprise URL", "For example pagerduty://…", True, example="json://host/path"
        ),
    ),
    request=request,
    send=apprise_transport.send,
    judge=judge,
)
