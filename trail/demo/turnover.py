"""Ordinary life events: joiners, leavers, a support visit, an inactive source."""

from trail.demo.actions import NUMBER
from trail.demo.actors import SYSTEM
from trail.demo.batch import DAY_MS, Planted
from trail.demo.people import Person
from trail.demo.resources import World

_HOUR = 3_600_000


def plan(
    world: World, people: list[Person], first_actor: int, owner: int, days: int
) -> list[list[Planted]]:
    """Return groups of events that belong together."""
    groups = [_support(world, owner, days), _dead_source(world, days)] if days > 20 else []
    for row, person in enumerate(people):
        if person.first_day:
            groups.append(_joins(world, person, first_actor + row, owner))
        elif person.last_day < days - 1:
            groups.append(_leaves(world, person, owner))
    return groups


def _joins(world: World, person: Person, actor: int, owner: int) -> list[Planted]:
    account = world.reserve("user", person.email, person.id)
    account.pinned = True
    before = (person.first_day - 1) * DAY_MS
    if person.shift > 0:
        act = NUMBER["User Added via SSO"]
        return [Planted(before + 15 * _HOUR, actor, act, account)]
    invite = world.reserve("invite", person.email)
    invite.pinned = True
    return [
        Planted(before + 10 * _HOUR, owner, NUMBER["User Invite Sent"], invite),
        Planted(before + 15 * _HOUR, actor, NUMBER["User Invite Accepted"], account),
    ]


def _leaves(world: World, person: Person, owner: int) -> list[Planted]:
    account = world.pin("user", person.email, person.id)
    at = (person.last_day + 1) * DAY_MS + 10 * _HOUR
    return [Planted(at, owner, NUMBER["User Removed"], account)]


def _support(world: World, owner: int, days: int) -> list[Planted]:
    at, workspace = (days - 17) * DAY_MS + 14 * _HOUR, world.pools["workspace"][0]
    return [
        Planted(at, owner, NUMBER["Support Access Granted"], workspace),
        Planted(at + _HOUR, owner, NUMBER["Support Login"], workspace),
        Planted(at + 5 * _HOUR, owner, NUMBER["Support Access Revoked"], workspace),
    ]


def _dead_source(world: World, days: int) -> list[Planted]:
    """Return a source disabled by Segment after two weeks without a destination."""
    source = world.pin("source", "Kiosk (legacy) ")
    at = (days - 12) * DAY_MS + 4 * _HOUR
    return [Planted(at, SYSTEM, NUMBER["Source Disabled"], source)]
