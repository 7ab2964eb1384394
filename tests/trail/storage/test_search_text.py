"""The answers of a search from what is kept at ingest equal those from the records themselves."""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from tests.trail import random_trail
from tests.trail.random_trail import NOW, folded
from trail.core.limits import Limits
from trail.core.settings import load
from trail.events import counts, events, timeline
from trail.events.search_results import search_matches
from trail.integrity import derived_check
from trail.storage import record_text, schema, search_backfill, search_text
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

_WORDS = (
    *("Web shop", "prod EU", "Cafe\u0301 Nord", "Café", "CAFÉ", "Straße 5", 'Said "hi"', "100%"),
    *("a[b", "{x}", "s3c", "12", "7", "true", "null", "source", "user", "users/u1", "u1", "naïve"),
    *("spaces/default/x", "Źdźbło", "a\\b", "😀 ok", "tokens/t9", "mixed UPPER", "x:{y", ","),
)
# Long ids of hex digits, and what only looks like them.
_CODES = (
    *("f7576374-4b6e-44b7-a369-536979416e56", "0123456789ABCDEF", "deadbeefdeadbeef", "-" * 16),
    *("0123456789abcde", "deadbeefdeadbeefg", "deadbeefdeadbeef 1", "éf7576374-4b6e-44b7"),
)
_TYPES = ("Source Modified", "Audience Created", "Permission Check", "New Event Allowed", "Odd 9")
_KINDS = ("source", "audience", "Tracking Plans", "warehouse", "true", "user_group")
_SUBJECTS = ("users/u1", "users/Ü", "User/u1", "tokens/t9", "__system__", "plain", "users/u1 ", "")


def _value(drawn: random.Random) -> Any:
    return drawn.choice(
        (
            drawn.choice(_WORDS),
            drawn.choice(_WORDS),
            f"{drawn.randrange(16**12):012x}",
            drawn.choice(_CODES),
            drawn.choice((0, 7, 12, -1.5, True, False, None, "", [], {})),
            {"deep": [drawn.choice(_WORDS), {"n": drawn.randrange(99)}]},
            [drawn.choice(_WORDS), drawn.choice(_WORDS)],
        )
    )


def _record(drawn: random.Random, number: int) -> str:
    """Return a forwarded call or an API object with values of any kind in any place."""
    resource = drawn.choice(("rs1", "rs22", "12", 12, "7", 7, drawn.choice(_WORDS)))
    details: dict[str, Any] = {
        "resource_id": resource,
        "resource_type": drawn.choice(_KINDS),
        "target": drawn.choice((*_WORDS, 12, 7, True)),
    }
    who = drawn.randrange(4)
    if who:
        details["subject"] = drawn.choice(_SUBJECTS)
    else:
        details |= {"subject_id": drawn.choice(("u1", "a:b", "system")), "subject_type": "user"}
    if drawn.random() < 0.3:
        details["subject_email"] = drawn.choice(("ana@x.example", "7", "Bö@x.example"))
    if drawn.random() < 0.4:
        other = str(resource)[::-1] if drawn.random() < 0.5 else resource
        details[drawn.choice(("source_id", "warehouse_id"))] = other
    for name in drawn.sample(("name", "action", "a", "", "z:"), drawn.choice((0, 0, 1, 2))):
        details[name] = _value(drawn)
    if drawn.random() < 0.8:
        details = dict(sorted(details.items()))
    day = drawn.randrange(1, 30)
    at = f"2026-10-{day:02}T{drawn.randrange(24):02}:{number // 60:02}:{number % 60:02}Z"
    record: dict[str, Any] = {"timestamp": at}
    kind = drawn.choice(_TYPES)
    if drawn.random() < 0.15:
        record |= {"id": f"e{number}", "type": kind, "actor": "users/u1", "resourceId": "rs1"}
        record |= {"resourceType": "Sources", "resourceName": drawn.choice(_WORDS)}
        if drawn.random() < 0.7:
            record["details"] = details
    else:
        properties: dict[str, Any] = {"details": details, "type": kind}
        properties["workspace_id"] = drawn.choice(("Wk1", "9w", 7))
        if drawn.random() < 0.1:
            properties["more"] = _value(drawn)
        record |= {"type": "track", "event": "Audit", "messageId": f"e{number}", "userId": "u9"}
        record["properties"] = properties
    ways: tuple[dict[str, Any], ...] = (
        {"separators": (",", ":"), "ensure_ascii": False},
        {"separators": (",", ":"), "ensure_ascii": False},
        {"separators": (",", ":")},
        {},
    )
    return json.dumps(record, **drawn.choice(ways))


RECORDS = [_record(random.Random(number), number) for number in range(400)]
_CRAFTED = (
    # Three values that are no strings take the six bytes of a fourth.
    '{"details":{"resource_id":12,"resource_type":"source","subject":"users/u1","target":7,"a":5'
    '},"type":"Source Modified","workspace_id":7}',
    # A source whose ID is another one of the same length.
    '{"details":{"resource_id":"rs1","resource_type":"source","source_id":"rs9",'
    '"subject":"users/u1","target":"t"},"type":"Source Modified","workspace_id":"Wk1"}',
    # A value that an id would hide if its marks were not combined with the letter before.
    '{"details":{"resource_id":"Cafe\u0301","resource_type":"source","name":"Cafe",'
    '"subject":"users/u1","target":"t"},"type":"Source Modified","workspace_id":"Wk1"}',
)
RECORDS += [
    f'{{"messageId":"c{number}","type":"track","event":"Audit","timestamp":"2026-10-02T10:00:00Z",'
    f'"properties":{properties}}}'
    for number, properties in enumerate(_CRAFTED)
]
_QUERIES = (
    *(("true", ""), ("zzz-none", ""), ("-prod", "actor_type=user"), ("e -a", "target=rs1")),
    *(("u1", "from=2026-10-05T07:30&to=2026-10-20"), ("source -actor:u1", ""), ("-e", "")),
    *(("cafe 7", ""), ("-zzz-none web", "target=rs1"), ("workspace:9", ""), ("-source deep", "")),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give a store of `RECORDS`, loaded in two parts."""
    folder = tmp_path_factory.mktemp("trail")
    opened = random_trail.store_of(folder, RECORDS[:200])
    random_trail.add(opened, folder, RECORDS[200:])
    yield opened
    opened.close()


def _holds(text: str, expression: str = "") -> str:
    """Return the condition that a record or a name has *text*, from the records themselves.

    With a regular *expression*, that it matches.
    """
    term = "'" + text.replace("'", "''") + "'"

    def has(*columns: str) -> str:
        condition = f"contains({{}}, {record_text.fold(term)})"
        if expression:
            condition = f"regexp_matches({{}}, '{expression}')"
        return " or ".join(condition.format(record_text.fold(name)) for name in columns)

    names = has(
        *("a.action", "a.action_raw", "p.actor_id", "p.actor_name", "p.actor_email"),
        *("i.recorded_actor_id", "i.actor_name", "i.actor_email", "e.workspace_id"),
        *("t.target_type", "t.target_id", "t.target_name", record_text.values("e.raw")),
    )
    return f"coalesce({names}, false)"


def _expected(store: Store, *conditions: str) -> set[str]:
    rows = store.table(
        "select event_id from events e join actions a using (action_key) "
        "join actors p using (actor_key) join identities i using (identity_key) "
        f"join targets t using (target_key) where {' and '.join(conditions)}"
    )
    return set(rows["event_id"].to_pylist())


def _found(store: Store, query: str) -> set[str]:
    page = events.page(store, Filter(q=(query,)), NOW, rows=1_000)
    return {row["event_id"] for row in page.rows}


def _words() -> list[str]:
    drawn = random.Random(5)
    parts = []
    for value in [str(value) for number in range(60) for value in _leaves(RECORDS[number])]:
        start = drawn.randrange(len(value))
        parts.append(value[start : start + drawn.randint(1, 6)])
    return drawn.sample(sorted({part for part in parts if part.strip()}), 30)


def _leaves(raw: str) -> list[Any]:
    return [leaf for leaf in random_trail.leaves(json.loads(raw)) if str(leaf)]


def test_a_word_finds_the_events_whose_records_have_it(store: Store) -> None:
    assert counts.count(store, Filter(), NOW) == len(RECORDS)
    assert any(row["codes"] for row in store.table("select codes from search_texts").to_pylist())
    for word in (*_words(), "44B7", "deadbeefg", "beef", "-", "ef 1", "cdef", "snow"):
        quoted = '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
        assert _found(store, quoted) == _expected(store, _holds(word)), word


def test_wildcards_find_the_events_whose_records_match(store: Store) -> None:
    """Also where a value is part of another one, and is not kept in the search text."""
    for pattern in ("s*e", "*rod", "o*d*u", "f7*6e56", "r*1", "de*d", "ca*é", "u*s/u*1", "3*-*b"):
        parts = folded(pattern).strip("*").split("*")
        expression = "[^\x1f]*".join(map(re.escape, parts))
        assert _found(store, pattern) == _expected(store, _holds("", expression)) != set(), pattern


@pytest.mark.parametrize("missing", [False, True])
def test_events_without_their_search_text_are_found_by_their_records(
    store: Store, missing: bool
) -> None:
    if missing:
        store.write(search_backfill.mark_missing)
    try:
        assert (search_text.missing_until(store) is None) is not missing
        for word in ("cafe", "7", "zzz-none", "deep", "5", "true"):
            assert _found(store, word) == _expected(store, _holds(word)), word
        assert _found(store, "*o*d*u*") == _expected(store, _holds("", "o[^\x1f]*d[^\x1f]*u"))
    finally:
        search_backfill.run(store, Limits())
    assert search_text.missing_until(store) is None


@pytest.mark.parametrize(("query", "others"), _QUERIES)
def test_counts_and_pages_of_a_search_equal_those_of_its_events(
    store: Store, query: str, others: str
) -> None:
    filter_ = replace(Filter.parse(others), q=(query,))
    with search_matches(store, filter_, NOW) as (engine, rest):
        # A choice of targets is part of the search, so that they are counted without it.
        left = {"target"} if filter_.choice("target") else set()
        found, expected = (
            counts.facets(*asked, NOW, leave_out=left)
            for asked in ((engine, rest), (store, filter_))
        )
        assert found == expected
        assert events.page(engine, rest, NOW) == events.page(store, filter_, NOW)
        inside = sum(bar.count for bar in timeline.histogram(engine, rest, NOW).bars)
        assert inside == sum(bar.count for bar in timeline.histogram(store, filter_, NOW).bars)


def test_the_background_gives_earlier_events_the_same_texts(store: Store) -> None:
    texts = (
        "select event_id, search_text, codes from events left join search_texts using (search_key) "
        "order by event_id"
    )
    before = store.table(texts).to_pylist()
    assert sum(row["search_text"] is None for row in before) > 20
    store.write(lambda cursor: cursor.execute("update events set search_key = null"))
    store.write(search_backfill.mark_missing)
    calls = iter((False, True))
    search_backfill.run(store, Limits(), lambda: next(calls))
    search_backfill.run(store, Limits())
    assert store.table(texts).to_pylist() == before


def test_an_upgrade_splits_the_texts_as_new_events_have_them(store: Store) -> None:
    texts = "select * from search_texts order by search_key"
    text = "concat_ws(chr(31), nullif(search_text, ''), codes)"
    whole = f"select search_key, {text} as search_text from search_texts order by search_key"
    step = next(sql for _, sql in schema.pending(16))

    def upgraded(cursor: Cursor) -> tuple[pa.Table, pa.Table]:
        before = cursor.sql(texts).to_arrow_table()
        cursor.execute(f"create table joined as {whole}")
        cursor.execute("drop table search_texts")
        cursor.execute("alter table joined rename to search_texts")
        cursor.execute(step)
        return before, cursor.sql(texts).to_arrow_table()

    before, after = store.write(upgraded)
    assert before.equals(after)


def test_verification_compares_search_texts_with_the_records(store: Store) -> None:
    def problems() -> list[str]:
        with store.snapshot() as engine:
            return [
                problem.text
                for problem in derived_check.problems(
                    lambda sql: engine.table(sql).to_pylist(), load().limits, full=True
                )
            ]

    before = problems()
    store.write(lambda c: c.execute("create table kept as from search_texts"))
    store.write(lambda c: c.execute("update search_texts set search_text = 'x' || search_text"))
    try:
        changed = set(problems()) - set(before)
        assert any("search text" in text for text in changed)
    finally:
        store.write(lambda c: c.execute("delete from search_texts"))
        store.write(lambda c: c.execute("insert into search_texts from kept"))
        store.write(lambda c: c.execute("drop table kept"))
    assert problems() == before == []
