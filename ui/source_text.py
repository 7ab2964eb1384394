"""The health of a source in words, the same on every page."""

import datetime as dt
from zoneinfo import ZoneInfo

from trail.ingest.nodes import NodeStatus
from trail.ingest.source_health import STATE_NAMES, SourceHealth, State
from ui import text

# Mark and word of each state; the mark keeps its meaning without color.
_MARKS: dict[State, str] = {"ok": "✓", "failing": "▲", "silent": "◆", "never": "○", "off": "○"}
STATES: dict[State, tuple[str, str]] = {
    state: (mark, STATE_NAMES[state]) for state, mark in _MARKS.items()
}


def sentence(health: SourceHealth, now: dt.datetime, zone: ZoneInfo) -> str:
    """Return state, reason, last event and last success as plain text; *now* is aware."""
    mark, _ = STATES[health.state]
    parts = [f"{mark} {state(health, zone)}"]
    if health.message:
        parts.append(health.message.rstrip("."))
    if health.last_event:
        parts.append(f"Last event {text.short_timestamp(health.last_event, zone)}")
    if health.last_success and health.state in ("ok", "never"):
        parts.append(f"Last success {text.ago(health.last_success, now)}{_every(health)}")
    return ". ".join(parts) + "."


def state(health: SourceHealth, zone: ZoneInfo) -> str:
    """Return the word for the state and since when, such as `Failing since Thu 19 Nov 02:10`."""
    _, word = STATES[health.state]
    if health.since is None:
        return word
    return f"{word} since {text.short_timestamp(health.since, zone)}"


def short(health: SourceHealth, zone: ZoneInfo) -> str:
    """Return the state in a few words, or for a source that is OK its last event and interval."""
    if health.state != "ok":
        return state(health, zone)
    if health.last_event is None:
        return f"{STATES['ok'][1]}{_every(health)}"
    return f"last event {text.short_timestamp(health.last_event, zone)}{_every(health)}"


def ingest_process(node: NodeStatus, now: dt.datetime, zone: ZoneInfo) -> str:
    """Return state, last report and what waits of a process as plain text; *now* is naive UTC."""
    mark, _ = STATES["failing" if node.problems(now) else "ok"]
    seen = text.short_timestamp(node.seen_at, zone) if node.seen_at else "none"
    parts = [f"{mark} {node.node}. Last report {seen}"]
    if node.log_bytes:
        parts.append(f"{text.byte_size(node.log_bytes)} in its log")
    if node.waiting_parts:
        size = text.byte_size(node.waiting_bytes)
        parts.append(f"{text.count(node.waiting_parts, 'part')} waiting ({size})")
    if node.set_aside:
        parts.append(f"{text.count(node.set_aside, 'file')} cannot be read")
    if node.missing:
        parts.append(f"{text.count(node.missing, 'part')} never arrived")
    return ". ".join(parts) + "."


def _every(health: SourceHealth) -> str:
    if health.interval is None:
        return ""
    seconds = health.interval.total_seconds()
    duration = f"{seconds:g} s" if seconds < 60 else text.duration(seconds).removeprefix("1 ")
    return f", every {duration}"
