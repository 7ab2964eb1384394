"""What searches find."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trail import random_trail
from tests.trail.random_trail import NOW, event
from trail.events import counts, events
from trail.storage.duckdb import Store
from trail.storage.filters import FACETS, Filter
from trail.storage.search_help import EXAMPLES
from trail.storage.search_syntax import FIELDS, SearchError, parse

SOURCE = ("source", "src_1", "100% real_name")
EVENTS = (
    event("e1", "2026-10-01T10:00", "Source Created", actor="users/ana", target=SOURCE),
    event("e2", "2026-10-01T11:00", "Source Deleted", actor="users/bo", email="Bo@x.example"),
    event("e3", "2026-10-01T12:00", "User Invite Sent", actor="users/ana",
          target=("invite", "srcX1", "100 real-name!")),
    event("e4", "2026-10-01T13:00", "Source Disabled", actor="tokens/t",
          target=("space", "a!b", 'say "hi" \\ there')),
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `EVENTS`."""
    opened = random_trail.store_of(tmp_path_factory.mktemp("trail"), EVENTS)
    yield opened
    opened.close()


def matching_ids(store: Store, *texts: str) -> str:
    """Return the numbers of the events that all *texts* find, oldest first."""
    page = events.page(store, Filter(q=texts, sort="oldest"), NOW)
    return "".join(row["event_id"][1:] for row in page.rows)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ('"source created"', "1"),
        ("action:source", "124"),
        ("action:SOURCE", "124"),
        ("-action:source", "3"),
        ("actor:ana", "13"),
        ("actor:ana -action:source", "3"),
        ("actor:bo@X", "2"),
        ("actor_type:token", "4"),
        ("kind:delete", "2"),
        ("category:access", "3"),
        ("target_type:invite", "3"),
        ("id:E3", "3"),
        ("workspace:ws-1", "1234"),
        ("workspace:ws_1", ""),
        ("changes:no", ""),
        ("-changes:no verified:yes future_dated:no source:file", "1234"),
        ("verified:n* OR source:webhook", ""),
        ("target:%", "1"),
        ("target:_", "1"),
        ("target:100%", "1"),
        ("target:src_1", "1"),
        ("target:!", "34"),
        ("target:a!b", "4"),
        ('target:"real name"', ""),
        ('target:"100% real"', "1"),
        (r'target:"\"hi\" \\"', "4"),
        ('raw:"messageId\\": \\"e2"', "2"),
        ("users/ana", "13"),
        ("-users/ana", "24"),
        ("-target:src", "24"),
        ("nothing-has-this", ""),
        ("-nothing-has-this", "1234"),
    ],
)
def test_a_term_finds_matching_events(store: Store, text: str, ids: str) -> None:
    assert matching_ids(store, text) == ids


def test_every_documented_example_finds_some_of_the_documented_events(
    tmp_path: Path,
) -> None:
    """Each example of docs/search.md is run: it finds an event, and leaves another one out."""
    prod = ("warehouse", "w1", "prod Snowflake prod")
    store = random_trail.store_of(
        tmp_path,
        [
            event("m1", "2026-11-20T10:00", "Source Disabled", actor="users/ana", target=prod),
            event("m2", "2026-11-19T10:00", "Warehouse Deleted", actor="users/a",
                  email="ana@example.com", target=("warehouse", "w2", 'Snowflake "the "old" one')),
            event("m3", "2026-10-01T10:00", "Source Created", actor="tokens/terraform"),
            event("m4", "2026-11-22T10:00", "Label Updated", actor="users/s",
                  email="Ana Silva", target=("label", "l", "Redshift")),
            event("m5", "2026-11-01T10:00", "Permission Check", target=("source", "s1", "prod-1")),
        ],
    )  # fmt: skip
    now = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
    found = {}
    for example in (text for examples in EXAMPLES.values() for text, _ in examples):
        found[example] = counts.count(store, Filter(q=(example,)), now)
    store.close()
    every = ("raw:messageId",)
    assert {text for text, number in found.items() if not number} == set()
    assert {text for text, number in found.items() if number == 5} == set(every)


def test_each_facet_can_be_typed_or_the_search_says_why_not() -> None:
    assert set(FACETS) - set(FIELDS) == {"findings"}
    for text in ("findings:to_review", "-finding:(decided OR x)", "x OR Findings:decided"):
        with pytest.raises(SearchError, match="cannot select by finding"):
            parse(text)
    assert parse('"findings:to_review"')


def test_all_terms_must_match(store: Store) -> None:
    assert matching_ids(store, "actor:ana", "action:source") == "1"
    assert matching_ids(store, "actor:ana", "-action:source") == "3"


@settings(max_examples=60)
@given(text=st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
def test_any_search_text_is_answered_or_has_a_search_error(store: Store, text: str) -> None:
    try:
        number = counts.count(store, Filter(q=(text,)), NOW)
    except SearchError:
        return
    assert 0 <= number <= len(EVENTS)
    if parse(text) is None:
        assert number == len(EVENTS)
