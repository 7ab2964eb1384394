"""Formatting of labels, times, durations, sizes and counts, the same on every page."""

import datetime as dt
import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from trail.core import actors, catalogue, clock, time_labels
from trail.core import text as core_text
from trail.core.clock import naive_utc
from trail.storage import collected_by as collected_by_
from trail.storage.filters import FLAGS

OUTCOMES = {"success": ("✓", "Success"), "failure": ("✕", "Failure"), "unknown": ("?", "Unknown")}
ACTOR_TYPES = actors.TYPE_NAMES
RISKS = {"high": ("▲", "High"), "medium": ("◆", "Medium"), "low": ("○", "Low")}
VERIFIED = {"yes": ("✓", "Verified"), "no": ("○", "Not verified")}
COLLECTED_BY = collected_by_.NAMES
UNVERIFIED = "Unverified"
FUTURE_DATED = "Dated in the future"
FACETS = {
    "changes": "Changes",
    "category": "Category",
    "risk": "Risk",
    "action": "Action",
    "actor": "Actor",
    "actor_type": "Actor type",
    "target_type": "Target type",
    "target": "Target",
    "outcome": "Outcome",
    "kind": "Kind",
    "source": "Collected by",
    "workspace": "Workspace",
    "findings": "Finding",
    "verified": "Verified",
    "future_dated": FUTURE_DATED,
}
_LABELS = {
    "actor_type": ACTOR_TYPES,
    "outcome": {name: label for name, (_, label) in OUTCOMES.items()},
    "source": COLLECTED_BY,
    "findings": {"to_review": "To review", "decided": "Decided"},
    "verified": {name: label for name, (_, label) in VERIFIED.items()},
    "risk": {
        name: f"{RISKS[name][1]}, {least}–{most}"
        for name, (least, most) in catalogue.RISK_LEVELS.items()
    },
}

collected_by = collected_by_.title
timestamp = clock.local_text
utc_offset = clock.utc_offset
byte_size = core_text.byte_size
count = core_text.count
percent = core_text.percent
duration = time_labels.duration_text
risk_level = catalogue.risk_level

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:$&^=])")
# A shortcode is a colon before a letter.
_COLON = re.compile(r":(?!\s)")
_WWW = re.compile(r"(www)(?=\\?\.)", re.IGNORECASE)


def escape(text: str) -> str:
    """Escape hostile *text* for elements that render Markdown; line breaks become spaces."""
    flat = " ".join(text.split())
    # Word joiners break :shortcodes: and automatic links to an e-mail address or a www. name.
    marked = _MARKDOWN.sub(lambda result: f"\\{result[1]}", flat)
    marked = _WWW.sub("\\1\u2060", marked)
    return _COLON.sub(":\u2060", marked).replace("@", "@\u2060")


def category_color(category: str) -> str:
    """Return the index of the category's color in the theme; the ninth and later share one."""
    index = catalogue.CATEGORIES.index(category) if category in catalogue.CATEGORIES else 99
    return str(min(index, 8))


def facet_label(field: str, value: str, label: str) -> str:
    """Return the display label of *value* of the facet *field*; *label* is the stored one."""
    if field in _LABELS:
        return _LABELS[field].get(value, label)
    if field in FLAGS:
        return value.capitalize()
    return label.replace("_", " ") if field == "target_type" else label


def events_summary(total: int, unverified: int) -> str:
    """Return a number of events, those that are unverified apart: `214 events, 12 unverified`."""
    more = f", {unverified:,} {UNVERIFIED.lower()}" if unverified else ""
    return f"{count(total, 'event')}{more}"


def day(date: dt.date, zone: ZoneInfo) -> str:
    """Return a day: `Mon 23 Nov`; see `time_labels.day`."""
    return time_labels.day(date, dt.datetime.now(dt.UTC), zone)


def axis_days(dates: Sequence[dt.date], zone: ZoneInfo) -> list[str]:
    """Return the labels of days on an axis; see `time_labels.axis_days`."""
    return time_labels.axis_days(dates, dt.datetime.now(dt.UTC), zone)


def short_timestamp(at: dt.datetime, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """Return a UTC time in *zone* with its day: `Thu 19 Nov 02:10`; see `time_labels.short`."""
    return time_labels.short(at, zone, dt.datetime.now(dt.UTC), seconds=seconds)


def window(start: dt.datetime, end: dt.datetime, zone: ZoneInfo) -> str:
    """Return a span of UTC times in *zone*; see `time_labels.window`."""
    return time_labels.window(start, end, zone, dt.datetime.now(dt.UTC))


def time_range(start: dt.datetime, end: dt.datetime, zone: ZoneInfo) -> str:
    """Return a range of UTC times in *zone*: `Tue 24 Nov 02:00–02:40`; see `time_labels.span`."""
    return time_labels.span(start, end, zone, dt.datetime.now(dt.UTC))


def ago(at: dt.datetime, now: dt.datetime) -> str:
    """Return the age of a UTC time at *now* (aware): `3 minutes ago`."""
    seconds = (naive_utc(now) - at).total_seconds()
    return (
        "just now"
        if 0 <= seconds < 60
        else f"{duration(abs(seconds))} {'ago' if seconds > 0 else 'ahead'}"
    )


def time_offset(delta: dt.timedelta) -> str:
    """Return a signed time difference: `+2 min 43 s`, `−28 s`, `−3 d 4 h`."""
    seconds = int(abs(delta.total_seconds()))
    sign = "−" if delta.total_seconds() < 0 else "+"
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    if days:
        return f"{sign}{days} d {hours} h"
    if hours:
        return f"{sign}{hours} h {minutes} min"
    return f"{sign}{minutes} min {seconds} s" if minutes else f"{sign}{seconds} s"


def rounded(number: float) -> float:
    """Return *number* as precisely as pages show averages: 0.08, 4.2, 312."""
    return round(number, 2 if number < 1 else 1 if number < 100 else 0)


def average(number: float) -> str:
    """Return an average as text: `0.08`, `4.2`, `4`, `1,312`."""
    value = rounded(number)
    if number and not value:
        return "<0.01"
    return f"{value:,.0f}" if value == int(value) else f"{value:,}"
