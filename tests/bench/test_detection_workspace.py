"""The simulated workspaces of the detection benchmark: reproducible, complete, labeled."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.detection import DEV_SEEDS, HELD_OUT_SEEDS
from bench.detection.benign import BENIGN
from bench.detection.days import act
from bench.detection.further import FURTHER
from bench.detection.incidents import INCIDENTS
from bench.detection.plan import workspace
from bench.detection.scenes import Scene
from bench.detection.world import END, START, World
from trail.core.catalogue import resolve

SEED = 1
SCALE = 0.2


def test_tuning_and_held_out_seeds_do_not_overlap() -> None:
    assert not set(DEV_SEEDS) & set(HELD_OUT_SEEDS)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[World, Path]]:
    """Return a small workspace with the incidents, and one with the further scenarios."""
    folder = tmp_path_factory.mktemp("workspaces")
    return {
        name: (
            workspace(SEED, folder / name, further=name == "further", scale=SCALE, copies=1),
            folder / name,
        )
        for name in ("incident", "further")
    }


def test_same_seed_gives_identical_bytes(
    made: dict[str, tuple[World, Path]], tmp_path: Path
) -> None:
    workspace(SEED, tmp_path / "again", scale=SCALE, copies=1)
    first = made["incident"][1].read_bytes()
    assert (tmp_path / "again").read_bytes() == first
    assert made["further"][1].read_bytes() != first


@pytest.mark.parametrize(
    ("name", "stories", "count"), [("incident", INCIDENTS, 20), ("further", FURTHER, 10)]
)
def test_every_scenario_and_decoy_is_generated(
    made: dict[str, tuple[World, Path]], name: str, stories: tuple[object, ...], count: int
) -> None:
    planted = made[name][0].planted.values()
    assert len(stories) == count and len(BENIGN) == 9
    assert {item.type for item in planted if item.list == name} == {
        story.__name__  # type: ignore[attr-defined]
        for story in stories
    }
    assert {item.type for item in planted if item.list == "benign"} == {s.__name__ for s in BENIGN}


@pytest.mark.parametrize("name", ["incident", "further"])
def test_labels_belong_to_existing_events(made: dict[str, tuple[World, Path]], name: str) -> None:
    world, path = made[name]
    records = [json.loads(line) for line in path.read_bytes().splitlines()]
    times = {record["id"]: record["timestamp"] for record in records}
    assert len(times) == len(records)
    for item in world.planted.values():
        assert item.ids and item.ids <= times.keys()
        assert START <= item.seen_from < END
    owned = [event_id for item in world.planted.values() for event_id in item.ids]
    assert len(owned) == len(set(owned))


def test_actions_are_in_the_catalogue(made: dict[str, tuple[World, Path]]) -> None:
    names = {event.action for world, _ in made.values() for event in world.events}
    assert [name for name in names if not resolve(name).known] == []


def test_action_on_a_type_without_live_resources() -> None:
    """An ordinary action is skipped; a scenario gets a target of its own."""
    world = World(np.random.default_rng(5), [])
    act(world, START, "users/owner", "Warehouses Modified", None)
    assert world.events == []
    assert world.living["warehouse"] == []
    assert Scene(world, "", 20).things("warehouse", 2, END) == world.living["warehouse"] != []
