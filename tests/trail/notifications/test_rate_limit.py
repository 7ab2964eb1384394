"""Rate limit: first message and roll-up, storms, quiet hours, snooze, daily cap, exact counts."""

import datetime as dt
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.notifications.rate_limit import (
    FIRST_MESSAGES,
    Match,
    Message,
    RateLimitState,
    due_at,
    step,
)
from trail.notifications.rule import Rule

NOON = dt.datetime(2026, 11, 24, 12, 0)


def after(**span: float) -> dt.datetime:
    return NOON + dt.timedelta(**span)


def match(target: str = "a", count: int = 1) -> Match:
    return Match(target, target.upper(), count, {"event_id": f"of-{target}"})


def summaries(messages: list[Message]) -> list[tuple[str, int]]:
    return [(message.form, message.count) for message in messages]


def test_first_match_is_sent_at_once_then_a_roll_up() -> None:
    rule, state = Rule("r"), RateLimitState()
    assert summaries(step(rule, state, [match()], NOON)) == [("first", 1)]
    for second in range(1, 38):
        assert step(rule, state, [match()], after(seconds=second)) == []
    assert step(rule, state, [], after(minutes=9, seconds=59)) == []
    (rollup,) = step(rule, state, [], after(minutes=10))
    assert (rollup.form, rollup.count, rollup.targets) == ("rollup", 37, (("A", 37),))
    assert step(rule, state, [], after(minutes=30)) == []
    assert summaries(step(rule, state, [match()], after(minutes=31))) == [("first", 1)]


def test_continuing_storm_sends_one_message_per_round() -> None:
    rule, state = Rule("r"), RateLimitState()
    messages: list[Message] = []
    for second in range(3_600):
        messages += step(rule, state, [match()], after(seconds=second))
    messages += step(rule, state, [], after(hours=2))
    assert [form for form, _ in summaries(messages)] == ["first"] + ["rollup"] * 6
    assert sum(message.count for message in messages) == 3_600


@pytest.mark.parametrize("targets", [1, 2, 7, 300, 5_000])
@pytest.mark.parametrize("runs", [1, 60, 300])
def test_storm_of_5000_matches_sends_at_most_three_messages(targets: int, runs: int) -> None:
    random_source = random.Random(targets)
    rule, state = Rule("r"), RateLimitState()
    messages: list[Message] = []
    remaining = 5_000
    for run in range(runs):
        now = after(seconds=300 * run / runs)
        share = remaining if run == runs - 1 else remaining // (runs - run)
        remaining -= share
        counts: dict[str, int] = {}
        for _ in range(share):
            name = f"t{random_source.randrange(targets)}"
            counts[name] = counts.get(name, 0) + 1
        messages += step(rule, state, [match(name, n) for name, n in counts.items()], now)
    for minute in range(5, 60):
        messages += step(rule, state, [], after(minutes=minute))
    assert len(messages) <= 3
    assert sum(message.count for message in messages) == 5_000
    last = messages[-1]
    if last.form == "rollup":
        assert len(last.targets) <= 10
        if not last.more_targets:
            assert sum(count for _, count in last.targets) == last.count


def test_quiet_hours_end_with_a_roll_up() -> None:
    rule, state = Rule("r", quiet="22:00-07:00", zone="Europe/Oslo"), RateLimitState()
    night = dt.datetime(2026, 11, 24, 21, 30)  # 22:30 in Oslo
    for minute in range(60):
        assert step(rule, state, [match()], night + dt.timedelta(minutes=minute)) == []
    assert step(rule, state, [], dt.datetime(2026, 11, 25, 5, 59)) == []
    (morning,) = step(rule, state, [], dt.datetime(2026, 11, 25, 6, 0))
    assert (morning.form, morning.count) == ("rollup", 60)


def test_snooze_ends_with_a_roll_up() -> None:
    rule, state = Rule("r", snoozed_until=after(hours=2)), RateLimitState()
    assert step(rule, state, [match("a", 3), match("b")], NOON) == []
    assert step(rule, state, [match()], after(minutes=119)) == []
    (awake,) = step(rule, state, [], after(hours=2))
    assert (awake.count, awake.targets) == (5, (("A", 4), ("B", 1)))


def test_daily_cap_sends_one_notice_and_the_count_next_day() -> None:
    rule, state = Rule("r", daily_cap=3, roll_up_minutes=1), RateLimitState()
    messages: list[Message] = []
    for minute in range(0, 600, 5):
        messages += step(rule, state, [match()], after(minutes=minute))
        messages += step(rule, state, [], after(minutes=minute + 2))
    assert [form for form, _ in summaries(messages)] == ["first"] * 3 + ["overflow"]
    assert due_at(rule, state) == dt.datetime(2026, 11, 25)
    assert due_at(replace(rule, zone="Europe/Oslo"), state) == dt.datetime(2026, 11, 24, 23)
    assert due_at(replace(rule, daily_cap=4), state) == after(minutes=16)
    (tomorrow,) = step(rule, state, [], dt.datetime(2026, 11, 25, 0, 0))
    assert tomorrow.count == 120 - 3


def test_number_of_immediate_messages_is_limited() -> None:
    rule, state = Rule("r"), RateLimitState()
    messages = step(rule, state, [match(f"t{n}", n + 1) for n in range(30)], NOON)
    assert summaries(messages) == [("first", 1), ("first", 2)]
    assert len(messages) == FIRST_MESSAGES
    (rest,) = step(rule, state, [], after(minutes=10))
    assert rest.count == sum(range(3, 31))
    assert (len(rest.targets), rest.more_targets) == (10, 18)
    assert rest.targets[0] == ("T29", 30)


_MINUTES = st.lists(
    st.tuples(st.integers(0, 3 * 1440), st.sampled_from("abcdefgh"), st.integers(1, 50)),
    max_size=60,
)


@given(_MINUTES, st.integers(1, 5), st.sampled_from(["", "22:00-07:00", "00:00-23:59"]))
def test_every_match_is_reported_exactly_once(
    moments: list[tuple[int, str, int]], cap: int, quiet: str
) -> None:
    rule, state = Rule("r", daily_cap=cap, quiet=quiet, roll_up_minutes=7), RateLimitState()
    messages: list[Message] = []
    for minute, target, count in sorted(moments):
        messages += step(rule, state, [match(target, count)], after(minutes=minute))
    total = sum(count for _, _, count in moments)
    assert sum(message.count for message in messages) + state.pending == total
    for hour in range(240):
        messages += step(rule, state, [], after(days=3, hours=hour))
        messages += step(rule, state, [], after(days=3, hours=hour, minutes=59, seconds=30))
    assert state.pending == 0 or quiet == "00:00-23:59"
    assert sum(message.count for message in messages) + state.pending == total
    assert all(message.form != "overflow" or not message.count for message in messages)
