"""Questions in plain words: the filter that each asks for, and the property that holds for any."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trail import random_trail
from tests.trail.random_trail import NOW, event
from trail.events.questions import interpret, is_question, read
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.storage.time_expressions import MONDAY

# `NOW` is Monday, 2 November 2026.
_MAYA, _TERRAFORM, _ZOE = "users/u1", "tokens/tok_terraform_ci", "users/u2"
_PEOPLE = ((_MAYA, "maya.lind@example.com"), (_TERRAFORM, ""), (_ZOE, "zoe.may@example.com"))
_TARGETS = (
    ("source", "src_1", "Checkout"),
    ("warehouse", "wh_1", "Snowflake prod"),
    ("warehouse", "wh_2", "Snowflake staging"),
    ("tracking_plan", "tp_1", "Account events"),
    ("computed_trait", "tra_1", "Orders last 30 days"),
    ("integration", "int_1", "Café Ads"),
    ("user", "usr_9", "sam.hale@example.com"),
    ("source", "src_2", "Users"),
)
EVENTS = tuple(
    event(
        f"e{number}",
        "2026-10-04T10:00",
        "Source Modified",
        actor=_PEOPLE[number % 3][0],
        email=_PEOPLE[number % 3][1],
        target=target,
    )
    for number, target in enumerate(_TARGETS)
)
_BASE = Filter.parse("from=30d&tz=Europe/Oslo&sort=oldest&category=Engage&q=x")

# The question, its filter without zone and order, and the words that are not understood.
_LINES = Path(__file__).with_name("questions.txt").read_text(encoding="utf-8").splitlines()
QUESTIONS = [tuple(part.strip() for part in f"{line} | ".split(" | ")[:3]) for line in _LINES]

SEARCHES = (
    "who", "snowflake prod", "warehouse", "failed", "deleted source", "maya lind", "hello world",
    "what is love", "kind:delete who did it", '"who disabled warehouses"', "who OR what",
    "show (a b)", "last week", "list", "error 504", "who did it", "disabled -warehouse who",
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `EVENTS`."""
    opened = random_trail.store_of(tmp_path_factory.mktemp("trail"), EVENTS)
    yield opened
    opened.close()


@pytest.mark.parametrize(("text", "query", "unknown"), QUESTIONS, ids=[q[0] for q in QUESTIONS])
def test_a_question_is_read_as_a_filter(store: Store, text: str, query: str, unknown: str) -> None:
    question = read(store, _BASE, text, NOW, MONDAY)
    assert question
    pairs = [pair for pair in question.filter.pairs() if pair[0] not in ("tz", "sort")]
    assert sorted(pairs) == sorted(parse_qsl(query))
    assert " ".join(question.not_understood) == unknown
    assert (question.filter.tz, question.filter.sort) == (_BASE.tz, _BASE.sort)


@pytest.mark.parametrize("text", SEARCHES)
def test_a_search_is_not_a_question(store: Store, text: str) -> None:
    assert read(store, _BASE, text, NOW, MONDAY) is None


_VOCABULARY = sorted({word for text, _, _ in QUESTIONS for word in text.split()})
_ANY = st.one_of(st.sampled_from(_VOCABULARY), st.text(max_size=6), st.sampled_from("-\"'?\0:*()"))


@given(st.lists(_ANY, max_size=14).map(" ".join))
def test_whatever_the_text_the_filter_is_valid_and_no_word_is_lost(store: Store, text: str) -> None:
    question = interpret(store, _BASE, text, NOW, MONDAY)
    assert Filter.parse(question.filter.query()) == question.filter
    words = [*question.used, *question.ignored, *question.not_understood]
    shown = "".join(part for word in words for part in word.split())
    strip = " \t\n.,;:!?()[]{}'`´’“”…\"s"
    assert sorted(set(shown) - set(strip)) == sorted(
        {c for c in text if not c.isspace()} - set(strip)
    )
    if is_question(text):
        read(store, _BASE, text, NOW, MONDAY)


# Asked from Overview, each takes two actions: open Explore, and press Enter in its search box.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("who disabled warehouses last week",
         "from=last_week&category=Warehouses&kind=disable"),
        ("what did token terraform do yesterday", f"from=yesterday&actor={_TERRAFORM}"),
        ("who deleted sources last 30 days", "from=30d&category=Source&kind=delete"),
        ("who changed sources from 1 oct to 10 oct",
         "from=2026-10-01&to=2026-10-11&category=Source&changes=yes"),
        ("which warehouses failed last week",
         "from=last_week&category=Warehouses&outcome=failure"),
        ("who changed permissions last month",
         "from=last_month&category=Access Management&changes=yes"),
        ("what did maya.lind@example.com do last week", f"from=last_week&actor={_MAYA}"),
        ("who created tokens last 90 days", "from=90d&target_type=token&kind=create"),
        ("who modified Snowflake prod last 30 days",
         "from=30d&target=Snowflake prod&kind=modify"),
        ("who deleted integrations this month",
         "from=this_month&category=Integrations&kind=delete"),
    ],
)  # fmt: skip
def test_the_ten_questions_of_an_investigation_are_answered(
    store: Store, text: str, expected: str
) -> None:
    question = read(store, _BASE, text, NOW, MONDAY)
    assert question
    assert question.not_understood == ()
    wanted = Filter.parse(expected)
    assert (question.filter.start, question.filter.end) == (wanted.start, wanted.end)
    assert question.filter.choices == wanted.choices
