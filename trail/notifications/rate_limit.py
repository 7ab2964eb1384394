"""How many messages: the first of a target at once, then one with the count of all the rest.

Pure: hits and a moment in, messages out, and a tally that remembers. So the same steps run live, in
a rehearsal over past events, and in tests. Nothing is ever hidden: whatever is not told is pending,
and the next message that may go tells its exact count.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trail.notifications.rule import Rule

# Of each round so many targets are told at once; a storm over many targets is one story too.
FIRSTS = 2
LISTED = 10


@dataclass(frozen=True, slots=True)
class Hit:
    """What met a rule: on which target, how often, and one example as a plain dict."""

    target: str
    label: str
    count: int
    example: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""


@dataclass(slots=True)
class Group:
    """A target that hits came for lately: when the last was seen, how many are not told yet."""

    label: str
    seen_at: dt.datetime
    pending: int = 0
    total: int = 0


@dataclass(slots=True)
class Tally:
    """What a rule remembers. Times are UTC without zone; `day` is of the rule's zone.

    A round begins at `opened_at` with the first hit and ends with one roll-up.
    """

    groups: dict[str, Group] = field(default_factory=dict)
    opened_at: dt.datetime | None = None
    firsts: int = 0
    day: dt.date | None = None
    sent: int = 0
    overflowed: bool = False

    @property
    def pending(self) -> int:
        """Return how many hits are not told yet."""
        return sum(group.pending for group in self.groups.values())


@dataclass(frozen=True, slots=True)
class Message:
    """One message: `form` is first, rollup or overflow; `count` hits on `targets` (label, count).

    `more_targets` are not listed; `since` is when the round began.
    """

    form: str
    count: int
    targets: tuple[tuple[str, int], ...]
    more_targets: int = 0
    example: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    since: dt.datetime | None = None


def step(rule: Rule, tally: Tally, hits: Iterable[Hit], now: dt.datetime) -> list[Message]:
    """Take in *hits* at *now* (UTC, without zone), and return what is to be told now."""
    _turn_day(rule, tally, now)
    messages: list[Message] = []
    silent = rule.silent(now)
    for hit in hits:
        known = hit.target in tally.groups
        group = tally.groups.setdefault(hit.target, Group(hit.label, now))
        group.label, group.seen_at = hit.label or group.label, now
        group.pending += hit.count
        group.total += hit.count
        tally.opened_at = tally.opened_at or now
        if known or silent or tally.firsts >= FIRSTS:
            continue
        if _may_send(rule, tally, messages):
            messages.append(_first(hit, group, now))
            group.pending, tally.firsts = 0, tally.firsts + 1
    if not silent and tally.opened_at and now - tally.opened_at >= _length(rule):
        _end_round(rule, tally, messages, now)
    return messages


def due_at(rule: Rule, tally: Tally) -> dt.datetime | None:
    """Return when the round that runs is over (UTC, without zone), or None without one."""
    return tally.opened_at + _length(rule) if tally.opened_at else None


def _length(rule: Rule) -> dt.timedelta:
    return dt.timedelta(minutes=rule.roll_up_minutes)


def _end_round(rule: Rule, tally: Tally, messages: list[Message], now: dt.datetime) -> None:
    if tally.pending:
        if not _may_send(rule, tally, messages):
            return
        messages.append(_roll_up(tally))
        for group in tally.groups.values():
            group.pending = 0
    tally.groups = {
        target: group
        for target, group in tally.groups.items()
        if now - group.seen_at < _length(rule)
    }
    # As long as hits go on there is one message a round; then the next one is a first again.
    tally.opened_at = now if tally.groups else None
    tally.firsts = 0


def _first(hit: Hit, group: Group, now: dt.datetime) -> Message:
    label = hit.label or group.label
    return Message("first", group.pending, ((label, group.pending),), 0, hit.example, hit.text, now)


def _roll_up(tally: Tally) -> Message:
    message = sorted(
        ((group.label, group.pending) for group in tally.groups.values() if group.pending),
        key=lambda pair: (-pair[1], pair[0]),
    )
    return Message(
        "rollup",
        sum(count for _, count in message),
        tuple(message[:LISTED]),
        max(0, len(message) - LISTED),
        since=tally.opened_at,
    )


def _turn_day(rule: Rule, tally: Tally, now: dt.datetime) -> None:
    today = rule.local(now).date()
    if tally.day != today:
        tally.day, tally.sent, tally.overflowed = today, 0, False


def _may_send(rule: Rule, tally: Tally, messages: list[Message]) -> bool:
    """Count one more message of today; of those past the cap only the first says so."""
    if tally.sent < rule.daily_cap:
        tally.sent += 1
        return True
    if not tally.overflowed:
        tally.overflowed = True
        messages.append(
            Message(
                "overflow",
                0,
                (),
                text=f"The cap of {rule.daily_cap} messages a day is reached. What follows is "
                "counted, and told tomorrow in one message.",
            )
        )
    return False
