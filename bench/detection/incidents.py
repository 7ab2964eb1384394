"""The twenty incident types."""

import datetime as dt

from bench.detection.people import newcomer
from bench.detection.scenes import Scene, Story
from bench.detection.world import SYSTEM

_HOUR = dt.timedelta(hours=1)
_DELETES = {
    "data_eng": "source", "impl_dev": "integration", "marketer": "audience",
    "analyst": "computed_trait",
}  # fmt: skip
_DELETED = {
    "source": "Source Deleted", "integration": "Integrations Deleted",
    "audience": "Audience Deleted", "computed_trait": "Computed Trait Deleted",
}  # fmt: skip
_PATIENT_TOKENS = ("tokens/hourly-plans", "tokens/nightly-models", "tokens/twice-a-day",
                   "tokens/hourly-schema")  # fmt: skip


def mass_delete(s: Scene) -> None:
    who = s.who(*_DELETES)
    at, kind = s.office(who), _DELETES[who.role]
    s.do(at, who.actor, _DELETED[kind], s.things(kind, s.between(8, 25), at))


def slow_delete(s: Scene) -> None:
    days = s.workdays(s.between(5, 8))
    who = s.who(*_DELETES, until=days[-1] + 1)
    kind = _DELETES[who.role]
    for later in days:
        at = s.office(who, later)
        s.do(at, who.actor, _DELETED[kind], s.things(kind, s.between(2, 3), at), 2000)


def warehouse_disabled_by_outsider(s: Scene) -> None:
    who = s.who("marketer", "analyst", "impl_dev")
    at = s.office(who)
    s.do(at, who.actor, "Warehouses Disabled", s.things("warehouse", 1, at))


def off_hours_takeover(s: Scene) -> None:
    who = s.who("impl_dev", "data_eng", "marketer", fits=lambda person: person.active > 0.3)
    at = s.at(who.zone, float(s.world.dice.uniform(1, 4)))
    usual = "Audience Modified" if who.role == "marketer" else "Integrations Modified"
    kind = "audience" if who.role == "marketer" else "integration"
    at = s.do(at, who.actor, usual, s.things(kind, s.between(1, 4), at))
    risky = s.one_of("Integrations Created", "Source Disabled", "Audience CSV Downloaded")
    kind = {"I": "integration", "S": "source", "A": "audience"}[risky[0]]
    s.do(at, who.actor, risky, s.things(kind, s.between(1, 3), at))


def export_burst(s: Scene) -> None:
    who = s.who("marketer", "analyst", "contractor")
    at = s.office(who)
    s.do(at, who.actor, "Audience CSV Downloaded", s.things("audience", s.between(8, 24), at), 60)


def slow_export(s: Scene) -> None:
    days = s.workdays(s.between(5, 8))
    who = s.who("marketer", "analyst", until=days[-1] + 1)
    for later in days:
        at = s.office(who, later)
        lists = s.things("audience", s.between(2, 3), at)
        s.do(at, who.actor, "Audience CSV Downloaded", lists, 3000)


def privilege_escalation(s: Scene) -> None:
    who = s.who("impl_dev", "data_eng", "contractor")
    at = s.office(who)
    at = s.do(at, who.actor, "User Invite Sent", [s.world.make("user", at)])
    at += s.between(1, 4) * _HOUR
    s.do(at, who.actor, s.one_of("User Group Updated", "User Policy Updated"),
         s.things("user_group", 1, at))  # fmt: skip


def dormant_reactivated(s: Scene) -> None:
    s.day = s.between(60, 84)
    s.day -= max(0, s.day % 7 - 4)
    asleep = [
        person
        for person in s.world.people
        if person.away and person.away[0][1] - person.away[0][0] > 30
        and person.role in ("data_eng", "impl_dev", "marketer", "analyst")
        and person.actor not in s.world.taken
    ]  # fmt: skip
    who = asleep[s.between(0, len(asleep) - 1)]
    s.world.taken.add(who.actor)
    at = s.office(who)
    for action in ("Source Modified", "Integrations Modified", "Integrations Created"):
        kind = "source" if action.startswith("Source") else "integration"
        at = s.do(at, who.actor, action, s.things(kind, s.between(1, 2), at))


def token_out_of_repertoire(s: Scene) -> None:
    token = s.one_of(*_PATIENT_TOKENS, "tokens/weekday-lists", "tokens/deploy")
    at = s.at(0, float(s.world.dice.uniform(0, 23)))
    action = s.one_of("User Group Updated", "Warehouses Modified", "Audience CSV Downloaded",
                      "Source Deleted")  # fmt: skip
    kind = {"U": "user_group", "W": "warehouse", "A": "audience", "S": "source"}[action[0]]
    s.do(at, token, action, s.things(kind, s.between(1, 3), at))


def protection_removed_then_egress(s: Scene) -> None:
    who = s.who("impl_dev", "marketer", "contractor", "data_eng")
    at = s.office(who)
    if s.between(0, 1):
        action = s.one_of("Destination Filters Deleted", "Destination Filters Modified")
        at = s.do(at, who.actor, action, s.things("destination_filter", 1, at))
    else:
        at = s.do(
            at, who.actor, "Source Disconnected From Tracking Plan", s.things("source", 1, at)
        )
    at += dt.timedelta(minutes=s.between(5, 300))
    if s.between(0, 1):
        s.do(at, who.actor, "Integrations Created", [s.world.make("integration", at)])
    else:
        s.do(at, who.actor, "Audience CSV Downloaded", s.things("audience", s.between(1, 2), at))


def create_then_delete(s: Scene) -> None:
    who = s.who("impl_dev", "data_eng", "contractor", "marketer")
    at = s.office(who)
    action, kind = ("Integrations", "integration") if s.between(0, 1) else (
        "Destination Function", "function")  # fmt: skip
    target = s.world.make(kind, at)
    at = s.do(at, who.actor, f"{action} Created", [target])
    at = s.do(at, who.actor, f"{action} Modified", [target] * s.between(0, 2))
    s.do(at + dt.timedelta(minutes=s.between(20, 400)), who.actor, f"{action} Deleted", [target])


def function_tamper(s: Scene) -> None:
    who = s.who("impl_dev", "contractor")
    at = s.office(who)
    others = [
        function
        for function in s.things("function", 8, at)
        if function not in who.own.get("function", ())
    ]
    s.do(at, who.actor, "Destination Function Modified", others[:1] * s.between(1, 3))


def newhire_abuse(s: Scene) -> None:
    role = s.one_of("data_eng", "impl_dev", "marketer", "analyst", "contractor")
    who = newcomer(s.world.dice, f"users/new-{s.label.replace('#', '-')}", role, s.day)
    owner = s.one_of(*(person.actor for person in s.world.people if person.role == "owner"))
    s.world.add(
        s.at(0, 8) - 24 * _HOUR, owner, "User Invite Sent", s.world.make("user", s.at(0, 1))
    )
    for later in range(s.between(1, 2)):
        at = s.office(who, later)
        for action, kind in (
            ("Source Modified", "source"),
            ("Audience CSV Downloaded", "audience"),
            ("Integrations Created", "integration"),
        )[: s.between(2, 3)]:
            at = s.do(at, who.actor, action, s.things(kind, s.between(1, 2), at), 600)


def flapping(s: Scene) -> None:
    who = s.who("impl_dev", "data_eng")
    at = s.office(who)
    stem, kind = ("Integrations", "integration") if who.role == "impl_dev" else ("Source", "source")
    target = s.things(kind, 1, at)
    for _ in range(s.between(2, 5)):
        for verb in ("Disabled", "Enabled"):
            at = s.do(at, who.actor, f"{stem} {verb}", target, 900)


def token_silent(s: Scene) -> None:
    s.day = max(s.day, 21)
    token = s.one_of(*(name for name in _PATIENT_TOKENS if name not in s.world.silent))
    stops = s.at(0, 11)
    s.world.silence(token, stops)
    s.world.last_of(token, stops, s.label)
    s.world.planted[s.label].seen_from = stops + 12 * _HOUR


def breaking_change(s: Scene) -> None:
    who = s.who("impl_dev", "data_eng")
    at = s.office(who)
    action = s.one_of(
        "Tracking Plan Modified",
        "Source Settings Modified",
        "Schema Default Edited To Block New Events",
        "Source Function Modified",
    )
    kind = {"T": "tracking_plan", "S": "source"}[action[0]]
    s.do(at, who.actor, action, s.things("function" if "Function" in action else kind, 1, at))
    plan = s.things("tracking_plan", 1, at)[0]
    for seconds in s.world.dice.exponential(2500, s.between(30, 120)):
        s.world.add(at + dt.timedelta(seconds=float(seconds)), SYSTEM, "Violations Detected", plan)


def grant_revoke(s: Scene) -> None:
    who = s.who("owner", "impl_dev", "data_eng")
    at = s.office(who)
    group = s.things("user_group", 1, at)
    at = s.do(at, who.actor, "User Group Updated", group)
    s.do(at + dt.timedelta(minutes=s.between(20, 360)), who.actor, "User Group Updated", group)


def weekend_deploy(s: Scene) -> None:
    s.weekend()
    who = s.who("impl_dev", "data_eng", fits=lambda person: person.weekend < 0.1)
    at = s.office(who)
    for action, kind in (
        ("Destination Function Modified", "function"),
        ("Integrations Modified", "integration"),
        ("Source Modified", "source"),
    ):
        own = s.own(who, kind, s.between(1, 3), at)
        at = s.do(at, who.actor, action, own, 400)


def token_level_shift(s: Scene) -> None:
    token = s.one_of(*(name for name in _PATIENT_TOKENS if name not in s.world.silent))
    s.world.shift(token, s.at(0, 0), days=s.between(3, 6), factor=s.between(3, 6), label=s.label)


def tracking_plans_disconnected(s: Scene) -> None:
    who = s.who("impl_dev", "data_eng", "contractor")
    at = s.office(who)
    s.do(at, who.actor, "Source Disconnected From Tracking Plan",
         s.things("source", s.between(5, 15), at), 50)  # fmt: skip


INCIDENTS: tuple[Story, ...] = (
    mass_delete, slow_delete, warehouse_disabled_by_outsider, off_hours_takeover, export_burst,
    slow_export, privilege_escalation, dormant_reactivated, token_out_of_repertoire,
    protection_removed_then_egress, create_then_delete, function_tamper, newhire_abuse, flapping,
    token_silent, breaking_change, grant_revoke, weekend_deploy, token_level_shift,
    tracking_plans_disconnected,
)  # fmt: skip
