"""Slack, through an incoming webhook, as a Block Kit message.

Limits from Slack's Block Kit reference: 50 blocks, 150 characters in a header, 3,000 in a section,
10 fields of 2,000, 75 in a button, 3,000 in its URL. Event text is escaped (& < >) and sent as
`plain_text`, in which Slack interprets no formatting, mentions or links.
"""

import datetime as dt
import json
from typing import Any

from forwarders._digest import DigestLine, DigestPart
from forwarders._message import Message, compose
from trail.core.errors import InputError
from trail.core.model import FormField, Forwarder, Notification, Request, Response, Values, Verdict
from trail.core.text import one_line
from trail.notifications import retry_policy

# Parts of a digest, and lines of each.
_PARTS, _LINES = 12, 12
_HEADER, _SECTION, _FIELD, _FIELDS, _URL = 150, 3_000, 2_000, 10, 3_000
_SEVERITY_ICONS = {"info": "", "warning": "⚠ ", "critical": "🔴 "}
# Errors of a removed webhook (Slack documentation, Sending messages using incoming webhooks).
_GONE = (b"no_service", b"no_team", b"channel_is_archived", b"channel_not_found")
_UNAUTHORISED = (b"invalid_token", b"action_prohibited", b"no_active_hooks")


def escape(text: str) -> str:
    """Return *text* with Slack's three control characters escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def request(
    notification: Notification, settings: Values, secrets: Values, now: dt.datetime
) -> Request:
    """Return the POST to the incoming webhook; raises `InputError` without a URL."""
    if not secrets.get("url"):
        raise InputError("Slack: the webhook URL is missing.")
    message = compose(notification, settings)
    # `text` is what push notifications and screen readers use.
    body = {
        "text": _truncate(
            escape(f"{_SEVERITY_ICONS[message.severity]}{message.sentence}"), _SECTION
        ),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": _blocks(message),
    }
    data = json.dumps(body, ensure_ascii=False).encode()
    return Request(secrets["url"], (("Content-Type", "application/json"),), data)


def judge(response: Response) -> Verdict:
    """Return the verdict; Slack's error code is the body of its response."""
    code = response.body.strip()
    if response.status >= 400 and code in _GONE:
        return Verdict("gone", f"Slack: {code.decode()}. The channel or webhook was removed.")
    if response.status >= 400 and code in _UNAUTHORISED:
        return Verdict("unauthorised", f"Slack: {code.decode()}.")
    return retry_policy.judge(response)


def _blocks(message: Message) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": _plain_text(f"{_SEVERITY_ICONS[message.severity]}{message.title}", _HEADER),
        },
        {"type": "section", "text": _plain_text(message.sentence or message.title, _SECTION)},
    ]
    blocks += [_rich_text(part) for part in message.parts[:_PARTS] if part.lines]
    facts = [_plain_text(f"{name}: {value}", _FIELD) for name, value in message.facts]
    blocks += [
        {"type": "section", "fields": facts[start : start + _FIELDS]}
        for start in range(0, min(len(facts), 4 * _FIELDS), _FIELDS)
    ]
    if message.reason:
        blocks.append({"type": "context", "elements": [_plain_text(message.reason, _FIELD)]})
    buttons = [
        {"type": "button", "text": _plain_text(name, 75), "url": url, "action_id": f"open-{number}"}
        for number, (name, url) in enumerate(message.links())
        if len(url) <= _URL
    ]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    return blocks


def _rich_text(part: DigestPart) -> dict[str, Any]:
    """Return a part of a digest as a list; in its elements Slack interprets no formatting."""
    items = [_list_item(line) for line in part.lines[:_LINES]]
    if len(part.lines) > _LINES:
        items.append(_section(_element(f"{len(part.lines) - _LINES:,} more")))
    bullets = {"type": "rich_text_list", "style": "bullet", "elements": items}
    if not part.title:
        return {"type": "rich_text", "elements": [bullets]}
    heading = [{**_element(part.title), "style": {"bold": True}}]
    if part.note:
        heading.append(_element(f" {part.note}"))
    return {"type": "rich_text", "elements": [_section(*heading), bullets]}


def _list_item(line: DigestLine) -> dict[str, Any]:
    text = _element(line.text)
    if line.url and len(line.url) <= _URL:
        text = {**text, "type": "link", "url": line.url}
    more = f"  {line.number}" if line.number else ""
    more += f" ({line.note})" if line.note else ""
    return _section(text, *([_element(more)] if more else []))


def _section(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": list(elements)}


def _element(text: str) -> dict[str, Any]:
    # Slack's references (<!channel>) begin with a character that these texts do not have at all.
    plain = text.replace("<", "‹").replace(">", "›")[:_SECTION]
    return {"type": "text", "text": plain or "–"}


def _plain_text(text: str, limit: int) -> dict[str, Any]:
    return {
        "type": "plain_text",
        "text": _truncate(escape(one_line(text, limit)), limit),
        "emoji": False,
    }


def _truncate(text: str, limit: int) -> str:
    """Return escaped *text* truncated to *limit* characters, not inside an escape sequence."""
    if len(text) <= limit:
        return text
    prefix = text[: limit - 1]
    start = prefix.rfind("&")
    if start >= 0 and ";" not in prefix[start:]:
        prefix = prefix[:start]
    return prefix + "…"


FORWARDER = Forwarder(
    name="slack",
    title="Slack",
    settings=(
        FormField(
            "undo_url",
            "Undo link",
            "HTTPS URL with {target_type}, {target_id} or {workspace_id}; leave empty to disable",
            example="https://app.example.com/{workspace_id}/{target_type}/{target_id}",
        ),
    ),
    secrets=(
        FormField(
            "url",
            "Webhook URL",
            "From Slack: https://hooks.slack.com/…",
            True,
            example="https://hooks.example.com/services/T1/B1/x",
        ),
    ),
    request=request,
    judge=judge,
)
