"""The health of a source in words, the same on every page."""

import datetime as dt
from zoneinfo import ZoneInfo

from trail.ingest.source_health import STATE_NAMES, SourceHealth, State
from ui import text

# Mark and word of each state; the mark keeps its meaning without color.
_MARKS: dict[State, str] = {"ok": "✓", "failing": "▲", "silent": "◆", "never": "○", "off": "○"}
STATES: dict[State, tuple[str, str]] = {
    state: (mark, STATE_NAMES[state]) for state, mark in _MARKS.items()
}


def sentence(health: SourceHealth, now: dt.datetime, zone: ZoneInfo) -> str:
    """Return the state, its reason and the last event as plain text; *now* is aware."""
    mark, word = STATES[health.state]
    parts = [f"{mark} {word}"]
    if health.since:
        parts[0] += f" since {text.short_timestamp(health.since, zone)}"
    if health.message:
        parts.append(health.message.rstrip("."))
    if health.last_event:
        parts.append(f"Last event {text.short_timestamp(health.last_event, zone)}")
    if health.state == "ok" and health.interval and health.last_success:
        checked = text.ago(health.last_success, now)
        every = text.duration(health.interval.total_seconds())
        parts.append(f"Polled {checked}, every {every}")
    return ". ".join(parts) + "."
