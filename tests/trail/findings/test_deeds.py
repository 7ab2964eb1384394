"""What was done, in words that fit the action."""

import pytest

from trail.core import catalogue
from trail.findings.deeds import Seen, amount, deed, deeds, done

AT = "2026-09-10T11:00:00"


def seen(action: str, n: int = 1, targets: int = 1, *names: str) -> Seen:
    return {
        "action": action, "risk": 5, "n": n, "targets": targets, "names": list(names),
        "first": AT, "last": AT,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (seen("Audience CSV Downloaded", 14, 14, "A", "B"), "downloaded 14 audience lists"),
        (seen("Audience CSV Downloaded", 1, 1, "VIP"), "downloaded the audience list VIP"),
        (seen("Audience CSV Downloaded"), "downloaded an audience list"),
        (seen("Warehouses Disabled", 1, 1, "W"), "disabled the warehouse W"),
        (seen("Integrations Created", 2, 2, "A", "B"), "created the integrations A and B"),
        (seen("Source Modified", 2, 1, "S"), "changed the source S twice"),
        (seen("Source Modified", 9, 3, "S", "T"), "changed 3 sources 9 times in all"),
        (seen("Policy Deleted", 3, 3), "deleted 3 permission policies"),
        (
            seen("Source Disconnected From Tracking Plan", 1, 1, "S"),
            "disconnected the source S from a tracking plan",
        ),
        (seen("Schema Event Blocked", 4, 1, "S"), "changed the schema of the source S 4 times"),
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


def test_deeds_share_a_verb_and_count_the_rest() -> None:
    filters, key = seen("Filter Deleted", 2, 2), seen("Label Deleted", 1, 1, "L")
    other = seen("Source Modified", 1, 1, "S")
    assert deeds([filters, key]) == "deleted 2 filters and the label L"
    assert deeds([filters, other]) == "deleted 2 filters and changed the source S"
    assert deeds([filters, key, other, other]) == (
        "deleted 2 filters, the label L and did 2 other things"
    )
    assert deeds([]) == ""


def test_amount_agrees_with_its_number() -> None:
    assert [amount("delete", n) for n in (0, 1, 1_200)] == [
        "no deletion", "1 deletion", "1,200 deletions",
    ]  # fmt: skip
    assert amount("disable", 3) == "3 deactivations or disconnections"
    assert [done(verb, 3) for verb in ("create", "modify", "all")] == [
        "created 3 resources", "made 3 modifications", "made 3 changes",
    ]  # fmt: skip
