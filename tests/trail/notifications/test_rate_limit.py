"""How many messages: first and roll-up, storms, quiet hours, snooze, caps; counts always exact."""

import datetime as dt
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.notifications.rate_limit import FIRSTS, Hit, Message, Tally, step
from trail.notifications.rule import Rule

NOON = dt.datetime(2026, 11, 24, 12, 0)


def after(**span: float) -> dt.datetime:
    return NOON + dt.timedelta(**span)


def hit(target: str = "a", count: int = 1) -> Hit:
    return Hit(target, target.upper(), count, {"event_id": f"of-{target}"})


def summaries(messages: list[Message]) -> list[tuple[str, int]]:
    return [(message.form, message.count) for message in messages]


def test_the_first_at_once_then_one_with_the_rest() -> None:
    rule, tally = Rule("r"), Tally()
    assert summaries(step(rule, tally, [hit()], NOON)) == [("first", 1)]
    for second in range(1, 38):
        assert step(rule, tally, [hit()], after(seconds=second)) == []
    assert step(rule, tally, [], after(minutes=9, seconds=59)) == []
    (rollup,) = step(rule, tally, [], after(minutes=10))
    assert (rollup.form, rollup.count, rollup.targets) == ("rollup", 37, (("A", 37),))
    assert step(rule, tally, [], after(minutes=30)) == []
    assert summaries(step(rule, tally, [hit()], after(minutes=31))) == [("first", 1)]


def test_a_storm_that_goes_on_is_one_message_a_round() -> None:
    rule, tally = Rule("r"), Tally()
    messages: list[Message] = []
    for second in range(3_600):
        messages += step(rule, tally, [hit()], after(seconds=second))
    messages += step(rule, tally, [], after(hours=2))
    assert [form for form, _ in summaries(messages)] == ["first"] + ["rollup"] * 6
    assert sum(message.count for message in messages) == 3_600


@pytest.mark.parametrize("targets", [1, 2, 7, 300, 5_000])
@pytest.mark.parametrize("looks", [1, 60, 300])
def test_five_thousand_failures_in_five_minutes(targets: int, looks: int) -> None:
    chance = random.Random(targets)
    rule, tally = Rule("r"), Tally()
    messages: list[Message] = []
    left = 5_000
    for look in range(looks):
        now = after(seconds=300 * look / looks)
        share = left if look == looks - 1 else left // (looks - look)
        left -= share
        counts: dict[str, int] = {}
        for _ in range(share):
            name = f"t{chance.randrange(targets)}"
            counts[name] = counts.get(name, 0) + 1
        messages += step(rule, tally, [hit(name, n) for name, n in counts.items()], now)
    for minute in range(5, 60):
        messages += step(rule, tally, [], after(minutes=minute))
    assert len(messages) <= 3
    assert sum(message.count for message in messages) == 5_000
    last = messages[-1]
    if last.form == "rollup":
        assert len(last.targets) <= 10
        if not last.more_targets:
            assert sum(count for _, count in last.targets) == last.count


def test_quiet_hours_hold_back_and_tell_all_in_the_morning() -> None:
    rule, tally = Rule("r", quiet="22:00-07:00", zone="Europe/Oslo"), Tally()
    night = dt.datetime(2026, 11, 24, 21, 30)  # 22:30 in Oslo
    for minute in range(60):
        assert step(rule, tally, [hit()], night + dt.timedelta(minutes=minute)) == []
    assert step(rule, tally, [], dt.datetime(2026, 11, 25, 5, 59)) == []
    (morning,) = step(rule, tally, [], dt.datetime(2026, 11, 25, 6, 0))
    assert (morning.form, morning.count) == ("rollup", 60)


def test_snooze_ends_by_itself_and_hides_nothing() -> None:
    rule, tally = Rule("r", snoozed_until=after(hours=2)), Tally()
    assert step(rule, tally, [hit("a", 3), hit("b")], NOON) == []
    assert step(rule, tally, [hit()], after(minutes=119)) == []
    (awake,) = step(rule, tally, [], after(hours=2))
    assert (awake.count, awake.targets) == (5, (("A", 4), ("B", 1)))


def test_past_the_daily_cap_one_notice_and_tomorrow_the_count() -> None:
    rule, tally = Rule("r", daily_cap=3, roll_up_minutes=1), Tally()
    messages: list[Message] = []
    for minute in range(0, 600, 5):
        messages += step(rule, tally, [hit()], after(minutes=minute))
        messages += step(rule, tally, [], after(minutes=minute + 2))
    assert [form for form, _ in summaries(messages)] == ["first"] * 3 + ["overflow"]
    (tomorrow,) = step(rule, tally, [], dt.datetime(2026, 11, 25, 0, 0))
    assert tomorrow.count == 120 - 3


def test_only_so_many_targets_are_told_at_once() -> None:
    rule, tally = Rule("r"), Tally()
    messages = step(rule, tally, [hit(f"t{n}", n + 1) for n in range(30)], NOON)
    assert summaries(messages) == [("first", 1), ("first", 2)]
    assert len(messages) == FIRSTS
    (rest,) = step(rule, tally, [], after(minutes=10))
    assert rest.count == sum(range(3, 31))
    assert (len(rest.targets), rest.more_targets) == (10, 18)
    assert rest.targets[0] == ("T29", 30)


_MINUTES = st.lists(
    st.tuples(st.integers(0, 3 * 1440), st.sampled_from("abcdefgh"), st.integers(1, 50)),
    max_size=60,
)


@given(_MINUTES, st.integers(1, 5), st.sampled_from(["", "22:00-07:00", "00:00-23:59"]))
def test_whatever_comes_every_hit_is_told_once(
    moments: list[tuple[int, str, int]], cap: int, quiet: str
) -> None:
    rule, tally = Rule("r", daily_cap=cap, quiet=quiet, roll_up_minutes=7), Tally()
    messages: list[Message] = []
    for minute, target, count in sorted(moments):
        messages += step(rule, tally, [hit(target, count)], after(minutes=minute))
    total = sum(count for _, _, count in moments)
    assert sum(message.count for message in messages) + tally.pending == total
    for hour in range(240):
        messages += step(rule, tally, [], after(days=3, hours=hour))
        messages += step(rule, tally, [], after(days=3, hours=hour, minutes=59, seconds=30))
    assert tally.pending == 0 or quiet == "00:00-23:59"
    assert sum(message.count for message in messages) + tally.pending == total
    assert all(message.form != "overflow" or not message.count for message in messages)
