"""The catalogue: the 66 listed types, spellings, and what happens to a type nobody knows."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.core import catalogue
from trail.core.catalogue import ACTIONS, CATEGORIES, KINDS, OUTCOMES, resolve

# Segment's page of 2022, word for word; written out here so that the table is checked against
# something that is not the table.
LISTED = {
    "Access Management": """
        User Invite Sent
        User Invite Deleted
        User Invite Accepted
        User Added via SSO
        User Removed
        User Group Created
        User Group Updated""",
    "Source": """
        Source Created
        Source Enabled
        Source Disabled
        Source Modified
        Source Deleted""",
    "Integrations": """
        Integrations Created
        Integrations Enabled
        Integrations Disabled
        Integrations Modified
        Integrations Deleted""",
    "Functions": """
        Source Function Created
        Source Function Deleted
        Source Function Modified
        Destination Function Created
        Destination Function Deleted
        Destination Function Modified""",
    "Destination Filters": """
        Destination Filters Created
        Destination Filters Modified
        Destination Filters Deleted""",
    "Warehouses": """
        Warehouses Created
        Warehouses Enabled
        Warehouses Disabled
        Warehouses Modified
        Warehouses Deleted
        Warehouse Run Failed""",
    "Protocols": """
        Tracking Plan Created
        Tracking Plan Modified
        Tracking Plan Deleted
        Source Connected to Tracking Plan
        Source Disconnected From Tracking Plan
        Tracking Plan Inferred
        Tracking Plan New Event Blocked
        Tracking Plan New Event Allowed
        Tracking Plan New Group Trait Omitted
        Tracking Plan New Identify Trait Omitted
        Tracking Plan New Track Property Omitted
        Tracking Plan Operations Updated
        Tracking Plan Updated
        Violations Detected""",
    "Engage": """
        Source Connected To Space
        Source Disconnected From Space
        Space Created
        Space Modified
        Space Deleted
        Computed Trait Created
        Computed Trait Modified
        Computed Trait Deleted
        Computed Trait CSV Downloaded
        Computed Trait Run Failed
        Computed Trait Destination Sync Failed
        Audience Created
        Audience Modified
        Audience Deleted
        Audience CSV Downloaded
        Audience Run Failed
        Audience Destination Sync Failed
        Engage Warehouse Source Created
        Engage Warehouse Source Modified
        Engage Warehouse Source Deleted""",
}
PAIRS = [
    (name.strip(), group) for group, names in LISTED.items() for name in names.strip().split("\n")
]
spellings = st.sampled_from([s for a in ACTIONS for s in (a.name, *a.aliases)])
# Words that look like event types reach the guesses; any text reaches the rest.
guessable = st.lists(
    st.sampled_from(["Journey", "Sync", "Group", "Failed", "Deleted", "Sent", "Viewed", "From"]),
    min_size=1,
    max_size=5,
).map(" ".join)


def test_the_catalog_contains_the_66_documented_types() -> None:
    assert len(PAIRS) == 66
    assert {name for name, _ in PAIRS} == {a.name for a in ACTIONS if a.listed}


@pytest.mark.parametrize(("name", "group"), PAIRS)
def test_a_documented_type_resolves_to_itself_and_its_category(name: str, group: str) -> None:
    action = resolve(name)
    assert (action.name, action.category, action.known) == (name, group, True)


def test_spellings_are_unique() -> None:
    owner: dict[str, str] = {}
    for action in ACTIONS:
        for spelling in (action.name, *action.aliases):
            assert owner.setdefault(catalogue.folded(spelling), action.name) == action.name
            assert resolve(spelling) is action


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("Integration Modified", "Integrations Modified"),
        ("integration_modified", "Integrations Modified"),
        ("Destination Disabled", "Integrations Disabled"),
        ("Warehouse Disabled", "Warehouses Disabled"),
        ("Warehouses Run Failed", "Warehouse Run Failed"),
        ("Destination Filter Deleted", "Destination Filters Deleted"),
        ("Destination Filters Disabled", "Destination Filter Disabled"),
        ("Personas Warehouse Source Modified", "Engage Warehouse Source Modified"),
        ("Source Function Updated", "Source Function Modified"),
        ("Source Connected To Tracking Plan", "Source Connected to Tracking Plan"),
        ("  audience\t csv  DOWNLOADED ", "Audience CSV Downloaded"),
    ],
)
def test_other_spellings_resolve_to_the_same_action(spelling: str, name: str) -> None:
    assert resolve(spelling).name == name


def test_similar_names_are_different_actions() -> None:
    for one, other in (
        ("New Event Allowed", "Tracking Plan New Event Allowed"),
        ("Filter Deleted", "Destination Filter Deleted"),
        ("Profiles Sync Warehouse Updated", "Profiles Sync Warehouse Modified"),
        ("Source Modified", "Source Function Modified"),
    ):
        assert resolve(one).name != resolve(other).name


@pytest.mark.parametrize(
    ("raw", "name", "kind", "outcome", "risk"),
    [
        (" Journey Published ", "Journey Published", "enable", "unknown", 3),
        ("Broadcast Sent", "Broadcast Sent", "modify", "unknown", 3),
        ("Consent Category Created", "Consent Category Created", "create", "unknown", 4),
        ("Journey Run FAILED", "Journey Run FAILED", "failure", "failure", 1),
        ("Journey Deleted", "Journey Deleted", "delete", "unknown", 6),
        ("Report Exported", "Report Exported", "download", "unknown", 7),
        ("Roles Changed", "Roles Changed", "modify", "unknown", 7),
        (" \n", "(no type)", "modify", "unknown", 3),
        ("x" * 5000 + " Deleted", "x" * 5000 + " Deleted", "delete", "unknown", 6),
    ],
)
def test_an_unknown_type_is_kept_as_other(
    raw: str, name: str, kind: str, outcome: str, risk: int
) -> None:
    action = resolve(raw)
    assert (action.name, action.category, action.known) == (name, "Other", False)
    assert (action.kind, action.outcome, action.risk) == (kind, outcome, risk)


def test_catalog_values_are_within_their_ranges() -> None:
    assert {a.category for a in ACTIONS} | {"Other"} == set(CATEGORIES)
    assert CATEGORIES[:2] == ("Source", "Integrations")
    assert CATEGORIES[-1] == "Other"
    assert {a.kind for a in ACTIONS} <= set(KINDS)
    assert set(catalogue.VERBS.values()) <= set(KINDS)
    for action in ACTIONS:
        failed = action.name.endswith("Failed")
        assert (action.kind == "failure", action.outcome == "failure") == (failed, failed)
        assert action.target_type.strip()
        assert 0 <= action.risk <= 10


def test_equivalents_are_actions_of_the_catalog() -> None:
    path = Path(catalogue.__file__).with_name("catalogue.csv")
    with path.open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    names = {row["name"] for row in rows}
    assert len(names) == len(rows) == len(ACTIONS)
    for row in rows:
        assert set(filter(None, row["equivalent_of"].split(";"))) <= names
        assert row["system"] in {"", "yes", "sometimes", "mixed", "inferred"}


@given(st.text() | guessable | spellings)
def test_resolve_never_raises_and_stays_in_range(raw: str) -> None:
    action = resolve(raw)
    assert action.category in CATEGORIES
    assert action.kind in KINDS
    assert action.outcome in OUTCOMES
    assert 0 <= action.risk <= 10
    assert resolve(action.name) == action


@given(spellings | guessable, st.sampled_from([str.upper, str.lower, str.title, str.swapcase]))
def test_case_and_spacing_do_not_matter(name: str, recase: object) -> None:
    assert callable(recase)
    other = resolve("\u00a0 " + recase(name).replace(" ", " \t ") + " ")
    action = resolve(name)
    if action.known:
        assert other is action
    else:
        assert (other.kind, other.outcome, other.risk) == (
            action.kind,
            action.outcome,
            action.risk,
        )
