"""Rate limit of alert messages: the first match at once, then roll-ups with the exact count.

`step` has no side effects except on its state, so live evaluation, back-tests and tests share it.
No match is lost: unreported matches are pending and counted in the next message that may go out.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from trail.core.clock import naive_utc
from trail.notifications.rule import Rule

# Targets reported at once in each round, so that a storm over many targets stays few messages.
FIRST_MESSAGES = 2
MAX_LISTED_TARGETS = 10


@dataclass(frozen=True, slots=True)
class Match:
    """Matches of a rule on one target: their number, and one example as a plain dict."""

    target: str
    label: str
    count: int
    example: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""


@dataclass(slots=True)
class TargetState:
    """A target with recent matches: time of the last one, and the number not yet reported."""

    label: str
    seen_at: dt.datetime
    pending: int = 0
    total: int = 0


@dataclass(slots=True)
class RateLimitState:
    """The state of one rule. Times are naive UTC; `day` is in the rule's time zone.

    A round begins at `opened_at` with the first match and ends with one roll-up. `firsts` counts
    the targets reported immediately in this round, `sent` the messages of `day`. `held` is the
    number of pending matches held back by the maintenance window `held_by`.
    """

    targets: dict[str, TargetState] = field(default_factory=dict)
    opened_at: dt.datetime | None = None
    firsts: int = 0
    day: dt.date | None = None
    sent: int = 0
    overflowed: bool = False
    held: int = 0
    held_by: str = ""

    @property
    def pending(self) -> int:
        """Return the number of matches not yet reported."""
        return sum(target_state.pending for target_state in self.targets.values())


@dataclass(frozen=True, slots=True)
class Message:
    """One message: `form` is first, rollup or overflow; `count` is the number of matches.

    `targets` lists (label, count), `more_targets` is the number not listed, and `since` is the
    start of the round. `held` is the number of matches held back by the window `held_by`.
    """

    form: str
    count: int
    targets: tuple[tuple[str, int], ...]
    more_targets: int = 0
    example: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    since: dt.datetime | None = None
    held: int = 0
    held_by: str = ""


def step(
    rule: Rule, state: RateLimitState, matches: Iterable[Match], now: dt.datetime
) -> list[Message]:
    """Add *matches* at *now* (naive UTC) to *state*; return the messages to send now."""
    _reset_daily_count(rule, state, now)
    messages: list[Message] = []
    is_silent = rule.is_silent(now)
    for match in matches:
        is_known = match.target in state.targets
        target_state = state.targets.setdefault(match.target, TargetState(match.label, now))
        target_state.label, target_state.seen_at = match.label or target_state.label, now
        target_state.pending += match.count
        target_state.total += match.count
        state.opened_at = state.opened_at or now
        if is_known or is_silent or state.firsts >= FIRST_MESSAGES:
            continue
        if _may_send(rule, state, messages):
            messages.append(_first(match, target_state, now))
            target_state.pending, state.firsts = 0, state.firsts + 1
    if not is_silent and state.opened_at and now - state.opened_at >= _round_length(rule):
        _end_round(rule, state, messages, now)
    return messages


def due_at(rule: Rule, state: RateLimitState) -> dt.datetime | None:
    """Return when the current round ends (naive UTC), or None without one.

    At the daily cap, that is not before the next day of the rule's zone.
    """
    if not state.opened_at:
        return None
    end = state.opened_at + _round_length(rule)
    if not (state.day and state.overflowed and state.sent >= rule.daily_cap):
        return end
    tomorrow = state.day + dt.timedelta(days=1)
    return max(end, naive_utc(dt.datetime.combine(tomorrow, dt.time(), ZoneInfo(rule.zone))))


def _round_length(rule: Rule) -> dt.timedelta:
    return dt.timedelta(minutes=rule.roll_up_minutes)


def _end_round(
    rule: Rule, state: RateLimitState, messages: list[Message], now: dt.datetime
) -> None:
    if state.pending:
        if not _may_send(rule, state, messages):
            return
        messages.append(roll_up(state))
        state.held, state.held_by = 0, ""
        for target_state in state.targets.values():
            target_state.pending = 0
    state.targets = {
        target: target_state
        for target, target_state in state.targets.items()
        if now - target_state.seen_at < _round_length(rule)
    }
    # While matches continue, send one message per round; after a pause, start over.
    state.opened_at = now if state.targets else None
    state.firsts = 0


def _first(match: Match, target_state: TargetState, now: dt.datetime) -> Message:
    label = match.label or target_state.label
    return Message(
        "first",
        target_state.pending,
        ((label, target_state.pending),),
        0,
        match.example,
        match.text,
        now,
    )


def roll_up(state: RateLimitState) -> Message:
    """Return the message that reports all pending matches of *state*."""
    # Among equally many, the earliest first: a problem, then its end.
    targets = sorted(
        (target for target in state.targets.values() if target.pending),
        key=lambda target: (-target.pending, target.seen_at, target.label),
    )
    return Message(
        "rollup",
        sum(target.pending for target in targets),
        tuple((target.label, target.pending) for target in targets[:MAX_LISTED_TARGETS]),
        max(0, len(targets) - MAX_LISTED_TARGETS),
        since=state.opened_at,
        held=state.held,
        held_by=state.held_by,
    )


def _reset_daily_count(rule: Rule, state: RateLimitState, now: dt.datetime) -> None:
    today = rule.local_time(now).date()
    if state.day != today:
        state.day, state.sent, state.overflowed = today, 0, False


def _may_send(rule: Rule, state: RateLimitState, messages: list[Message]) -> bool:
    """Count one message of today; at the cap, add one overflow message and return False."""
    if state.sent < rule.daily_cap:
        state.sent += 1
        return True
    if not state.overflowed:
        state.overflowed = True
        messages.append(
            Message(
                "overflow",
                0,
                (),
                text=f"Daily cap of {rule.daily_cap} messages reached. Further matches are counted "
                "and reported tomorrow in one message.",
            )
        )
    return False
