"""Incidents in words, the same on the page, in the command and in an alert.

Segment reports no success of most jobs, so silence is called silence: "no failure since 14:02".
Only an event that says so makes it "completed".
"""

import datetime as dt
from zoneinfo import ZoneInfo

from trail.incidents.grouping import STORM, TRANSIENT
from trail.incidents.model import Change, Incident

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
_NAMED = {3_600: "hourly", 86_400: "daily", 604_800: "weekly"}
# An interval may miss its round number by so much and still bear its name.
_ROUNDED = 0.1


def headline(incident: Incident, now: dt.datetime, zone: ZoneInfo) -> str:
    """Return what happened: "Warehouse Snowflake prod: 24 failed attempts since Tue 02:00, hourly".

    *now* is aware; times are those of *zone*.
    """
    start = when(incident.first_at, now, zone)
    count = _count(incident.attempts, "failed attempt")
    rhythm = f", {every(incident.beat_s)}" if incident.beat_s else ""
    if incident.class_ == STORM:
        targets = _count(incident.targets, _noun(incident))
        return f"{targets} began to fail together {start}: {count} in all"
    if incident.open:
        return f"{named(incident)}: {count} since {start}{rhythm}"
    if incident.attempts == 1:
        return f"{named(incident)}: {count}, {start}"
    end = when(incident.last_at, now, zone, beside=incident.first_at)
    return f"{named(incident)}: {count} from {start} to {end}{rhythm}"


def silence(incident: Incident, now: dt.datetime, zone: ZoneInfo) -> str:
    """Return what is known since: "no failure since 14:02", or that a run completed.

    Never says that it works again, unless an event does.
    """
    if incident.completed_at:
        return f"completed at {when(incident.completed_at, now, zone)}"
    return f"no failure since {when(incident.last_at, now, zone)}"


def verdict(incident: Incident) -> str:
    """Return what the incident's class means, in a sentence."""
    if incident.open and incident.class_ == TRANSIENT:
        return "A few attempts failed so far; more may follow."
    return {
        TRANSIENT: "A few attempts failed and then no more; this usually needs nobody.",
        "retries exhausted": "One run failed at every attempt.",
        "persistent": "Run after run fails at every attempt.",
        "repeating": "Run after run fails, though not at every attempt.",
        "storm": "Many targets began to fail at once; look for a cause that they share.",
    }[incident.class_]


def before(change: Change) -> str:
    """Return how a change stands to the onset, with the numbers that it is ranked by.

    "Warehouses Modified 12 minutes before; this warehouse changes every 19 days".
    """
    words = f"{change.action} {span(change.before_s)} before"
    if change.upstream:
        words += f" on {change.target_name or change.target_id}"
    thing = _words(change.target_type) or "target"
    if change.changes <= 1:
        days = _count(max(round(change.every_days), 1), "day")
        return f"{words}; the only change of this {thing} in {days}"
    return f"{words}; this {thing} changes {every(change.every_days * 86_400)}"


def changes_title(changes: list[Change]) -> str:
    """Return what a list of changes may be called: a likely cause only where one is blamed."""
    if not changes:
        return "No change in the 24 hours before"
    if any(change.blamed for change in changes):
        return "Likely cause"
    return "Changes nearby"


def named(incident: Incident) -> str:
    """Return the target with its type: "Warehouse Snowflake prod"."""
    name = incident.target_name or incident.target_id
    kind = _words(incident.target_type)
    words = " ".join(part for part in (kind[:1].upper() + kind[1:], name) if part)
    return words or incident.action


def when(
    moment: dt.datetime, now: dt.datetime, zone: ZoneInfo, beside: dt.datetime | None = None
) -> str:
    """Return a stored *moment* as read in *zone*: "14:02" today, "Tue 14:02" within six days.

    Older ones bear their date, those of another year that as well. A moment on the day of *beside*
    needs only its time.
    """
    local = _local(moment, zone)
    day, today = local.date(), now.astimezone(zone).date()
    time = f"{local:%H:%M}"
    if day == today or (beside and _local(beside, zone).date() == day):
        return time
    if dt.timedelta() < today - day < dt.timedelta(days=7):
        return f"{local:%a} {time}"
    year = f" {day.year}" if day.year != today.year else ""
    return f"{day.day} {local:%b}{year} {time}"


def every(seconds: float) -> str:
    """Return an interval as a rhythm: "hourly", "daily", "every 3 hours"."""
    for exact, name in _NAMED.items():
        if abs(seconds - exact) <= _ROUNDED * exact:
            return name
    return f"every {span(seconds)}"


def span(seconds: float) -> str:
    """Return a length of time in its largest whole unit: "12 minutes", "19 days"."""
    for size, name in _UNITS:
        # Rounded to the next unit where that is nearly full: 59.6 minutes are an hour.
        if seconds >= size * 0.99:
            return _count(round(seconds / size), name)
    return "less than a minute"


def _local(moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    return moment.replace(tzinfo=dt.UTC).astimezone(zone)


def _noun(incident: Incident) -> str:
    return _words(incident.target_type) or "target"


def _words(name: str) -> str:
    return name.replace("_", " ").strip()


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
