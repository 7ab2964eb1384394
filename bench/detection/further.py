"""Ten further scenarios, written without regard to any detector."""

import datetime as dt

from bench.detection.scenes import Scene, Story

_HOUR = dt.timedelta(hours=1)


def activity_after_removal(s: Scene) -> None:
    """A user is removed from the workspace, but an open session stays active."""
    who = s.who("impl_dev", "data_eng", "marketer")
    owner = s.one_of(*(person.actor for person in s.world.people if person.role == "owner"))
    at = s.office(who)
    s.world.add(at, owner, "User Removed", who.actor.replace("users/", "user-"), s.label)
    s.world.silence(who.actor, at)
    at += s.between(2, 10) * _HOUR
    for _ in range(s.between(1, 2)):
        action, kind = (("Source Modified", "source"), ("Integrations Modified", "integration"),
                        ("Audience CSV Downloaded", "audience"))[s.between(0, 2)]  # fmt: skip
        at = s.do(at, who.actor, action, s.things(kind, s.between(1, 3), at), 400)


def stolen_token_hours(s: Scene) -> None:
    """A leaked token makes its usual changes at unusual hours."""
    token, action, kind = (
        ("tokens/nightly-models", "Model Settings Saved", "model"),
        ("tokens/twice-a-day", "Integrations Modified", "integration"),
    )[s.between(0, 1)]
    at = s.at(0, float(s.world.dice.uniform(9, 15)))
    s.do(at, token, action, s.things(kind, s.between(3, 10), at), 240)


def suppressions_deleted(s: Scene) -> None:
    """A user outside the privacy team deletes regulations."""
    who = s.who("impl_dev", "marketer", "data_eng")
    at = s.office(who)
    s.do(at, who.actor, "Regulation Deleted", s.things("regulation", s.between(2, 6), at), 300)


def schema_validation_disabled(s: Scene) -> None:
    """Schema validation is disabled on many sources."""
    who = s.who("impl_dev", "data_eng")
    at = s.office(who)
    s.do(at, who.actor, "Schema Default Edited To Allow Identify Traits On Violation",
         s.things("source", s.between(4, 12), at), 90)  # fmt: skip


def audiences_sent_to_one_destination(s: Scene) -> None:
    """One destination is added to many audiences."""
    who = s.who("marketer", "analyst")
    at = s.office(who)
    s.do(at, who.actor, "Destination Added into Audience",
         s.things("audience", s.between(12, 30), at), 60)  # fmt: skip


def support_access_by_non_owner(s: Scene) -> None:
    """A user who is not an owner grants support access, and a login follows."""
    who = s.who("impl_dev", "marketer", "contractor")
    at = s.office(who)
    s.do(at, who.actor, "Support Access Granted", s.things("workspace", 1, at))
    s.do(at + s.between(1, 6) * _HOUR, "users/support-desk", "Support Login",
         s.things("workspace", 1, at))  # fmt: skip


def credential_replaced(s: Scene) -> None:
    """A warehouse credential is created and another one deleted."""
    who = s.who("impl_dev", "contractor", "data_eng", "analyst")
    at = s.office(who)
    fresh = s.world.make("warehouse_credential", at)
    at = s.do(at, who.actor, "Warehouse Credential Created", [fresh], 900)
    s.do(at, who.actor, "Warehouse Credential Deleted",
         s.things("warehouse_credential", 1, at - _HOUR), 900)  # fmt: skip


def failed_deployment(s: Scene) -> None:
    """A deployment with an empty plan deletes many resources."""
    at = s.at(0, float(s.world.dice.uniform(9, 17)))
    kind, action = (("function", "Destination Function Deleted"),
                    ("integration", "Integrations Deleted"))[s.between(0, 1)]  # fmt: skip
    s.do(at, "tokens/deploy", action, s.things(kind, s.between(8, 20), at), 5)


def private_invites(s: Scene) -> None:
    """A user who is not an owner invites several people over two days."""
    who = s.who("marketer", "contractor", "analyst", until=4)
    for later in s.workdays(2):
        at = s.office(who, later)
        guests = [s.world.make("user", at) for _ in range(s.between(1, 3))]
        s.do(at, who.actor, "Non-Segment User Invited to Workspace", guests, 300)


def raw_data_browsing(s: Scene) -> None:
    """A user views the raw events of many sources."""
    who = s.who("marketer", "contractor", "impl_dev")
    at = s.office(who)
    s.do(at, who.actor, "Source Debugger Raw Viewed", s.things("source", s.between(8, 30), at), 40)


FURTHER: tuple[Story, ...] = (
    activity_after_removal, stolen_token_hours, suppressions_deleted, schema_validation_disabled,
    audiences_sent_to_one_destination, support_access_by_non_owner, credential_replaced,
    failed_deployment, private_invites, raw_data_browsing,
)  # fmt: skip
