"""The words of incidents as types. All times are UTC without zone."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident: failed attempts of one action on one target, or in a storm on many.

    `class_` is one of `grouping.CLASSES`. `open` says whether it is at the moment that was asked
    for; `closes_at` is when silence ends or ended it. `beat_s` is the even interval between runs in
    seconds, or None. `completed_at` is when a success was reported after the last failure, or
    None. For a storm `targets` counts its targets and the target named is the first to fail.
    `target` identifies the target among the incidents; `target_id` is as events give it.
    """

    incident_id: str
    class_: str
    open: bool
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
    beat_s: int | None
    completed_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """A change near an incident's onset, and how surprising it is there.

    `every_days` is how often that target changes, by what is kept, and `changes` how many changes
    that comes from. `bits` is the surprise that one of them falls so close by chance, `score` adds
    the change's risk. `upstream` marks a change of something that the failed event only names.
    `blamed` says whether it may be called the cause.
    """

    event_id: str
    occurred_at: dt.datetime
    action: str
    kind: str
    actor_id: str
    actor_name: str
    target_type: str
    target_id: str
    target_name: str
    before_s: float
    changes: int
    every_days: float
    bits: float
    score: float
    upstream: bool
    blamed: bool


@dataclass(frozen=True, slots=True)
class Recurrence:
    """How often one action fails on one target, over `days` days of what is kept.

    `per_30d` is incidents in 30 days, `usual_per_30d` the median of the targets on which the
    action fails. `between_s` is the mean time from onset to onset, None with fewer than two;
    `length_s` the median time from first to last failure. `share` is the target's part of all
    attempts of the action that failed.
    """

    days: float
    incidents: int
    attempts: int
    per_30d: float
    usual_per_30d: float
    between_s: float | None
    length_s: float
    share: float
