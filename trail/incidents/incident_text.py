"""Text that describes incidents, the same on the page, in the command and in alerts.

Segment reports no success for most jobs, so the text says "no failure since" a time; only a success
event makes it "completed".
"""

import datetime as dt
from zoneinfo import ZoneInfo

from trail.core import time_labels
from trail.core.clock import naive_utc
from trail.core.text import count
from trail.incidents.grouping import EXHAUSTED, PERSISTENT, REPEATING, STORM, TRANSIENT
from trail.incidents.incident import COMPLETED, OPEN, QUIET, UNKNOWN, Change, Incident, has_ended

duration_text = time_labels.duration_text
length_text = time_labels.length_text

_NAMED = {3_600: "hourly", 86_400: "daily", 604_800: "weekly"}
_CLASS_TEXTS = {
    TRANSIENT: "A few attempts failed and then no more. Usually no action is needed.",
    EXHAUSTED: "One run failed on every attempt.",
    PERSISTENT: "Consecutive runs fail on every attempt.",
    REPEATING: "Consecutive runs fail, but not on every attempt.",
    STORM: "Many targets started failing at once. Check for a shared cause.",
}
# Largest relative deviation at which an interval still has a name.
_NAME_TOLERANCE = 0.1


def title(incident: Incident) -> str:
    """Return the headline without times: "Warehouse Snowflake: 24 failed attempts"."""
    if incident.class_ == STORM:
        return f"{_targets(incident)} started failing together"
    return f"{target_label(incident)}: {count(incident.attempts, 'failed attempt')}"


def headline(incident: Incident, now: dt.datetime, zone: ZoneInfo) -> str:
    """Return a headline: "Warehouse Snowflake: 24 failed attempts since Tue 6 Oct 02:00, hourly".

    *now* is aware; times are shown in *zone*.
    """
    start = time_labels.short(incident.first_at, zone, now)
    attempts = count(incident.attempts, "failed attempt")
    cadence = f", {cadence_text(incident.cadence_s)}" if incident.cadence_s else ""
    if incident.class_ == STORM:
        return f"{title(incident)} {start}: {attempts}"
    if incident.open:
        return f"{title(incident)} since {start}{cadence}"
    if incident.attempts == 1:
        return f"{title(incident)}, {start}"
    times = time_labels.span(incident.first_at, incident.last_at, zone, now)
    return f"{title(incident)}, {times}{cadence}"


def current_state(incident: Incident, now: dt.datetime, zone: ZoneInfo) -> str:
    """Return what is known since the last failure: "no failure since Tue 6 Oct 14:02".

    While it is open, only when it failed last: "last failed Tue 6 Oct 14:02". Never claims success
    without a success event, nor an end where data has ended: "last known failing Thu 23:15, no data
    since Thu 23:40".
    """
    if incident.completed_at:
        return f"completed {time_labels.short(incident.completed_at, zone, now)}"
    if incident.state == UNKNOWN:
        last = time_labels.short(incident.last_at, zone, now)
        until = time_labels.short(incident.known_until, zone, now)
        return f"last known failing {last}, no data since {until}"
    last = time_labels.short(incident.last_at, zone, now)
    return f"last failed {last}" if incident.state == OPEN else f"no failure since {last}"


def facts_text(incident: Incident) -> str:
    """Return the figures of an incident: "45 failed attempts in 9 runs · 0 flaps · 4 days"."""
    attempts = count(incident.attempts, "failed attempt")
    parts = [f"{attempts} in {count(incident.runs, 'run')}", count(incident.flaps, "flap")]
    parts.append(f"duration {length_text(incident.duration_s)}")
    if recover := recover_text(incident):
        # An open one has not recovered: it is what earlier ones took.
        whose = " of earlier incidents" if incident.open else ""
        parts.append(f"median time to recover{whose} {recover}")
    return " · ".join(parts)


def recover_text(incident: Incident) -> str:
    """Return the median time to recover, empty without any or if single attempts took no time."""
    return length_text(incident.recover_s) if incident.recover_s else ""


def state_text(state: str) -> str:
    """Return the name of a state of `incident.STATES`."""
    return {
        OPEN: "Open",
        UNKNOWN: "Unknown",
        QUIET: "No recent failure",
        COMPLETED: "Recovered",
    }[state]


def status_text(incident: Incident, now: dt.datetime, zone: ZoneInfo) -> str:
    """Return the state of a target in a few words: "Failing for 4 d 2 h, every attempt"."""
    if incident.state == OPEN:
        return _open_text(incident, now, zone)
    if incident.state == UNKNOWN:
        last = time_labels.short(incident.last_at, zone, now)
        return f"Last known failing {last}"
    if incident.state == QUIET and has_ended(incident.known_until, naive_utc(now)):
        return f"Unknown: no data since {time_labels.short(incident.known_until, zone, now)}"
    text = current_state(incident, now, zone)
    return text[0].upper() + text[1:]


def _open_text(incident: Incident, now: dt.datetime, zone: ZoneInfo) -> str:
    length = length_text(incident.duration_s)
    if incident.class_ == STORM:
        return f"Failing with {count(incident.targets - 1, 'other target')} for {length}"
    # The last run may still be retrying.
    if incident.exhausted and not incident.flaps:
        return f"Failing for {length}, every attempt"
    if incident.class_ == TRANSIENT:
        last = time_labels.short(incident.last_at, zone, now)
        return f"{count(incident.attempts, 'failed attempt')} so far, last {last}"
    cadence = f" {cadence_text(incident.cadence_s)}" if incident.cadence_s else ""
    return f"Failing{cadence} for {length}, {count(incident.flaps, 'flap')}"


def class_text(incident: Incident) -> str:
    """Return a sentence that explains the incident's class, as far as its state is known."""
    if incident.open and incident.class_ == TRANSIENT:
        text = "A few attempts have failed so far; more may follow."
    else:
        text = _CLASS_TEXTS[incident.class_]
    return f"Last known: {text[0].lower()}{text[1:]}" if incident.state == UNKNOWN else text


def change_text(change: Change) -> str:
    """Return how long before the incident a change was made, and how often its target changes.

    "Warehouses Modified 12 minutes before; this warehouse changes every 19 days".
    """
    text = f"{change.action} {duration_text(change.before_s)} before"
    if change.upstream:
        text += f" on {change.target_name or change.target_id}"
    target = _type_text(change.target_type) or "target"
    if change.changes <= 1:
        days = count(max(round(change.interval_days), 1), "day")
        return f"{text}; the only change to this {target} in {days}"
    return f"{text}; this {target} changes {cadence_text(change.interval_days * 86_400)}"


def changes_title(changes: list[Change]) -> str:
    """Return the title of a list of changes."""
    if not changes:
        return "No changes in the 24 hours before"
    if any(change.likely_cause for change in changes):
        return "Likely cause"
    return "Preceding changes"


def cause_text(change: Change) -> str:
    """Return who changed what how long before: "Warehouses Modified by Ana, 12 minutes before"."""
    return f"{change.action} by {change.actor}, {duration_text(change.before_s)} before"


def evidence_text(change: Change) -> str:
    """Return the strength of the evidence: "strong evidence: by chance about once in 900 days"."""
    return f"{change.strength} evidence: by chance {chance_text(change.chance_days)}"


def chance_text(days: float) -> str:
    """Return how often something happens by chance, once in *days*: "about once in 900 days"."""
    if days < 1.5:
        return "about once a day or more often"
    if days >= 100 * 365:
        return "less than once in 100 years"
    number, unit = (days, "days") if days < 1_000 else (days / 365, "years")
    # Two digits: the rates behind it are estimates.
    number = round(number, -1) if number >= 100 else round(number)
    return f"about once in {number:,.0f} {unit}"


def target_label(incident: Incident) -> str:
    """Return the target with its type: "Warehouse Snowflake prod"."""
    name = incident.target_name or incident.target_id
    kind = _type_text(incident.target_type)
    return f"{kind[:1].upper()}{kind[1:]} {name}".strip() or incident.action


def cadence_text(seconds: float) -> str:
    """Return an interval as a frequency: "hourly", "daily", "every 3 hours"."""
    for exact, name in _NAMED.items():
        if abs(seconds - exact) <= _NAME_TOLERANCE * exact:
            return name
    return f"every {duration_text(seconds)}"


def _targets(incident: Incident) -> str:
    return count(incident.targets, _type_text(incident.target_type) or "target")


def _type_text(target_type: str) -> str:
    return target_type.replace("_", " ").strip()
