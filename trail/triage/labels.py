"""What people did about a problem, in words."""

import datetime as dt
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from trail.core import time_labels
from trail.core.clock import naive_utc
from trail.triage.records import Triage


def assignee(
    state: Triage,
    names: Mapping[str, str],
    zone: ZoneInfo,
    now: dt.datetime,
    nobody: str = "Not assigned",
) -> str:
    """Return the name of the assignee or *nobody*, and until when the problem is muted, if it is.

    *names* has the names of users by username; times are in *zone*, as of *now* (aware).
    """
    name = names.get(state.assignee, state.assignee) or nobody
    if state.muted_until and state.is_muted(naive_utc(now)):
        return f"{name}, muted until {time_labels.short(state.muted_until, zone, now)}"
    return name
