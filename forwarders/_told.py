"""What is told of a parcel, in words, before any service's own form of it.

Separate so that a thing reads the same in Slack, in a mail and on a phone. Nothing here is escaped:
each forwarder does that for its own service.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from trail.model import Parcel

SEVERITIES = ("info", "warning", "critical")
_VERBS = {
    "create": "created",
    "modify": "changed",
    "delete": "deleted",
    "enable": "enabled",
    "disable": "disabled",
    "connect": "connected",
    "disconnect": "disconnected",
    "download": "downloaded",
}
_DONE = re.compile(
    r"\s+(created|modified|updated|deleted|enabled|disabled|downloaded|removed|connected"
    r"|disconnected|settings saved)$",
    re.IGNORECASE,
)
_PLURALS = {"warehouses": "warehouse", "integrations": "integration"}


@dataclass(frozen=True, slots=True)
class Told:
    """A title, one sentence, named facts, why it is told, and links (empty where there is none)."""

    title: str
    sentence: str
    facts: tuple[tuple[str, str], ...]
    reason: str
    severity: str
    link: str
    undo: str

    def text(self) -> str:
        """Return all of it as plain text, one thing a line."""
        lines = [self.sentence, *(f"{name}: {value}" for name, value in self.facts)]
        lines += [f"{name}: {url}" for name, url in self.links()]
        return "\n".join(line for line in lines if line)

    def links(self) -> list[tuple[str, str]]:
        """Return the links with their words."""
        pairs = [("Open in the audit trail", self.link), ("Undo in Segment", self.undo)]
        return [(name, url) for name, url in pairs if url]


def told(parcel: Parcel, settings: Mapping[str, str]) -> Told:
    """Return what to say of *parcel*; never raises on what an event brings."""
    made = {
        "event": _event,
        "alert": _alert,
        "finding": _finding,
        "incident": _incident,
        "seal": _seal,
    }.get(parcel.kind, _notice)
    return made(parcel, settings.get("undo_url", ""))


def flat(value: object, most: int = 300) -> str:
    """Return *value* as one line of printable characters, cut with an ellipsis."""
    text = "" if value is None else str(value)
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def who(event: Mapping[str, Any]) -> str:
    """Return who did it: the name, else the e-mail, else the id."""
    for name in ("actor_name", "actor_email", "actor_id"):
        if event.get(name):
            return flat(event[name])
    return "Somebody unknown"


def sentence(event: Mapping[str, Any]) -> str:
    """Return an event in one sentence."""
    action, kind = flat(event.get("action") or "A change"), str(event.get("kind") or "")
    what = flat(event.get("target_name") or event.get("target_id"))
    thing = _DONE.sub("", action).lower()
    thing = _PLURALS.get(thing, thing)
    if event.get("outcome") == "failure" or kind not in _VERBS or thing == action.lower():
        by = "" if event.get("actor_type") == "system" else f", by {who(event)}"
        return f"{action}{f': {what}' if what else ''}{by}."
    return f"{who(event)} {_VERBS[kind]} the {thing}{f' “{what}”' if what else ''}."


def _event(parcel: Parcel, undo_url: str) -> Told:
    event = parcel.body
    return Told(
        flat(event.get("action") or "Audit event", 120),
        sentence(event),
        _facts(event),
        "",
        "warning" if (_number(event.get("risk")) or 0) >= 7 else "info",
        _link(parcel.home, event),
        _undo(undo_url, event),
    )


def _alert(parcel: Parcel, undo_url: str) -> Told:
    body = parcel.body
    event: Mapping[str, Any] = body.get("event") or {}
    count, form = _number(body.get("count")) or 0, body.get("form")
    rule = flat(body.get("rule"), 120)
    facts: list[tuple[str, str]] = []
    if form == "first" and count == 1 and event:
        line = sentence(event)
    elif form == "overflow":
        line = flat(body.get("text"), 500)
    else:
        line = flat(body.get("text"), 500) or f"{count:,} × {rule}"
    if event:
        facts += _facts(event)
    facts += [
        (flat(each.get("label"), 120) or "Without target", f"×{_number(each.get('count')) or 0:,}")
        for each in body.get("targets", [])
        if form == "rollup"
    ]
    if body.get("more_targets"):
        facts.append(("Other targets", f"{body['more_targets']:,}"))
    reason = f"Rule “{rule}”" + (f": {flat(body.get('why'), 300)}" if body.get("why") else "")
    link = _link(parcel.home, event) if event else _query_link(parcel.home, body.get("query"))
    undo = _undo(undo_url, event) if event else ""
    title = f"{rule} (×{count:,})" if count > 1 else rule
    return Told(title, line, tuple(facts), reason, _severity(body), link, undo)


def _finding(parcel: Parcel, _: str) -> Told:
    body = parcel.body
    score = flat(body.get("score"), 20)
    reasons = [
        (flat(each.get("detector"), 60), f"{flat(each.get('text'))} (+{flat(each.get('points'))})")
        for each in body.get("reasons", [])[:8]
    ]
    return Told(
        f"Unusual: {who(body)}",
        f"{who(body)} on {flat(body.get('day'), 30)}: unusual with a score of {score}.",
        tuple(reasons),
        flat(body.get("why")),
        _severity(body),
        _page(parcel.home, "unusual", finding=body.get("finding_id")),
        "",
    )


def _incident(parcel: Parcel, undo_url: str) -> Told:
    body = parcel.body
    what = flat(body.get("target_name") or body.get("target_id"))
    attempts = _number(body.get("attempts")) or 0
    state = "is still failing" if body.get("open") else "has recovered"
    facts = [
        ("Class", flat(body.get("class"), 60)),
        ("First", flat(body.get("first_at"), 40)),
        ("Last", flat(body.get("last_at"), 40)),
    ]
    return Told(
        f"{flat(body.get('action'), 100)}: {what}",
        f"{flat(body.get('action'))} on {what} {state}: {attempts:,} attempts.",
        tuple(fact for fact in facts if fact[1]),
        flat(body.get("why")),
        _severity(body),
        _page(parcel.home, "failures", incident=body.get("incident_id")),
        _undo(undo_url, body),
    )


def _seal(parcel: Parcel, _: str) -> Told:
    body = parcel.body
    number, day = flat(body.get("number"), 20), flat(body.get("day"), 20)
    facts = (
        ("Seal", flat(body.get("seal"), 64)),
        ("The one before", flat(body.get("prev"), 64)),
        ("Key", flat(body.get("key"), 64)),
    )
    return Told(
        f"Seal {number} of the audit trail",
        f"Seal {number} says what {day} held. It stands for all seals before it: keep it.",
        tuple(fact for fact in facts if fact[1]),
        "",
        "info",
        parcel.home,
        "",
    )


def _notice(parcel: Parcel, _: str) -> Told:
    body = parcel.body
    return Told(
        flat(body.get("title") or "Audit trail", 140),
        flat(body.get("text"), 500),
        (),
        "This is a test." if parcel.kind == "test" else "",
        _severity(body),
        parcel.home,
        "",
    )


def _facts(event: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    name, email = flat(event.get("actor_name")), flat(event.get("actor_email"))
    actor = f"{name} ({email})" if name and email else who(event)
    target = flat(event.get("target_name") or event.get("target_id"))
    kind = flat(str(event.get("target_type") or "").replace("_", " "), 60)
    pairs = (
        ("Who", actor),
        ("What", f"{kind} {target}".strip()),
        ("When", flat(event.get("occurred_at"), 40)),
    )
    return tuple(pair for pair in pairs if pair[1])


def _severity(body: Mapping[str, Any]) -> str:
    said = body.get("severity")
    return str(said) if said in SEVERITIES else "info"


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _link(home: str, event: Mapping[str, Any]) -> str:
    at = str(event.get("occurred_at") or "").removesuffix("Z")
    return _page(home, "explore", event=event.get("event_id"), at=at)


def _query_link(home: str, query: object) -> str:
    # Written anew, so that nothing in a query can end the address or begin another.
    safe = quote(str(query or ""), safe="=&%+:~")
    return f"{home}/explore?{safe}" if home and query else _page(home, "explore")


def _page(home: str, page: str, **names: object) -> str:
    if not home:
        return ""
    query = urlencode({name: str(value) for name, value in names.items() if value})
    return f"{home}/{page}?{query}" if query else f"{home}/{page}"


def _undo(template: str, event: Mapping[str, Any]) -> str:
    """Return *template* with `{target_id}` and the like filled in, each as one part of a path."""
    if not template or not event.get("target_id"):
        return ""
    made = template
    for name in ("target_type", "target_id", "workspace_id"):
        value = str(event.get(name) or "").rpartition("/")[2]
        made = made.replace("{" + name + "}", quote(value, safe=""))
    return made if made.startswith("https://") else ""
