"""Explanations of empty results: parts of the filter, nearest matches, misspelt words."""

from collections.abc import Callable

import pytest

from tests.trail.incidents.failures import AUDIENCE, WAREHOUSE, at, line, text
from trail.events import counts, explain, spelling
from trail.events.explain import Deadline, Part
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

NOW = at(60 * 24 * 10)
DAY = 60 * 24


@pytest.fixture(scope="module")
def filled(module_store: Store, module_load: Callable[[bytes], object]) -> Store:
    module_load(
        text(
            line(0, "Warehouses Modified", WAREHOUSE, "w1"),
            line(DAY, "Warehouses Disabled", WAREHOUSE, "w2"),
            line(2 * DAY, "Audience Modified", AUDIENCE, "a1"),
            line(3 * DAY, "Audience Modified", AUDIENCE, "a2"),
            line(9 * DAY, "Warehouses Modified", WAREHOUSE, "w3"),
        )
    )
    return module_store


def shown(parts: list[Part]) -> list[tuple[str, str, tuple[str, ...], int | None]]:
    return [(part.facet, part.mode, part.values, part.events) for part in parts]


def test_the_filter_that_excludes_most_comes_first(filled: Store) -> None:
    filter_ = Filter.parse(
        "category=Engage&category=Access+Management&kind=-create&q=snowflake nope"
    )
    assert counts.count(filled, filter_, NOW) == 0
    parts = explain.without(filled, filter_, NOW, Deadline(60))
    assert shown(parts) == [
        ("category", "include", ("Engage", "Access Management"), 0),
        ("kind", "exclude", ("create",), 0),
        ("q", "search", ("snowflake",), 0),
        ("q", "search", ("nope",), 0),
    ]
    filter_ = Filter.parse("category=Engage&outcome=-failure&q=snowflake")
    parts = explain.without(filled, filter_, NOW, Deadline(60))
    assert [(part.facet, part.events) for part in parts] == [
        ("category", 3),
        ("q", 2),
        ("outcome", 0),
    ]
    for part in parts:
        assert counts.count(filled, part.rest, NOW) == part.events


def test_every_part_alone_is_removed() -> None:
    filter_ = Filter.parse("actor=a&actor=-b&q=x OR y&q=-z (p OR q) r")
    rests = [part.rest for part in explain.parts(filter_)]
    assert [rest.query() for rest in rests] == [
        Filter.parse(query).query()
        for query in (
            "actor=-b&q=x OR y&q=-z (p OR q) r",
            "actor=a&q=x OR y&q=-z (p OR q) r",
            "actor=a&actor=-b&q=-z (p OR q) r",
            "actor=a&actor=-b&q=x OR y&q=(p OR q) r",
            "actor=a&actor=-b&q=x OR y&q=-z r",
            "actor=a&actor=-b&q=x OR y&q=-z (p OR q)",
        )
    ]


def test_what_takes_too_long_is_not_counted(filled: Store) -> None:
    filter_ = Filter.parse("category=Engage&q=snowflake&to=2026-10-01")
    parts = explain.without(filled, filter_, NOW, Deadline(0))
    assert [part.events for part in parts] == [None, None]
    assert explain.nearest(filled, filter_, NOW, Deadline(0)) == explain.Nearest(None, None)
    assert spelling.corrections(filled, filter_, NOW, Deadline(0)) == []


@pytest.mark.parametrize(
    ("query", "before", "after"),
    [
        ("category=Warehouses&from=2026-10-08&to=2026-10-10", "w2", "w3"),
        ("category=Warehouses&from=2026-10-01&to=2026-10-02&sort=risk", None, "w1"),
        ("category=Engage&from=2d", "a2", None),
        ("q=snowflake&from=2026-10-08&to=2026-10-10", "w2", "w3"),
        ("q=nope&from=2d", None, None),
    ],
)
def test_nearest_matches_outside_the_window(
    filled: Store, query: str, before: str | None, after: str | None
) -> None:
    result = explain.nearest(filled, Filter.parse(query), NOW, Deadline(60))
    assert (result.before and result.before["event_id"]) == before
    assert (result.after and result.after["event_id"]) == after


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=snowfalke", [("snowfalke", "snowflake", "snowflake", 3)]),
        ("q=action:Modifed", [("Modifed", "modified", "action:modified", 4)]),
        ("q=SNOWFLKE -vip", [("SNOWFLKE", "snowflake", "snowflake -vip", 3)]),
        ('q="snowflake prdo"', [("snowflake prdo", "snowflake prod", '"snowflake prod"', 3)]),
        ("q=kind:disabled", [("disabled", "disable", "kind:disable", 1)]),
        ("q=kind:modfy", [("modfy", "modify", "kind:modify", 4)]),
        ("q=outcome:failed", [("failed", "failure", "outcome:failure", 0)]),
        ("q=category:Warehuoses", [("Warehuoses", "warehouses", "category:warehouses", 3)]),
        ("q=kind:disable outcome:fail", []),
        ("q=target:modified", []),
        ("q=snow", []),
        ("q=raw:snowfalke", []),
        ("q=-snowfalke", []),
        ("q=snowfalke vip", [("snowfalke", "snowflake", "snowflake vip", 0)]),
        ("q=completely-else", []),
        ("q=%25_'%22", []),
    ],
)
def test_a_misspelt_word_is_corrected_to_a_known_one(
    filled: Store, query: str, expected: list[tuple[str, str, str, int]]
) -> None:
    result = spelling.corrections(filled, Filter.parse(query), NOW, Deadline(60))
    assert [(item.typed, item.meant, " ".join(item.filter.q), item.events) for item in result] == (
        expected
    )
