"""The same deviation scores differently for tokens and users, and for long and short histories."""

import datetime as dt
from collections.abc import Iterable

from tests import detection
from trail.core.settings import Settings
from trail.findings.detector import FIRST_DAY, ExampleEvent, daily, events, workdays
from trail.storage.duckdb import Store

DAY = 42  # a Monday
EVERYBODY = (
    *daily(workdays(0, 42), "users/ben", "Warehouses Modified", target="warehouse-1"),
    *daily(workdays(0, 42), "users/cyd", "Source Modified", target="source-1"),
)


def points(
    store: Store, settings: Settings, history: Iterable[ExampleEvent]
) -> dict[tuple[str, str], int]:
    """Return the points of the day, by actor and detector."""
    detection.load(store, settings, (*EVERYBODY, *history))
    return {
        (finding.actor_id, reason.detector): reason.points
        for finding in detection.findings(store, DAY)
        if finding.day == FIRST_DAY + dt.timedelta(days=DAY)
        for reason in finding.reasons
    }


def test_new_action_scores_higher_for_a_token(store: Store, settings: Settings) -> None:
    same = [
        event
        for who in ("tokens/sync", "users/ana")
        for event in (
            *daily(workdays(0, 42), who, "Source Modified", target="source-2"),
            *events(DAY, "11:00", who, "Warehouses Modified", "warehouse-1"),
        )
    ]
    result = points(store, settings, same)
    assert result["tokens/sync", "unfamiliar"] > result["users/ana", "unfamiliar"] > 0


def test_tripled_activity_of_a_steady_token_is_a_burst(store: Store, settings: Settings) -> None:
    uneven = [
        event
        for day in workdays(0, 42)
        for event in events(day, "09:00", "users/dan", "Source Modified", times=1 + day % 5 * 9)
    ]
    steady = [
        event
        for day in range(42)
        for event in events(day, "06:00", "tokens/sync", "Integrations Modified", times=12)
    ]
    much = events(DAY, "06:00", "tokens/sync", "Integrations Modified", times=36)
    result = points(store, settings, (*uneven, *steady, *much))
    assert result["tokens/sync", "burst"] > 0
    assert ("users/dan", "burst") not in result


def test_two_days_do_not_establish_a_regular_activity(store: Store, settings: Settings) -> None:
    both = (
        *daily(range(14), "users/long", "Source Modified"),
        *daily((12, 13), "users/short", "Source Modified"),
        *events(DAY, "11:00", "users/long", "Warehouses Disabled", "warehouse-1"),
        *events(DAY, "11:00", "users/short", "Warehouses Disabled", "warehouse-1"),
    )
    result = points(store, settings, both)
    assert result["users/long", "dormant"] > 2 * result["users/short", "dormant"]
