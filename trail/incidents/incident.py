"""Types of incidents. All times are UTC without zone."""

import datetime as dt
from dataclasses import dataclass

# States: failing at the last known time, now or where data has ended since; without failures for
# longer than the usual interval, which confirms nothing; ended by a success event.
OPEN, UNKNOWN, QUIET, COMPLETED = "open", "unknown", "quiet", "completed"
STATES = (OPEN, UNKNOWN, QUIET, COMPLETED)
# Without data for less than the shortest gap that ends an incident, none can have ended unseen.
_DATA_ENDED = dt.timedelta(hours=2)

# What a list of incidents sorts by, besides its own order, as SQL. Strings sort without case.
ORDERS = {
    "state": f"list_position({list(reversed(STATES))}, state)",
    "target": "lower(coalesce(nullif(target_name, ''), nullif(target_id, ''), action))",
    "action": "lower(action)",
    "class": "class_",
    "first_at": "first_at",
    "duration": "epoch(case when state = 'open' then known_until "
    "else coalesce(completed_at, last_at) end - first_at)",
    "flaps": "flaps",
    "attempts": "attempts",
    "recover": "recover_s",
    "last_at": "last_at",
    "total": "target_attempts",
}


def has_ended(known_until: dt.datetime, now: dt.datetime) -> bool:
    """Return whether data ended so long before *now* that an incident may have ended unseen."""
    return now - known_until > _DATA_ENDED


@dataclass(frozen=True, slots=True)
class Incident:
    """Failed attempts of one action on one target, or of a storm on many targets.

    `class_` is one of `grouping.CLASSES`, `state` one of `STATES`, as of `known_until`: the time of
    the query, or the last time up to which data is known. `open` is true for the first two states.
    `closes_at` is when the incident closes, or closed, for lack of failures. `cadence_s` is the
    regular interval between runs in seconds, or None. `completed_at` is when a success was reported
    after the last failure, or None. `flaps` counts the runs that succeeded in the end and were
    followed by another failing run. `recover_s` is the median time in seconds from first to last
    failure of the ended incidents of this action on this target, None without any.

    For a storm, `targets` counts its targets and the target fields are those of the first to fail.
    `target` identifies the target among incidents; `target_id` is the id that events use.
    """

    incident_id: str
    class_: str
    open: bool
    state: str
    known_until: dt.datetime
    action: str
    category: str
    target: str
    target_type: str
    target_id: str
    target_name: str
    targets: int
    first_event_id: str
    first_at: dt.datetime
    last_at: dt.datetime
    closes_at: dt.datetime
    gap_s: int
    attempts: int
    runs: int
    exhausted: int
    cadence_s: int | None
    completed_at: dt.datetime | None
    flaps: int = 0
    recover_s: float | None = None

    @property
    def duration_s(self) -> float:
        """Return the seconds from its first failure to its known end; to the present while open.

        The end is the success that was reported, else the last failure.
        """
        end = self.known_until if self.state == OPEN else self.completed_at or self.last_at
        return max((end - self.first_at).total_seconds(), 0)


@dataclass(frozen=True, slots=True)
class Change:
    """A change shortly before an incident, and how surprising its timing is.

    `interval_days` is the mean interval between the `changes` changes of its target. `bits` is the
    surprise that one of them falls this close by chance; `score` adds the change's risk. `upstream`
    marks a change of something that the failed event only refers to. `strength` is the evidence as
    a word: strong, moderate or weak. A change and an incident of this target fall this close by
    chance once in `chance_days` days.
    """

    event_id: str
    occurred_at: dt.datetime
    action: str
    kind: str
    actor_id: str
    actor: str
    target_type: str
    target_id: str
    target_name: str
    before_s: float
    changes: int
    interval_days: float
    bits: float
    score: float
    upstream: bool
    likely_cause: bool
    strength: str
    chance_days: float


@dataclass(frozen=True, slots=True)
class Recurrence:
    """How often one action fails on one target, over `days` days of stored events.

    `per_30d` is incidents per 30 days, `peer_median_per_30d` the median over the targets on which
    the action fails. `mean_interval_s` is the mean time between starts, None with fewer than two;
    `median_duration_s` the median time from first to last failure. `share` is the target's share of
    all failed attempts of the action.
    """

    days: float
    incidents: int
    attempts: int
    per_30d: float
    peer_median_per_30d: float
    mean_interval_s: float | None
    median_duration_s: float
    share: float
