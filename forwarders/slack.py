"""Slack, by an incoming webhook: a message of Block Kit that says who, what, why, and links.

Limits are those of Slack's reference of blocks: 50 blocks, 150 characters of a header, 3,000 of a
section's text, 10 fields of 2,000, 75 of a button's text, 3,000 of its address. What comes from an
event is escaped as Slack's page on formatting says (& < >) and stands in `plain_text`, where Slack
reads no formatting, no mention and no link.
"""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from forwarders._message import Message, compose
from trail.core.event_text import one_line
from trail.errors import InputError
from trail.model import Answer, Blank, Forwarder, Parcel, Request, Verdict
from trail.outbox import answers

_HEADER, _SECTION, _FIELD, _FIELDS, _URL = 150, 3_000, 2_000, 10, 3_000
_MARKS = {"info": "", "warning": "⚠ ", "critical": "🔴 "}
# What Slack answers for a webhook that was taken away (its page on incoming webhooks).
_GONE = (b"no_service", b"no_team", b"channel_is_archived", b"channel_not_found")
_UNAUTHORISED = (b"invalid_token", b"action_prohibited", b"no_active_hooks")


def escape(text: str) -> str:
    """Return *text* with the three characters that Slack reads as control replaced."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def request(
    parcel: Parcel, settings: Mapping[str, str], secrets: Mapping[str, str], now: dt.datetime
) -> Request:
    """Return the POST to the incoming webhook; raises `InputError` without an address."""
    if not secrets.get("url"):
        raise InputError("Slack: the webhook's address is missing.")
    content = compose(parcel, settings)
    # `text` is read by notifications and by screen readers; escaped, and with no formatting.
    body = {
        "text": _cut(escape(f"{_MARKS[content.severity]}{content.sentence}"), _SECTION),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": _blocks(content),
    }
    data = json.dumps(body, ensure_ascii=False).encode()
    return Request("POST", secrets["url"], (("Content-Type", "application/json"),), data)


def judge(answer: Answer) -> Verdict:
    """Return what Slack's answer means; it says in a word what is wrong with a webhook."""
    word = answer.body.strip()
    if answer.status >= 400 and word in _GONE:
        return Verdict("gone", f"Slack answered {word.decode()}: the channel or webhook is gone.")
    if answer.status >= 400 and word in _UNAUTHORISED:
        return Verdict("unauthorised", f"Slack answered {word.decode()}.")
    return answers.judge(answer)


def _blocks(content: Message) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(f"{_MARKS[content.severity]}{content.title}", _HEADER)},
        {"type": "section", "text": _plain(content.sentence or content.title, _SECTION)},
    ]
    facts = [_plain(f"{name}: {value}", _FIELD) for name, value in content.facts]
    blocks += [
        {"type": "section", "fields": facts[start : start + _FIELDS]}
        for start in range(0, min(len(facts), 4 * _FIELDS), _FIELDS)
    ]
    if content.reason:
        blocks.append({"type": "context", "elements": [_plain(content.reason, _FIELD)]})
    buttons = [
        {"type": "button", "text": _plain(name, 75), "url": url, "action_id": f"open-{number}"}
        for number, (name, url) in enumerate(content.links())
        if len(url) <= _URL
    ]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    return blocks


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": _cut(escape(one_line(text, most)), most), "emoji": False}


def _cut(text: str, most: int) -> str:
    """Return at most so much of escaped *text*, never half of an escape."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    start = kept.rfind("&")
    if start >= 0 and ";" not in kept[start:]:
        kept = kept[:start]
    return kept + "…"


FORWARDER = Forwarder(
    name="slack",
    title="Slack",
    settings=(
        Blank(
            "undo_url",
            "Undo link",
            "An https address with {target_type}, {target_id} or {workspace_id}; empty has none.",
        ),
    ),
    secrets=(Blank("url", "Webhook address", "Slack's https://hooks.slack.com/…", required=True),),
    request=request,
    judge=judge,
)
