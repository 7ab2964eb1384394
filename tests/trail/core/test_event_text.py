"""The one sentence that describes an event: who, what, on which target."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.core.event_text import actor, sentence, sentence_parts, target

EVENT: dict[str, Any] = {
    "action": "Warehouses Disabled",
    "kind": "disable",
    "outcome": "success",
    "actor_id": "users/abc",
    "actor_type": "user",
    "actor_email": "mara@example.com",
    "actor_name": "Mara",
    "target_type": "warehouse",
    "target_id": "WH1",
    "target_name": "Prod",
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "Mara disabled the warehouse Prod."),
        ({"target_name": None}, "Mara disabled the warehouse WH1."),
        ({"target_name": None, "target_id": None}, "Mara disabled a warehouse."),
        ({"target_type": "space"}, "Mara disabled a warehouse: Prod."),
        ({"actor_name": ""}, "mara@example.com disabled the warehouse Prod."),
        ({"outcome": "failure"}, "Warehouses Disabled: Prod, by Mara."),
        ({"kind": "access"}, "Warehouses Disabled: Prod, by Mara."),
        (
            {"action": "Warehouse Run Failed", "outcome": "failure", "actor_type": "system"},
            "Warehouse Run Failed: Prod.",
        ),
        (
            {
                "action": "Source Disconnected From Tracking Plan",
                "kind": "disconnect",
                "target_type": "source",
            },
            "Mara disconnected the source Prod from a tracking plan.",
        ),
        (
            {"action": "Source Connected To Space", "kind": "connect", "target_type": "space"},
            "Mara connected a source to a space: Prod.",
        ),
        (
            {"action": "API Key Created", "kind": "create", "target_type": "token"},
            "Mara created an API key: Prod.",
        ),
    ],
)
def test_the_sentence_names_actor_action_and_target(changes: dict[str, Any], expected: str) -> None:
    assert sentence({**EVENT, **changes}) == expected


def test_the_sentence_of_an_event_without_fields_uses_neutral_text() -> None:
    assert sentence({}) == "Unknown action, by Unknown actor."


def test_names_are_bold() -> None:
    strong = [part["text"] for part in sentence_parts(EVENT) if part["strong"]]
    assert strong == ["Mara", "Prod"]


def test_the_sentence_can_leave_out_the_actor() -> None:
    parts = sentence_parts(EVENT, with_actor=False)
    assert "".join(part["text"] for part in parts) == "Warehouses Disabled: Prod."


def test_a_token_without_a_name_is_shown_by_its_id() -> None:
    assert actor({"actor_id": "tokens/t1"}) == "t1"
    assert actor({"actor_id": "tokens/t1", "actor_name": "deploy"}) == "deploy"


def test_the_target_is_shown_by_name_if_it_has_one() -> None:
    assert target(EVENT) == "Prod"
    assert target({}) == ""


@given(st.dictionaries(st.sampled_from(sorted(EVENT)), st.text(max_size=400) | st.none()))
def test_any_event_has_a_printable_sentence(event: dict[str, Any]) -> None:
    assert sentence(event).isprintable()
    assert set(sentence(event)) - set(string.whitespace)
