"""What the same deviation weighs for whom: a machine's habit is firmer than a person's."""

from collections.abc import Iterable

from tests import acts
from trail.findings.model import Act, act, daily, workdays
from trail.settings import Settings
from trail.store import Store

DAY = 42  # a Monday
EVERYBODY = (
    *daily(workdays(0, 42), "users/ben", "Warehouses Modified", target="warehouse-1"),
    *daily(workdays(0, 42), "users/cyd", "Source Modified", target="source-1"),
)


def points(store: Store, settings: Settings, events: Iterable[Act]) -> dict[tuple[str, str], int]:
    """Return the points of the day, by actor and detector."""
    acts.put(store, settings, (*EVERYBODY, *events))
    return {
        (finding.actor_id, reason.detector): reason.points
        for finding in acts.judged(store, DAY)
        if finding.day == acts.FIRST_DAY.fromordinal(acts.FIRST_DAY.toordinal() + DAY)
        for reason in finding.reasons
    }


def test_a_token_that_does_something_new_is_more_of_a_surprise(
    store: Store, settings: Settings
) -> None:
    same = [
        event
        for who in ("tokens/sync", "users/ana")
        for event in (
            *daily(workdays(0, 42), who, "Source Modified", target="source-2"),
            *act(DAY, "11:00", who, "Warehouses Modified", "warehouse-1"),
        )
    ]
    found = points(store, settings, same)
    assert found["tokens/sync", "unfamiliar"] > found["users/ana", "unfamiliar"] > 0


def test_a_steady_token_that_does_three_times_as_much_is_a_burst(
    store: Store, settings: Settings
) -> None:
    uneven = [
        event
        for day in workdays(0, 42)
        for event in act(day, "09:00", "users/dan", "Source Modified", times=1 + day % 5 * 9)
    ]
    steady = [
        event
        for day in range(42)
        for event in act(day, "06:00", "tokens/sync", "Integrations Modified", times=12)
    ]
    much = act(DAY, "06:00", "tokens/sync", "Integrations Modified", times=36)
    found = points(store, settings, (*uneven, *steady, *much))
    assert found["tokens/sync", "burst"] > 0
    assert ("users/dan", "burst") not in found


def test_two_days_are_no_habit_to_be_missed(store: Store, settings: Settings) -> None:
    both = (
        *daily(range(14), "users/long", "Source Modified"),
        *daily((12, 13), "users/short", "Source Modified"),
        *act(DAY, "11:00", "users/long", "Warehouses Disabled", "warehouse-1"),
        *act(DAY, "11:00", "users/short", "Warehouses Disabled", "warehouse-1"),
    )
    found = points(store, settings, both)
    assert found["users/long", "dormant"] > 2 * found["users/short", "dormant"]
