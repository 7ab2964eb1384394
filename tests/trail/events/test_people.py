"""Actor states, token creators, action mix of an actor, and the summary of a target."""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest

from trail.core.model import Directory, Person
from trail.events import people
from trail.ingest import directory
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
WEEK = Filter.parse("from=2026-11-18&to=2026-11-25")


def event(number: int, actor: str, action: str, day: int, target: str = "t1", **more: Any) -> str:
    return json.dumps(
        {
            "id": f"e{number}",
            "timestamp": f"2026-11-{day:02d}T10:{number % 60:02d}:00Z",
            "type": action,
            "actor": actor,
            "actorEmail": "",
            "resourceId": target,
            "resourceType": "source",
            "resourceName": f"Name of {target}",
            **more,
        }
    )


@pytest.fixture(scope="module")
def full_store(module_store: Store, module_load: Callable[[bytes], object]) -> Store:
    module_load(
        "\n".join(
            [
                event(1, "users/old", "Source Modified", 2),
                event(2, "users/old", "Source Modified", 20),
                event(3, "users/fresh", "Source Deleted", 21),
                event(4, "users/asleep", "Source Modified", 3),
                event(5, "users/gone", "Source Modified", 4),
                event(6, "users/old", "User Removed", 19, "gone"),
                event(7, "users/gone", "Source Modified", 22),
                event(8, "users/old", "Token Created", 5, "tk1"),
                event(9, "tokens/tk1", "Source Created", 20, "t2"),
                event(10, "tokens/tk2", "Source Modified", 20, "t2"),
                event(11, "__system__", "Warehouse Run Failed", 20, "w1"),
                event(12, "users/old", "Permission Check", 20),
            ]
        ).encode()
    )
    people_ = (Person("users/old", "Olga Old", "olga@example.com"), Person("users/quiet", "Q", ""))
    directory.keep(module_store, Directory("w", "Example", "example", people_))
    return module_store


def test_actor_states(full_store: Store) -> None:
    result = {item.actor_id: item for item in people.actor_activity(full_store, WEEK, NOW)}
    assert {name: item.state for name, item in result.items()} == {
        "users/old": "active",
        "users/fresh": "new",
        "users/asleep": "dormant",
        "users/gone": "active",
        "users/quiet": "never",
        "tokens/tk1": "new",
        "tokens/tk2": "new",
    }
    old = result["users/old"]
    assert (old.name, old.email, old.events, old.changes) == (
        "Olga Old",
        "olga@example.com",
        3,
        2,
    )
    assert result["users/fresh"].destructive == 1


def test_activity_after_removal_is_reported(full_store: Store) -> None:
    result = {item.actor_id: item for item in people.actor_activity(full_store, WEEK, NOW)}
    assert result["users/gone"].removed_at == dt.datetime(2026, 11, 19, 10, 6)
    assert result["users/gone"].after_removal == 1
    assert [item.actor_id for item in result.values() if item.after_removal] == ["users/gone"]


def test_token_creator_comes_from_the_creation_event(full_store: Store) -> None:
    made = people.token_creators(full_store)
    assert {token: row["creator_name"] for token, row in made.items()} == {"tokens/tk1": "Olga Old"}


def test_action_mix_has_actor_and_workspace_shares(full_store: Store) -> None:
    shares = people.action_mix(full_store, WEEK, NOW, "users/old", 9)
    assert {share.action: share.events for share in shares} == {
        "Permission Check": 1,
        "Source Modified": 1,
        "User Removed": 1,
    }
    assert sum(share.actor_share for share in shares) == pytest.approx(1)
    modified = next(share for share in shares if share.action == "Source Modified")
    assert modified.workspace_share == pytest.approx(3 / 8)


def test_top_targets(full_store: Store) -> None:
    result = people.top_targets(full_store, WEEK, NOW, "users/old", 9)
    assert [(row["value"], row["label"], row["events"]) for row in result] == [
        ("t1", "Name of t1", 2),
        ("gone", "Name of gone", 1),
    ]


def test_target_summary(full_store: Store) -> None:
    life = people.target_summary(full_store, "t1")
    assert life
    assert people.target_label(full_store, "t1") == "Name of t1"
    assert (life["events"], life["actors"]) == (7, 4)
    assert life["created_at"] is None
    assert life["deleted_at"] == dt.datetime(2026, 11, 21, 10, 3)
    assert people.target_summary(full_store, "t2")["created_at"] == dt.datetime(2026, 11, 20, 10, 9)  # type: ignore[index]
    assert people.target_summary(full_store, "nothing") is None
    assert people.target_label(full_store, "nothing") == ""


def test_who_begins_after_the_window_is_not_dormant_in_it(full_store: Store) -> None:
    filter_ = Filter.parse("from=2026-11-03&to=2026-11-05")
    states = {
        actor.actor_id: actor.state for actor in people.actor_activity(full_store, filter_, NOW)
    }
    assert states["users/fresh"] == states["tokens/tk2"] == "later"
    assert (states["users/old"], states["users/asleep"]) == ("dormant", "new")
    assert states["users/quiet"] == "never"
