"""The text of a notification, the same for Slack, e-mail and every other service.

Nothing is escaped here; each forwarder escapes for its own service.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from forwarders import _digest
from forwarders._digest import DigestPart
from trail.core.event_text import actor, actor_note, sentence, target
from trail.core.model import Notification, Values
from trail.core.text import one_line

SEVERITIES = ("info", "warning", "critical")
_MAX_REASONS = 8


# By state. Only a success event says that something recovered.
_ENDED = "has had no recent failure"
_INCIDENT_STATES = {
    "open": "is still failing",
    "unknown": "was still failing when data ended",
    "quiet": _ENDED,
    "completed": "has recovered",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A title, one sentence, labeled facts, the reason for sending, and links (empty for none).

    A digest has `parts`, too.
    """

    title: str
    sentence: str
    facts: Sequence[tuple[str, str]] = ()
    reason: str = ""
    severity: str = "info"
    link: str = ""
    undo: str = ""
    parts: Sequence[DigestPart] = ()

    def text(self) -> str:
        """Return sentence, facts, parts and links as plain text, one item per line."""
        lines = [self.sentence, *(f"{name}: {value}" for name, value in self.facts)]
        if self.parts:
            lines += [_digest.plain(self.parts), ""]
        lines += [f"{name}: {url}" for name, url in self.links()]
        return "\n".join(line for line in lines if line)

    def links(self) -> list[tuple[str, str]]:
        """Return the links as (label, URL)."""
        pairs = [("Open in the audit trail", self.link), ("Undo in Segment", self.undo)]
        return [(name, url) for name, url in pairs if url]


def compose(notification: Notification, settings: Values) -> Message:
    """Return the message for *notification*; never raises, even for malformed events."""
    compose_kind = {
        "event": _event,
        "alert": _alert,
        "finding": _finding,
        "incident": _incident,
        "seal": _seal,
        "digest": _digest_message,
    }.get(notification.kind, _notice)
    return compose_kind(notification, settings.get("undo_url", ""))


def _event(notification: Notification, undo_url: str) -> Message:
    event = notification.body
    return Message(
        one_line(event.get("action") or "Audit event", 120),
        sentence(event),
        _facts(event),
        severity="warning" if _number(event.get("risk")) >= 7 else "info",
        link=_event_link(notification.home, event),
        undo=_undo(undo_url, event),
    )


def _alert(notification: Notification, undo_url: str) -> Message:
    body = notification.body
    event: Mapping[str, Any] = body.get("event") or {}
    count, form = _number(body.get("count")), body.get("form")
    rule, reason = one_line(body.get("rule"), 120), one_line(body.get("why"))
    text = one_line(body.get("text"), 500)
    if form == "first" and event:
        more = f" and {count - 1:,} more event{'s' * (count > 2)}." if count > 1 else ""
        text = sentence(event).removesuffix("." if more else "") + more
    elif form != "overflow":
        text = text or f"{count:,} × {rule}"
    facts = _facts(event) if event else []
    if form == "rollup":
        for row in body.get("targets", []):
            label = one_line(row.get("label"), 120) or "Without target"
            facts.append((label, f"×{_number(row.get('count')):,}"))
    if body.get("more_targets"):
        facts.append(("Other targets", f"{body['more_targets']:,}"))
    return Message(
        f"{rule} (×{count:,})" if count > 1 else rule,
        text,
        facts,
        f"Rule “{rule}”" + (f": {reason}" if reason else ""),
        _severity(body),
        _event_link(notification.home, event)
        if event
        else _query_link(notification.home, body.get("query")),
        _undo(undo_url, event),
    )


def _finding(notification: Notification, _undo_url: str) -> Message:
    body = notification.body
    person, day, score = (
        one_line(actor(body)),
        one_line(body.get("day"), 30),
        one_line(body.get("score"), 20),
    )
    # A message that waits since an earlier version has no title.
    title = one_line(body.get("title")) or f"Unusual activity by {person}"
    facts = [
        (
            # A message that waits since an earlier version has no titles.
            one_line(reason.get("title"), 60) or "Reason",
            f"{one_line(reason.get('text'))} (+{one_line(reason.get('points'))})",
        )
        for reason in body.get("reasons", [])[:_MAX_REASONS]
    ]
    return Message(
        f"Unusual activity: {person}",
        f"{title} (score {score}).",
        [*_present(("Day", day), ("Times in", one_line(body.get("tz"), 60))), *facts],
        one_line(body.get("why")),
        _severity(body),
        _page(notification.home, "unusual", finding=body.get("finding_id")),
    )


def _incident(notification: Notification, undo_url: str) -> Message:
    body = notification.body
    action, on_target = one_line(body.get("action")), one_line(target(body))
    attempts = _number(body.get("attempts"))
    state = str(body.get("state") or ("open" if body.get("open") else ""))
    what = f"{action} on {on_target} {_INCIDENT_STATES.get(state, _ENDED)}"
    return Message(
        f"{action[:100]}: {on_target}",
        f"{what} after {attempts:,} attempt{'s' * (attempts != 1)}.",
        _present(
            ("Class", one_line(body.get("class"), 60)),
            ("First", one_line(body.get("first_at"), 40)),
            ("Last", one_line(body.get("last_at"), 40)),
        ),
        one_line(body.get("why")),
        _severity(body),
        _page(notification.home, "failures", incident=body.get("incident_id")),
        _undo(undo_url, body),
    )


def _seal(notification: Notification, _undo_url: str) -> Message:
    body = notification.body
    number, day = one_line(body.get("number"), 20), one_line(body.get("day"), 20)
    return Message(
        f"Seal {number} of the audit trail",
        f"Seal {number} covers {day} and, through the chain, every day before it. "
        "Keep this message: it exposes any later change to those days.",
        _present(
            ("Seal", one_line(body.get("seal"), 64)),
            ("Previous seal", one_line(body.get("prev"), 64)),
            ("Key", one_line(body.get("key"), 64)),
        ),
        link=notification.home,
    )


def _digest_message(notification: Notification, _undo_url: str) -> Message:
    body, home = notification.body, notification.home
    return Message(
        one_line(body.get("title") or "Digest", 140),
        _digest.summary(body),
        reason="Test message" if body.get("test") else "",
        link=_digest.url(home, body.get("path")),
        parts=_digest.parts(body, home),
    )


def _notice(notification: Notification, _undo_url: str) -> Message:
    body, home = notification.body, notification.home
    return Message(
        one_line(body.get("title") or "Audit trail", 140),
        one_line(body.get("text"), 500),
        reason="Test message" if notification.kind == "test" else "",
        severity=_severity(body),
        link=_query_link(home, body["query"]) if body.get("query") else home,
    )


def _facts(event: Mapping[str, Any]) -> list[tuple[str, str]]:
    name, email = actor(event), event.get("actor_email")
    more = actor_note(event) or (email if email and email != name else "")
    kind = one_line(str(event.get("target_type") or "").replace("_", " "), 60)
    return _present(
        ("Actor", one_line(f"{name} ({more})" if more else name)),
        ("Target", f"{kind} {one_line(target(event))}".strip()),
        ("Time", one_line(event.get("occurred_at"), 40)),
    )


def _present(*facts: tuple[str, str]) -> list[tuple[str, str]]:
    return [fact for fact in facts if fact[1]]


def _severity(body: Mapping[str, Any]) -> str:
    severity = body.get("severity")
    return str(severity) if severity in SEVERITIES else "info"


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _event_link(home: str, event: Mapping[str, Any]) -> str:
    at = str(event.get("occurred_at") or "").removesuffix("Z")
    return _page(home, "explore", event=event.get("event_id"), at=at)


def _query_link(home: str, query: object) -> str:
    # Quoted again, so that a query cannot inject another URL.
    safe = quote(str(query or ""), safe="=&%+:~")
    return f"{home}/explore?{safe}" if home and query else _page(home, "explore")


def _page(home: str, page: str, **names: object) -> str:
    if not home:
        return ""
    query = urlencode({name: str(value) for name, value in names.items() if value})
    return f"{home}/{page}?{query}" if query else f"{home}/{page}"


def _undo(template: str, event: Mapping[str, Any]) -> str:
    """Return *template* with `{target_id}` and the like filled in, each as one path segment."""
    if not template or not event.get("target_id"):
        return ""
    url = template
    for name in ("target_type", "target_id", "workspace_id"):
        value = str(event.get(name) or "").rpartition("/")[2]
        url = url.replace("{" + name + "}", quote(value, safe=""))
    return url if url.startswith("https://") else ""
