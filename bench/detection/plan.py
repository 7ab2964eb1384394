"""A complete simulated workspace: ordinary days and planted scenarios."""

from pathlib import Path

import numpy as np

from bench.detection import DAYS
from bench.detection import people as humans
from bench.detection.benign import BENIGN
from bench.detection.days import fill
from bench.detection.further import FURTHER
from bench.detection.incidents import INCIDENTS
from bench.detection.scenes import Scene, Story
from bench.detection.world import START, Planted, World

# One scenario in ten falls on days on which little is known yet.
_COLD = 0.1


def workspace(
    seed: int, path: Path, *, further: bool = False, scale: float = 1.0, copies: int = 2
) -> World:
    """Write the workspace of *seed* to *path* and return it with what was planted.

    *copies* of each incident type (with *further*, of the ten further scenarios instead) and of
    each look-alike; *scale* is the share of the full number of people.
    """
    dice = np.random.default_rng([seed, int(further)])
    world = World(dice, humans.people(dice, scale))
    world.settle()
    fill(world, scale)
    for list_, stories in (
        ("further" if further else "incident", FURTHER if further else INCIDENTS),
        ("benign", BENIGN),
    ):
        for story in stories:
            for copy in range(copies):
                _put(world, list_, story, copy)
    world.written(path)
    return world


def _put(world: World, list_: str, story: Story, copy: int) -> None:
    dice = world.dice
    cold = dice.random() < _COLD
    day = int(dice.integers(5, 14) if cold else dice.integers(14, DAYS - 12))
    if day % 7 >= 5:
        day -= 2
    label = f"{story.__name__}#{copy}"
    world.planted[label] = Planted(label, story.__name__, list_, START)
    scene = Scene(world, label, day)
    story(scene)
    planted = world.planted[label]
    first = min(event.at for event in world.events if event.label == label)
    planted.seen_from = max(planted.seen_from, first)
