"""Legal holds: what they cover, and which input is refused."""

import datetime as dt

import pytest

from tests.conftest import Load
from tests.trail.random_trail import event
from trail.core.errors import InputError
from trail.retention import legal_holds
from trail.storage.duckdb import Store

AT = dt.datetime(2026, 6, 1, 10)
DAY = dt.timedelta(days=1)


def text(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def held(store: Store) -> set[str]:
    sql = f"select event_id from events e where {legal_holds.condition()}"
    free = f"select event_id from events e where not {legal_holds.condition()}"
    result = set(store.table(sql)["event_id"].to_pylist())
    others = set(store.table(free)["event_id"].to_pylist())
    assert result | others == set(
        store.table("select event_id from events")["event_id"].to_pylist()
    )
    assert not result & others
    return result


@pytest.fixture(autouse=True)
def four_events(load: Load) -> None:
    load(
        text(
            event("a", AT, target=("source", "s1", "Web shop")),
            event("b", AT + DAY, target=("source", "s1", "Web shop renamed")),
            event("c", AT + 2 * DAY, target=("space", "", "Web shop")),
            event("d", AT + 3 * DAY, target=("space", "sp", "s1")),
        )
    )


def test_no_holds_at_first(store: Store) -> None:
    assert legal_holds.active(store) == []
    assert held(store) == set()


@pytest.mark.parametrize(
    ("kind", "value", "span", "expected"),
    [
        ("event", "a", None, {"a"}),
        ("event", "no such", None, set()),
        # Matched by id under any name; by name only where there is no id.
        ("target", "s1", None, {"a", "b"}),
        ("target", "Web shop", None, {"c"}),
        ("target", "sp", None, {"d"}),
        ("target", "SP", None, set()),
        ("period", "", (AT, AT + DAY), {"a"}),
        ("period", "", (AT, AT + DAY + dt.timedelta(microseconds=1)), {"a", "b"}),
        ("period", "", (AT - 9 * DAY, AT), set()),
    ],
)
def test_events_covered_by_a_hold(
    store: Store,
    kind: str,
    value: str,
    span: tuple[dt.datetime, dt.datetime] | None,
    expected: set[str],
) -> None:
    start, end = span or (None, None)
    number = legal_holds.add(store, kind, value, start, end, "a question", "mara")
    assert held(store) == expected
    assert legal_holds.count_events(store, number) == len(expected)
    legal_holds.end(store, number)
    assert held(store) == set()


def test_hold_on_a_duplicate_id_covers_its_event(store: Store) -> None:
    store.write(lambda cursor: cursor.execute("insert into twins (event_id, twin_of) "
                                              "values ('second', 'b')"))  # fmt: skip
    legal_holds.add(store, "event", "second", None, None, "a question", "mara")
    assert held(store) == {"b"}


def test_a_hold_records_who_when_and_why(store: Store) -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    first = legal_holds.add(store, "event", "a", None, None, "  Audit 7 ", "mara")
    second = legal_holds.add(
        store, "period", "", AT.replace(tzinfo=zone), AT.replace(tzinfo=dt.UTC), "Case 9", "bo"
    )
    assert (first, second) == (1, 2)
    one, two = legal_holds.active(store)
    assert {**one, "made_at": None} == {
        "hold_id": 1, "kind": "event", "value": "a", "from_at": None, "to_at": None,
        "reason": "Audit 7", "made_by": "mara", "made_at": None,
    }  # fmt: skip
    assert (two["from_at"], two["to_at"]) == (AT - dt.timedelta(hours=2), AT)
    assert abs(one["made_at"] - dt.datetime.now(dt.UTC).replace(tzinfo=None)) < DAY


def test_an_ended_hold_stays_on_record_and_its_number_is_not_reused(store: Store) -> None:
    legal_holds.end(store, legal_holds.add(store, "event", "a", None, None, "x", "mara"))
    assert legal_holds.active(store) == []
    assert store.table("select hold_id from holds where ended_at is not null").num_rows == 1
    assert legal_holds.add(store, "event", "a", None, None, "x", "mara") == 2
    for number, words in ((1, "Hold 1 ended on 20"), (7, "Hold 7 does not exist.")):
        with pytest.raises(InputError, match=words):
            legal_holds.end(store, number)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("row", "a", None, None, "x", "m"), "Unknown kind of hold 'row'"),
        (("event", "a", None, None, " ", "m"), "reason of the hold is missing"),
        (("event", "a", None, None, "x", ""), "user of the hold is missing"),
        (("event", "", None, None, "x", "m"), "id of the event is missing"),
        (("target", " ", None, None, "x", "m"), "id of the target is missing"),
        (("target", "s1", AT, None, "x", "m"), "no period"),
        (("period", "s1", AT, AT + DAY, "x", "m"), "has no event or target"),
        (("period", "", AT, None, "x", "m"), "needs from and to"),
        (("period", "", None, AT, "x", "m"), "needs from and to"),
        (("period", "", AT, AT, "x", "m"), "ends before it starts"),
        (("period", "", AT + DAY, AT, "x", "m"), "ends before it starts"),
    ],
)
def test_missing_and_invalid_values_are_refused(store: Store, given: tuple, words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        legal_holds.add(store, *given)
    assert refused.value.hint
    assert legal_holds.active(store) == []
