"""The title of a finding: one sentence, the same on pages, in files, messages and evidence.

"Tomasz Wrona downloaded 14 audience lists on Tuesday; no download on any of 36 earlier
active days".
"""

import datetime as dt
from zoneinfo import ZoneInfo

from trail.core import time_labels
from trail.core.text import one_line
from trail.findings import moments
from trail.findings.model import Finding, Reason
from trail.findings.severity import severe_detectors

_MAX_NAME = 80


def title(
    finding: Finding,
    actor: str,
    zone: ZoneInfo,
    now: dt.datetime | None,
    *,
    weekdays: bool = False,
) -> str:
    """Return the title of *finding* by *actor*, a display name, with times in *zone*.

    Days as in `moments.in_zone`.
    """
    lead = leading_reason(finding)
    if lead and lead.headline:
        words = moments.in_zone(lead.headline, zone, now, weekdays=weekdays)
        return f"{_subject(finding, actor)} {words}"
    # Decided in an earlier version, and no longer scored because its events were removed.
    day = time_labels.day(finding.day, now, zone) if now else time_labels.full_day(finding.day)
    what = lead.sentence(zone, now, weekdays=weekdays) if lead else "unusual activity"
    return f"{_subject(finding, actor)}, {day}: {what}"


def _subject(finding: Finding, actor: str) -> str:
    """Return who acted, as the beginning of a sentence."""
    name = one_line(actor, _MAX_NAME) or "An unknown actor"
    return f"Token {name}" if finding.actor_type == "token" else name


def leading_reason(finding: Finding) -> Reason | None:
    """Return the reason that the title is about: a severe one, else the one with most points.

    A burst of one kind of change says more than that of all changes.
    """
    bursts = [reason for reason in finding.reasons if reason.detector == "burst"]
    narrower = any(reason.facts.get("verb") != "all" for reason in bursts)
    severe = severe_detectors()
    return max(
        (
            reason
            for reason in finding.reasons
            if not (narrower and reason.facts.get("verb") == "all")
        ),
        key=lambda reason: (reason.detector in severe, reason.points),
        default=None,
    )
