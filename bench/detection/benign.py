"""The nine benign look-alikes: activity that is unusual but legitimate."""

import datetime as dt

import numpy as np

from bench.detection import DAYS
from bench.detection.people import ROLES, Person, minutes_of_day
from bench.detection.scenes import Scene, Story
from bench.detection.world import START, pick, type_of

_DAY = dt.timedelta(days=1)


def clean_up(s: Scene) -> None:
    who = s.who("data_eng", "impl_dev", "marketer")
    at = s.office(who)
    action, kind = {"data_eng": ("Source Deleted", "source"), "marketer": ("Audience Deleted",
        "audience"), "impl_dev": ("Integrations Deleted", "integration")}[who.role]  # fmt: skip
    s.do(at, who.actor, action, s.things(kind, s.between(5, 12), at), 200)


def invite_wave(s: Scene) -> None:
    who = s.who("owner")
    at = s.office(who)
    s.do(at, who.actor, "User Invite Sent",
         [s.world.make("user", at) for _ in range(s.between(8, 20))], 60)  # fmt: skip


def warehouse_maintenance(s: Scene) -> None:
    who = s.who("data_eng")
    at = s.office(who)
    chosen = s.things("warehouse", s.between(1, 3), at)
    at = s.do(at, who.actor, "Warehouses Disabled", chosen)
    at = s.do(at + dt.timedelta(hours=2), who.actor, "Warehouses Modified", chosen)
    s.do(at, who.actor, "Warehouses Enabled", chosen)


def on_call_night(s: Scene) -> None:
    who = s.who("impl_dev", "data_eng")
    at = s.at(who.zone, float(s.world.dice.uniform(22, 28)))
    kind = "integration" if who.role == "impl_dev" else "source"
    action = "Integrations Modified" if who.role == "impl_dev" else "Source Modified"
    own = s.own(who, kind, s.between(2, 5), at)
    s.do(at, who.actor, action, own, 600)


def month_end_exports(s: Scene) -> None:
    s.day = int(s.world.dice.choice([28, 29, 58, 59, 88]))  # the last days of months
    who = s.who("analyst", "marketer", fits=lambda person: person.active > 0.2)
    at = s.office(who)
    own = s.own(who, "audience", s.between(4, 8), at)
    s.do(at, who.actor, "Audience CSV Downloaded", own)


def role_change(s: Scene) -> None:
    s.day = min(s.day, DAYS - 15)
    who = s.who("marketer", "analyst", "impl_dev", until=15)
    role = {"marketer": "analyst", "analyst": "data_eng", "impl_dev": "data_eng"}[who.role]
    actions, weights = zip(*ROLES[role][1].items(), strict=True)
    shares = s.world.dice.dirichlet([14 * weight / sum(weights) for weight in weights])
    for later in s.workdays(10):
        if s.world.dice.random() > 0.6:
            continue
        _days_work(s, who, later, 3, list(actions), shares)


def dev_create_delete(s: Scene) -> None:
    who = s.who("impl_dev")
    at = s.office(who)
    for _ in range(s.between(1, 2)):
        target = [s.world.make("integration", at)]
        at = s.do(at, who.actor, "Integrations Created", target, 200)
        at = s.do(at, who.actor, "Integrations Modified", target * s.between(1, 3), 200)
        at = s.do(at, who.actor, "Integrations Deleted", target, 600)


def returning_user(s: Scene) -> None:
    s.day = max(s.day, 50)
    s.day -= max(0, s.day % 7 - 4)
    asleep = [
        person
        for person in s.world.people
        if person.away and person.away[0][0] < s.day - 21 and person.away[0][1] > s.day
        and person.actor not in s.world.taken
    ]  # fmt: skip
    who = asleep[s.between(0, len(asleep) - 1)]
    s.world.taken.add(who.actor)
    for later in s.workdays(4):
        _days_work(s, who, later, who.rate, who.actions, who.shares)


def _days_work(
    s: Scene, who: Person, later: int, rate: float, actions: list[str], shares: np.ndarray
) -> None:
    count = 1 + int(s.world.dice.poisson(rate))
    chosen = pick(s.world.dice, actions, shares, count)
    midnight = START + (s.day + later) * _DAY
    for time, action in zip(minutes_of_day(s.world.dice, who, count), chosen, strict=True):
        kind, at = type_of(action), midnight + time
        made = action.endswith("Created")
        target = [s.world.make(kind, at)] if made else s.things(kind, 1, at)
        s.do(at, who.actor, action, target)


def platform_storm(s: Scene) -> None:
    """A storm of system failures, and users who force runs again."""
    at = s.at(0, float(s.world.dice.uniform(8, 16)))
    for seconds in s.world.dice.uniform(0, 1500, s.between(80, 200)):
        target = str(s.world.dice.choice(s.world.living["audience"]))
        s.world.add(at + dt.timedelta(seconds=float(seconds)), "__system__", "Audience Run Failed",
                    target)  # fmt: skip
    for _ in range(s.between(3, 6)):
        who = s.who("marketer")
        lists = s.things("audience", s.between(3, 12), at)
        s.do(at + dt.timedelta(minutes=s.between(10, 90)), who.actor, "Audience Run Forced", lists)


BENIGN: tuple[Story, ...] = (
    clean_up, invite_wave, warehouse_maintenance, on_call_night, month_end_exports, role_change,
    dev_create_delete, returning_user, platform_storm,
)  # fmt: skip
