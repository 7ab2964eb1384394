"""What was done, in words that fit the action."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.core import catalogue
from trail.findings.deed_phrases import in_general
from trail.findings.deeds import Seen, amount, by_kind, deed, deeds, done, objects, pair, things

AT = "2026-09-10T11:00:00"


def seen(action: str, n: int = 1, targets: int = 1, *names: str) -> Seen:
    return {
        "action": action, "risk": 5, "n": n, "targets": targets, "names": list(names),
        "ids": list(names), "first": AT, "last": AT,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (seen("Audience CSV Downloaded", 14, 14, "A", "B"), "downloaded 14 audience lists"),
        (seen("Audience CSV Downloaded", 1, 1, "VIP"), "downloaded the audience list VIP"),
        (seen("Audience CSV Downloaded"), "downloaded an audience list"),
        (seen("Warehouses Disabled", 1, 1, "W"), "disabled the warehouse W"),
        (seen("Integrations Created", 2, 2, "A", "B"), "created the integrations A and B"),
        (seen("Source Modified", 2, 1, "S"), "changed the source S (twice)"),
        (seen("Source Modified", 9, 3, "S", "T"), "changed 3 sources 9 times in all"),
        (seen("Policy Deleted", 3, 3), "deleted 3 permission policies"),
        (
            seen("Source Disconnected From Tracking Plan", 1, 1, "S"),
            "disconnected the source S from a tracking plan",
        ),
        (
            seen("Source Connected to Tracking Plan", 3, 3),
            "connected 3 sources to tracking plans",
        ),
        (
            seen("User Removed From User Group", 1, 1, "G"),
            "removed a member from the user group G",
        ),
        (seen("User Removed From User Group", 2, 1, "G"), "removed members from the user group G"),
        (seen("Schema Event Blocked", 4, 1, "S"), "changed the schema of the source S (4 times)"),
        (seen("Journey Published", 3, 3), "published 3 journeys"),
        (seen("Nobody Knows This", 5, 2), "performed “Nobody Knows This” 5 times"),
        (seen("Audience Deleted", 1, 1, "a\nb" + "c" * 90), "deleted the audience a b" + "c" * 56),
    ],
)
def test_deed(one: Seen, words: str) -> None:
    assert deed(one).removesuffix("…") == words


def test_every_action_of_the_catalogue_has_a_verb_and_a_target() -> None:
    unspoken = {
        action.name
        for action in catalogue.ACTIONS
        if action.kind not in {*catalogue.FAILED_KINDS, "complete", "enforce", "detect"}
        and deed(seen(action.name)).startswith("performed")
    }
    assert unspoken == {"Permission Check"}


def test_deeds_share_a_verb_and_count_the_rest_by_kind() -> None:
    filters, key = seen("Filter Deleted", 2, 2), seen("Label Deleted", 1, 1, "L")
    other, made = seen("Source Modified", 1, 1, "S"), seen("Source Created", 3, 3)
    assert deeds([filters, key]) == "deleted 2 filters and the label L"
    assert deeds([filters, other]) == "deleted 2 filters and changed the source S"
    assert deeds([filters, key, other]) == (
        "deleted 2 filters, deleted the label L and changed the source S"
    )
    assert deeds([filters, key, made, other], "risky action") == (
        "deleted 2 filters, deleted the label L and took 4 other risky actions "
        "(created a source 3 times; changed a source)"
    )
    many = [made, other, seen("User Removed"), seen("Source Disabled", 2, 2)]
    assert deeds([filters, key, *many], "risky action").endswith(
        "took 7 other risky actions (2 deactivations, 1 access change, 3 creations, 1 modification)"
    )
    assert deeds([]) == ""


def test_deeds_are_in_the_order_of_their_times() -> None:
    later = {**seen("Audience CSV Downloaded", 1, 1, "A"), "first": "2026-09-10T12:00:00"}
    earlier = seen("Label Created", 1, 1, "L")
    assert deeds([later, earlier]) == "created the label L and downloaded the audience list A"


def test_a_target_is_named_once() -> None:
    made, changed = seen("Source Created", 1, 1, "S"), seen("Source Modified", 3, 1, "S")
    assert deeds([made, changed]) == "created the source S and changed it 3 times"
    audience = seen("Audience Modified", 1, 1, "V"), seen("Audience CSV Downloaded", 1, 1, "V")
    assert deeds(audience) == "changed the audience V and downloaded its list of members"
    user = seen("User Invite Sent", 1, 1, "u"), seen("User Policy Updated", 1, 1, "u")
    assert deeds(user) == (
        "sent an invitation to the user u and changed the permissions of the user"
    )
    # The same name, but another source.
    namesake = {**changed, "ids": ["another"]}
    assert deeds([made, namesake]) == "created the source S and changed the source S (3 times)"
    removed = seen("Source Deleted", 1, 1, "S")
    assert pair([made], [removed]) == "created and deleted the source S"
    assert pair([made], [{**removed, "ids": ["another"]}]) == (
        "created the source S, then deleted the source S"
    )


def test_deeds_of_the_same_words_are_one_if_their_targets_are_known() -> None:
    some = seen("Subjects Added to Group", 2, 2, "A", "B")
    one = seen("User Added To User Group", 1, 1, "C")
    assert deeds([some, one]) == "added members to 3 user groups"
    assert deeds([one]) == "added a member to the user group C"
    many = seen("Subjects Added to Group", 5, 5, "A", "B")
    assert (
        deeds([many, one])
        == "added members to 5 user groups and added a member to the user group C"
    )
    again = seen("Schema Event Blocked", 2, 1, "S"), seen("Schema Event Allowed", 1, 1, "S")
    assert deeds(again) == "changed the schema of the source S (3 times)"


SEEN = st.builds(
    lambda action, n, names: seen(action, max(n, len(names)), max(len(names), 1), *names),
    st.sampled_from([action.name for action in catalogue.ACTIONS]),
    st.integers(1, 30),
    st.lists(st.sampled_from(["S1", "T2", "U3"]), max_size=3, unique=True),
)


@given(st.lists(SEEN, unique_by=lambda one: str(one["action"]), min_size=1, max_size=6))
def test_every_event_is_named_or_counted(listed: list[Seen]) -> None:
    words = deeds(listed, "risky action")
    named = [one for one in listed if deed(one).split(" the ")[0].split(" ")[0] in words]
    rest = re.search(r"took ([0-9,]+) other risky actions? \((.+)\)$", words)
    if rest is None:
        assert len(named) == len(listed), words
    else:
        if rest[2][0].isalpha() and not rest[2].startswith("all "):
            times = [re.search(r" (?:(twice)|(\d+) times)$", part) for part in rest[2].split("; ")]
            shown = [(2 if found[1] else int(found[2])) if found else 1 for found in times]
        else:
            shown = [int(number) for number in re.findall(r"(?:^|, )([0-9]+)", rest[2])]
        assert rest[2].startswith("all ") or sum(shown) == int(rest[1])
        assert 0 < int(rest[1]) < sum(int(one["n"]) for one in listed)
    assert not re.search(r"  |None|\bthe it\b|\b1 (?!access )\w+s\b", words), words


def test_things_and_objects_agree_with_their_numbers() -> None:
    listed = [seen("Source Modified", 3, 2), seen("Label Created", 1, 1), seen("User Removed")]
    assert things(listed) == "2 sources, 1 label and 1 user"
    assert objects(listed) == "sources, a label and a user"
    assert objects([*listed, seen("Audience Modified", 2, 2)]) == "sources, audiences and more"


def test_amount_agrees_with_its_number() -> None:
    assert [amount(["delete"], n) for n in (0, 1, 1_200)] == [
        "no deletion", "1 deletion", "1,200 deletions",
    ]  # fmt: skip
    assert amount(["connect"], 3) == "3 connections"
    assert amount(["disconnect", "disable"], 3) == "3 deactivations or disconnections"
    assert [done(kinds, 3) for kinds in (["create"], ["modify"], [], ["connect", "enable"])] == [
        "created 3 resources", "made 3 modifications", "made 3 changes",
        "enabled or connected 3 resources",
    ]  # fmt: skip
    assert by_kind([seen("Source Modified", 3), seen("Source Deleted", 1)]) == (
        "1 deletion, 3 modifications"
    )
    assert by_kind([seen("Source Modified", 3)]) == "all of them modifications"


def test_what_an_action_does_in_general_never_means_another_action() -> None:
    assert in_general("Integrations Created") == "created an integration"
    assert in_general("Support Access Granted") == "granted Segment support access to the workspace"
    assert in_general("Tracking Plan Updated") == "changed a tracking plan (Tracking Plan Updated)"
    general = [in_general(action.name) for action in catalogue.ACTIONS]
    assert len(set(general)) == len(general)
