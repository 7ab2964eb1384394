"""Every form in which Segment names an actor, and what it is read as."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.core.actors import resolve
from trail.core.model import ACTOR_TYPES


@pytest.mark.parametrize(
    ("marked", "actor_id", "actor_type"),
    [
        ("s:users/Qx7LmN2pRt", "users/Qx7LmN2pRt", "user"),
        ("s:user/Qx7LmN2pRt", "users/Qx7LmN2pRt", "user"),
        ("s:USERS/Qx7LmN2pRt", "users/Qx7LmN2pRt", "user"),
        ("s:tokens/tk1", "tokens/tk1", "token"),
        ("s:token/tk1", "tokens/tk1", "token"),
        ("s:__system__", "system", "system"),
        ("s:Some opaque words", "Some opaque words", "unknown"),
        ("s:users/", "users/", "unknown"),
        ("s:users/a:b", "users/a:b", "user"),
        ("i:user:Qx7LmN2pRt", "users/Qx7LmN2pRt", "user"),
        ("i:User :Qx7LmN2pRt", "users/Qx7LmN2pRt", "user"),
        ("i:token:tk1", "tokens/tk1", "token"),
        ("i::Qx7LmN2pRt", "Qx7LmN2pRt", "unknown"),
        ("i:robot:r2", "r2", "unknown"),
        ("u:Qx7LmN2pRt", "users/Qx7LmN2pRt", "user"),
        ("u:__system__", "system", "system"),
        ("u:", "unknown", "unknown"),
        ("u:  ", "unknown", "unknown"),
        ("a:users/Qx7LmN2pRt", "users/Qx7LmN2pRt", "user"),
        ("a:Qx7LmN2pRt", "Qx7LmN2pRt", "unknown"),
        ("a:tokens/tk1", "tokens/tk1", "token"),
        ("e:Qx7LmN2pRt", "users/Qx7LmN2pRt", "user"),
        ("a:Segment", "system", "system"),
    ],
)
def test_each_form_of_an_actor_is_parsed(marked: str, actor_id: str, actor_type: str) -> None:
    actor = resolve(marked)
    assert (actor.actor_id, actor.actor_type) == (actor_id, actor_type)


def test_the_system_actor_has_the_name_of_segment() -> None:
    assert resolve("u:__system__").name == "Segment"


def test_one_person_is_the_same_actor_from_every_source() -> None:
    forms = ("s:users/Q", "i:user:Q", "u:Q", "a:users/Q", "e:Q")
    assert len({resolve(form) for form in forms}) == 1


@given(st.sampled_from("siuae"), st.text())
def test_any_text_gives_an_actor(field: str, text: str) -> None:
    actor = resolve(f"{field}:{text}")
    assert actor.actor_id
    assert actor.actor_type in ACTOR_TYPES
