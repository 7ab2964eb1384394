"""Ordinary days of a workspace: users, tokens, system events, failures and retries."""

import datetime as dt

from bench.detection import DAYS
from bench.detection.people import ROLES, TOKENS, Person, Token, minutes_of_day
from bench.detection.world import END, START, SYSTEM, World, pick, type_of

_DAY = dt.timedelta(days=1)
_CHATTER = (
    "Violations Detected", "Tracking Plan New Event Blocked", "Tracking Plan New Event Allowed",
    "Tracking Plan New Track Property Omitted",
)  # fmt: skip
_STAND_IN = 0.004  # share of changes that belong to another role's work
# Time, actor, action, and the person where the actor is one.
_Slot = tuple[dt.datetime, str, str, Person | None]
_PROJECT = 0.05  # share of days with many changes of one resource


def fill(world: World, scale: float) -> None:
    """Add all ordinary days to *world*, in order of time."""
    for number in range(DAYS):
        day = START + number * _DAY
        slots: list[_Slot] = []
        for person in world.people:
            if person.there(number) and _works(world, person, day):
                slots.extend(_slots(world, person, day))
        for token in TOKENS:
            slots.extend(_runs(world, token, day))
        for at, actor, action, who in sorted(slots, key=lambda slot: slot[0]):
            if START <= at < END:
                act(world, at, actor, action, who)
        _system(world, day, scale)
    for person in world.people:
        if person.end < DAYS and world.dice.random() < 0.8:
            owner = str(world.dice.choice([p.actor for p in world.people if p.role == "owner"]))
            at = START + person.end * _DAY + dt.timedelta(hours=float(world.dice.uniform(8, 17)))
            world.add(at, owner, "User Removed", person.actor.replace("users/", "user-"))


def _works(world: World, who: Person, day: dt.datetime) -> bool:
    weekday = day.weekday()
    share = who.active * (who.weekend if weekday >= 5 else 0.8 if weekday == 4 else 1)
    return bool(world.dice.random() < share)


def _slots(world: World, who: Person, day: dt.datetime) -> list[_Slot]:
    dice = world.dice
    count = 1 + int(dice.poisson(who.rate * dice.gamma(2, 0.5)))
    actions = pick(dice, who.actions, who.shares, count)
    if dice.random() < _PROJECT:
        actions += [actions[0]] * int(dice.integers(3, int(5 + 4 * who.rate)))
    if dice.random() < _STAND_IN * count:
        others = list(ROLES[str(dice.choice(list(ROLES)))][1].items())
        weights = [weight for _, weight in others]
        place = dice.choice(len(others), p=[weight / sum(weights) for weight in weights])
        actions[-1] = others[int(place)][0]
    times = minutes_of_day(dice, who, len(actions))
    return [
        (day + time, who.actor, action, who) for time, action in zip(times, actions, strict=True)
    ]


def _runs(world: World, token: Token, day: dt.datetime) -> list[_Slot]:
    dice = world.dice
    if day.weekday() not in token.weekdays:
        return []
    hours = [float(hour) for hour in token.hours]
    if not hours:
        hours = [float(dice.uniform(8, 18)) for _ in range(int(dice.poisson(0.7)))]
    slots: list[_Slot] = []
    for hour in hours:
        at = day + dt.timedelta(hours=hour, minutes=float(dice.uniform(0, 6)))
        count = int(dice.integers(token.least, token.most + 1))
        if token.actor == "tokens/qa":
            # Every created resource is deleted some minutes later; see `act`.
            plan = [token.actions[0]] * count + [token.actions[1]] * count
        else:
            plan = [world.one(token.actions) for _ in range(count)]
        for number, action in enumerate(plan):
            slots.append((at + dt.timedelta(seconds=7 * number), token.actor, action, None))
    return slots


def act(world: World, at: dt.datetime, actor: str, action: str, who: Person | None) -> None:
    """Let *actor* perform *action* on a suitable resource, preferably one of *who*'s."""
    kind = type_of(action)
    own = (who.own if who else _tokens_own(world, actor)).setdefault(kind, [])
    if action.endswith("Created"):
        target = world.make(kind, at)
        own.append(target)
    else:
        deletes = action.endswith("Deleted")
        mine = [name for name in own if name not in world.gone]
        if not mine or world.dice.random() < (0.05 if deletes else 0.15):
            if (other := world.any_living(kind)) is None:
                return  # every resource of this kind was deleted: nothing to act on
            mine = [other]
        target = mine[-1] if actor == "tokens/qa" else world.one(mine)
        if deletes and kind not in ("user", "workspace"):
            world.remove(kind, target, at)
    world.add(at, actor, action, target)


def _tokens_own(world: World, actor: str) -> dict[str, list[str]]:
    return world.token_own.setdefault(actor, {})


def _system(world: World, day: dt.datetime, scale: float) -> None:
    """Add the system events of a day, and failures with one to five attempts."""
    dice = world.dice
    for seconds in dice.uniform(0, 86_400, int(dice.poisson(900 * scale))):
        action = world.one(_CHATTER)
        world.add(day + dt.timedelta(seconds=float(seconds)), SYSTEM, action,
                  world.one(world.living["tracking_plan"][:40]))  # fmt: skip
    for seconds in dice.uniform(0, 80_000, int(dice.poisson(40 * scale))):
        kind = "audience" if dice.random() < 0.8 else "computed_trait"
        name = "Audience" if kind == "audience" else "Computed Trait"
        action = f"{name} {dice.choice(['Run', 'Destination Sync'])} Failed"
        target = world.any_living(kind)
        if target is None:
            continue
        for attempt in range(min(5, int(dice.geometric(0.5)))):
            at = day + dt.timedelta(seconds=float(seconds) + 60 * (2**attempt - 1))
            world.add(at, SYSTEM, action, target)
    if dice.random() < 0.1 and (source := world.any_living("source")):
        world.add(day + dt.timedelta(hours=3), SYSTEM, "Source Disabled", source)
    for who in dice.choice(world.people, max(2, int(12 * scale))):  # type: ignore[arg-type]
        at = day + dt.timedelta(seconds=float(dice.uniform(0, 86_000)))
        if source := world.any_living("source"):
            world.add(at, who.actor, "Permission Check", source)
