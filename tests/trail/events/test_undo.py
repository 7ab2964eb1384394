"""Undo recipes: coverage of risky actions, and only valid ids in API calls."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.segment_records import api_event, forwarded
from trail.core import catalogue
from trail.events import undo

TABLE = tomllib.loads(Path(undo.__file__).with_name("undo.toml").read_text(encoding="utf-8"))
ROWS: list[dict[str, Any]] = TABLE["recipe"]
OF_ACTION = {name: row for row in ROWS for name in row["actions"]}
TAKING = catalogue.DESTRUCTIVE_KINDS | {"download"}
# Risk below 6, but a setting that protects data or can lose it.
WEAKENING = {
    "Tracking Plan Modified",
    "Tracking Plan Updated",
    "Tracking Plan Operations Updated",
    "Source Settings Modified",
    "Model State Change Toggled",
    "Filter Updated",
    "Schema Event Blocked",
    "Schema Identify Trait Blocked",
    "Schema Group Property Blocked",
} | {action.name for action in catalogue.ACTIONS if action.name.startswith("Schema Default")}
HOSTILE_IDS = [
    "",
    ".",
    "..",
    "../users",
    "a b",
    'x", "enabled": false, "y": "',
    "x\nDELETE /sources/1",
    "<img src=x>",
    "{sourceId}",
    "é",
    "x?y=1",
    "x#y",
    "%2e%2e",
    "x" * 129,
    "\u202eabc",
    "x\x00",
    "x\n",
]


def row(action: str, target_id: object = "LAn9KpdvNZ", **more: object) -> dict[str, object]:
    """Return the columns of an event that a recipe uses."""
    return {"action": action, "target_type": None, "target_id": target_id, "raw": "", **more}


def recipe(action: str, target_id: object = "LAn9KpdvNZ", **more: object) -> undo.Recipe:
    """Return the recipe of an event that must have one."""
    result = undo.recipe(row(action, target_id, **more))
    assert result is not None
    return result


def path(wanted: undo.Recipe) -> str:
    """Return the path of the call."""
    return wanted.call.split("\n")[0].split(" ")[1]


def body(wanted: undo.Recipe) -> dict[str, Any]:
    """Return the body of the call."""
    read: dict[str, Any] = json.loads(wanted.call.partition("\n")[2] or "{}")
    return read


def test_risky_actions_have_a_recipe() -> None:
    for action in catalogue.ACTIONS:
        needed = action.kind in TAKING or action.risk >= 6 or action.name in WEAKENING
        result = undo.recipe(row(action.name))
        assert (result is not None) == needed, action
        if result:
            assert result.check, action
            assert result.undo, action
            assert result.screen, action
            assert result == undo.recipe(row(action.name))


def test_aliases_have_the_same_recipe() -> None:
    for action in catalogue.ACTIONS:
        for alias in (*action.aliases, action.name.upper()):
            assert undo.recipe(row(alias)) == undo.recipe(row(action.name)), alias


def test_recipe_actions_are_known_and_unique() -> None:
    names = [name for one in ROWS for name in one["actions"]]
    assert len(names) == len(set(names))
    assert set(names) <= {action.name for action in catalogue.ACTIONS}


def test_texts_are_plain_sentences() -> None:
    for one in [*ROWS, *TABLE["unknown"]]:
        sentences = [*one["check"], one["undo"], *filter(None, [one.get("cannot")])]
        for sentence in sentences:
            assert re.fullmatch(r"[A-Z][^!*_`<>\[\]{}]*[.?]", sentence), sentence
            assert len(sentence) <= 160, sentence
        assert re.fullmatch(r"[A-Z][A-Za-z' >]+", one["screen"])


def test_calls_are_a_method_a_path_and_json() -> None:
    for one in ROWS:
        if "call" not in one:
            assert "body" not in one, one
            continue
        call = r"(PATCH|POST|PUT|DELETE) (/([a-z-]+|\{[a-z]\w*Id\}))+"
        assert re.fullmatch(call, one["call"]), one
        method = one["call"].split()[0]
        assert ("body" in one) == (method != "DELETE"), one
        assert isinstance(json.loads(one.get("body", "{}")), dict), one


@pytest.mark.parametrize("name", ["Source Deleted", "Warehouses Deleted", "Space Deleted"])
def test_irreversible_actions_say_why_and_what_to_do(name: str) -> None:
    result = recipe(name)
    assert result.cannot
    assert result.undo


@pytest.mark.parametrize("name", ["Audience CSV Downloaded", "Computed Trait CSV Downloaded"])
def test_downloads_cannot_be_undone(name: str) -> None:
    result = recipe(name)
    assert "left Segment" in result.cannot
    assert result.call == ""


def test_ids_are_filled_from_the_target() -> None:
    assert recipe("Source Disabled").call == 'PATCH /sources/LAn9KpdvNZ\n{"enabled": true}'
    assert recipe("Warehouse Disabled", "w1").call == (
        'PATCH /warehouses/w1\n{"enabled": true, "settings": {}}'
    )
    assert recipe("Integration Disabled", "5d1a994d4a9ac6d8b0eb4fd5").missing == ()
    assert recipe("User Policy Updated", "users/MNxxtIRCbe").call.startswith(
        "PUT /users/MNxxtIRCbe/permissions\n"
    )


def test_ids_are_taken_from_resource_paths_but_slugs_are_not() -> None:
    filter_ = "workspaces/acme/sources/web/destinations/{}/filters/df_1U0MEMv1mox9"
    result = recipe("Destination Filter Disabled", filter_.format("webhooks"))
    assert path(result) == "/destination/{destinationId}/filters/df_1U0MEMv1mox9"
    assert result.missing == ("destinationId",)
    result = recipe("Destination Filter Disabled", filter_.format("5d1a994d4a9ac6d8b0eb4fd5"))
    assert path(result) == "/destination/5d1a994d4a9ac6d8b0eb4fd5/filters/df_1U0MEMv1mox9"
    result = recipe("Profiles Sync Warehouse Disabled", "spaces/default/profiles-warehouses/psw_1")
    assert path(result) == "/spaces/{spaceId}/profiles-warehouses/psw_1"
    result = recipe("Destination Filters Deleted", filter_.format("webhooks"))
    assert body(result)["sourceId"] == "{sourceId}"


def test_ids_of_other_resources_come_from_the_details() -> None:
    details = {"metadata_id": "54521fd725e721e32a72eebb", "subject": "users/me", "subject_id": "me"}
    record = forwarded(type="Integration Deleted", details=details)
    result = recipe(
        "Integration Deleted", "5d1a994d4a9ac6d8b0eb4fd5", target_type="integration",
        raw=json.dumps(record),
    )  # fmt: skip
    assert body(result)["sourceId"] == "LAn9KpdvNZ"
    assert body(result)["metadataId"] == "54521fd725e721e32a72eebb"
    assert result.missing == ("name",)
    plan = forwarded(details={"tracking_plan_id": "tp_1"})
    assert recipe("Source Disconnected From Tracking Plan", raw=json.dumps(plan)).call == (
        'POST /tracking-plans/tp_1/sources\n{"sourceId": "LAn9KpdvNZ"}'
    )
    raw = json.dumps(api_event(type="Source Disabled"))
    assert recipe("Source Disabled", raw=raw).missing == ()


def test_ids_fill_only_placeholders_of_their_type() -> None:
    """A user id never fills a group id, nor a source id a function id, nor the actor a target."""
    result = recipe("User Removed From User Group", "users/abc")
    assert path(result) == "/groups/{userGroupId}/users"
    assert "abc" not in result.call
    assert "LAn9KpdvNZ" not in recipe("User Policy Updated", target_type="user_group").call
    assert "LAn9KpdvNZ" not in recipe("Source Function Deleted", target_type="source").call
    record = forwarded(details={"subject_id": "actor1", "user_id": "actor1", "resource_id": "z9"})
    assert "actor1" not in recipe("User Policy Updated", None, raw=json.dumps(record)).call


@pytest.mark.parametrize("hostile", HOSTILE_IDS)
def test_hostile_ids_are_never_inserted(hostile: str) -> None:
    keys = list(undo._PLACEHOLDER_BY_DETAIL)
    raw = json.dumps({"properties": {"details": dict.fromkeys(keys, hostile)}})
    paths = [hostile, *(f"{place}/{hostile}" for place in undo._PLACEHOLDER_BY_COLLECTION)]
    for name, one in OF_ACTION.items():
        for target in paths:
            result = recipe(name, target, target_name=hostile, raw=raw)
            assert result.call.partition("\n")[0] == one.get("call", ""), name
            assert not result.call or body(result) == json.loads(one.get("body", "{}")), name


@given(st.text(), st.text(), st.text(), st.text(), st.sampled_from(sorted(OF_ACTION)))
def test_event_data_changes_only_ids(
    target: str, kind: str, raw: str, label: str, name: str
) -> None:
    detailed = json.dumps({"properties": {"details": {"source_id": raw, "metadata_id": label}}})
    plain = recipe(name, "")
    for text in (raw, detailed):
        result = recipe(name, target, target_type=kind, target_name=label, raw=text)
        shape = re.escape(plain.call)
        for place in set(undo._PLACEHOLDER.findall(plain.call)):
            hole = rf"(\{{{place}\}}|[A-Za-z0-9_.:-]+)"
            shape = shape.replace(re.escape(f"{{{place}}}"), hole)
        assert re.fullmatch(shape, result.call)
        assert (result.check, result.undo, result.screen, result.cannot) == (
            plain.check, plain.undo, plain.screen, plain.cannot,
        )  # fmt: skip
        assert set(result.missing) <= set(plain.missing)


@pytest.mark.parametrize(
    "raw",
    ["", "[", "[]", "1", '"x"', "null", '{"properties": []}', '{"properties": {"details": 1}}',
     "[" * 100_000, "9" * 10_000, '{"properties": {"details": {"source_id": 7}}}', "{" * 2_000_000,
     None, 7, b"x"],
)  # fmt: skip
def test_malformed_records_are_ignored(raw: object) -> None:
    result = recipe("Source Disabled", None, raw=raw)
    assert result.missing == ("sourceId",)


@pytest.mark.parametrize(
    "event",
    [{}, {"action": None}, {"action": ""}, {"action": "x" * 10_000}, {"action": 7}],
)
def test_event_without_an_action_has_no_recipe(event: dict[str, object]) -> None:
    assert undo.recipe(event) is None


@pytest.mark.parametrize(
    ("action", "part"),
    [
        ("Journey Deleted", "create it again"),
        ("Broadcast Paused", "enable or connect it"),
        ("Journey CSV Exported", "have it deleted"),
        ("Role Changed", "roles"),
        ("Public API Token Created", "delete it"),
    ],
)
def test_unknown_risky_types_have_a_general_recipe(action: str, part: str) -> None:
    result = recipe(action)
    assert part in result.undo
    assert result.call == ""


@pytest.mark.parametrize("action", ["Journey Created", "Sync Failed", "Journey Viewed", "Hm"])
def test_unknown_harmless_types_have_no_recipe(action: str) -> None:
    assert undo.recipe(row(action)) is None
