"""Alert rules in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.notifications.rule import KINDS, STATE_KINDS, Rule
from trail.storage.filters import Filter
from ui.alerts import rule_words

NAMES = {("actor", "users/t"): "terraform-ci", ("workspace", "ws-1"): "EU production"}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "any event"),
        ("kind=disable&kind=delete", "anything is disabled or deleted"),
        (
            "target_type=warehouse&target_type=integration&kind=disable&actor=-users/t",
            "a warehouse or an integration is disabled, by anyone but terraform-ci",
        ),
        ("category=Warehouses&kind=delete", "anything in Warehouses is deleted"),
        ("changes=yes&target_type=tracking_plan", "any change of a tracking plan"),
        ("action=Warehouse+Deleted&actor=users/t", "“Warehouse Deleted”, by terraform-ci"),
        ("changes=yes&actor_type=user", "any change, by a person"),
        ("kind=read", "any event (Kind: read)"),
        ("category=-Source&q=Prod", "any event (not Category: Source · Search: Prod)"),
        ("workspace=ws-1&kind=delete", "anything is deleted (Workspace: EU production)"),
        ("old=1", "old=1"),
    ],
)
def test_a_filter_is_said_with_the_verbs_of_the_catalogue(query: str, words: str) -> None:
    assert rule_words.query_sentence(query, NAMES) == words


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("r", query="kind=delete"), "Anything is deleted"),
        (
            Rule("r", query="kind=delete", threshold=10, group_by="actor"),
            "10 or more events by one actor within 15 min: anything is deleted",
        ),
        (Rule("r", "new_actor"), "The first activity of an actor: any event"),
        (Rule("r", "findings", score=30), "A finding reaches 30 points"),
        (
            Rule("r", query="changes=yes", outside="08:00-18:00"),
            "Any change, outside 08:00-18:00 or at the weekend (UTC)",
        ),
    ],
)
def test_a_rule_says_what_makes_it_fire(rule: Rule, words: str) -> None:
    assert rule_words.condition(rule, NAMES) == words


def test_every_kind_has_a_title_and_words() -> None:
    for kind in KINDS:
        rule = Rule("r", kind)
        assert rule_words.choice_of(rule) in rule_words.KINDS
        assert rule_words.condition(rule, {})
    assert set(KINDS) | {"count"} == set(rule_words.KINDS)
    assert set(STATE_KINDS) < set(rule_words.KINDS)


_VALUES = st.lists(st.text("abc ", min_size=1).filter(str.strip), max_size=2, unique=True)


@given(st.dictionaries(st.sampled_from(["actor", "target", "action", "target_type"]), _VALUES))
def test_no_value_of_a_filter_is_left_out_of_its_words(values: dict[str, list[str]]) -> None:
    filter_ = Filter()
    for facet, items in values.items():
        for number, item in enumerate(items):
            filter_ = filter_.put(facet, item, "exclude" if number else "include")
    words = rule_words.sentence(filter_, {})
    assert all(item.strip() in words for items in values.values() for item in items)


@given(name=st.text("aB ", min_size=1), wanted=st.text("Ab ", max_size=4))
def test_a_rule_matches_what_is_in_its_name(name: str, wanted: str) -> None:
    rule = Rule(name, "integrity", why="zzz")
    others = f"{rule_words.condition(rule, {})}\n{rule_words.KINDS['integrity']}\nzzz".casefold()
    content = (name.casefold(), others)
    expected = all(any(word in part for part in content) for word in wanted.casefold().split())
    assert rule_words.matches(rule, {}, wanted) == expected
