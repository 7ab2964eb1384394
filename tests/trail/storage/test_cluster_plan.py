"""What a cluster is asked: results where all can be said exactly, events that may match else."""

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.storage.cluster_plan import is_faster, plan
from trail.storage.spark_sql import UntranslatableError


def ask(sql: str) -> pa.Table:
    assert "actors" in sql or "keys" in sql
    return pa.table({"k": [4, 5]})


def question(sql: str, **params: object) -> str:
    (asked,) = plan(sql, params, ask).questions
    return asked.sql


def test_counts_are_asked_for_and_added() -> None:
    planned = plan(
        "select e.actor_key, count(*) as n, max(e.occurred_at) as last from events e "
        "where e.action_key in (1, 2) group by all order by n desc, e.actor_key limit 3",
        {},
        ask,
    )
    (asked,) = planned.questions
    assert asked.is_bounded
    assert asked.sql.endswith("group by archived.actor_key")
    assert "(archived.action_key in (1, 2))" in asked.sql
    assert 'sum("n")::bigint as "n", max("last") as "last"' in planned.sql
    assert planned.sql.endswith("order by n desc, actor_key limit 3")


def test_first_rows_are_asked_for_in_their_order() -> None:
    sql = "select event_id from events e where true order by e.occurred_at desc, event_id limit 7"
    assert question(sql).endswith(
        "order by archived.occurred_at desc nulls last, archived.event_id asc nulls last limit 7"
    )


@pytest.mark.parametrize("condition", ["contains(lower(e.raw), 'ß')", "e.raw similar to 'x'"])
def test_what_cannot_be_said_exactly_has_no_limit(condition: str) -> None:
    for sql in (
        f"select event_id from events e where {condition} order by e.occurred_at limit 7",
        f"select count(*) as n from events e where {condition}",
    ):
        (asked,) = plan(sql, {}, ask).questions
        assert not asked.is_bounded
        assert "limit" not in asked.sql
        assert "contains" not in asked.sql


def test_ascii_in_lowered_text_is_sought_by_the_cluster() -> None:
    sql = "select count(*) as n from events e where contains(lower(e.raw), 'it''s')"
    sought = "contains(lower(replace(archived.raw, '\\u0130', 'i')), 'it\\u0027s')"
    assert question(sql).endswith(f"where $days and ({sought})")


def test_long_lists_of_keys_are_kept_from_the_filters_of_files() -> None:
    def asked(values: range) -> str:
        return question(f"select count(*) as n from events where actor_key in {tuple(values)}")

    assert "(archived.actor_key in (1, 2," in asked(range(1, 50))
    assert "((archived.actor_key ^ 0) in (1, 2," in asked(range(1, 60))


def test_queries_of_small_tables_are_sent_as_values() -> None:
    sql = "select count(*) as n from events where actor_key in (select k from actors)"
    assert "(archived.actor_key in (4, 5))" in question(sql)


def test_rows_of_joined_small_tables_limit_the_events() -> None:
    (asked,) = plan(
        "select e.event_id from events e join (select k from keys) v on v.k = e.target_key "
        "where true order by v.k limit 7",
        {},
        ask,
    ).questions
    assert "join (values (4), (5)) as v(k) on (v.k = archived.target_key)" in asked.sql
    assert "(archived.target_key in (4, 5))" in asked.sql
    assert asked.is_keyed


@pytest.mark.parametrize(
    ("condition", "is_keyed"),
    [
        ("event_id = 'x'", True),
        ("target_key in (4, 5)", True),
        ("target_key in (1, 2, 3, 4, 5, 6)", False),
        ("target_key not in (4, 5)", False),
        ("target_key in (select k from keys)", False),
        ("action_key = 4", False),
        ("(target_key = 4 or action_key = 4)", False),
    ],
)
def test_bloom_filters_leave_out_most_events_of_few_values(condition: str, is_keyed: bool) -> None:
    (asked,) = plan(f"select count(*) as n from events where {condition}", {}, ask).questions
    assert asked.is_keyed == is_keyed


def test_a_count_without_a_name_is_made_from_the_events() -> None:
    planned = plan("select 1 + (select count(*) from events) as n", {}, ask)
    (asked,) = planned.questions
    assert not asked.is_bounded
    assert planned.sql.startswith("select 1 + (select count(*) from (select action_key from hot")


def test_times_limit_the_days() -> None:
    (asked,) = plan(
        "select count(*) as n from events where occurred_at >= timestamp '2026-10-01 12:00:00' "
        "and occurred_at < $end",
        {"end": dt.datetime(2026, 10, 5)},
        ask,
    ).questions
    assert (asked.first, asked.last) == (dt.date(2026, 10, 1), dt.date(2026, 10, 5))


def test_the_limits_of_a_search_hold_everywhere() -> None:
    within = "select e.* from events e where e.target_key in (7)"
    (asked,) = plan("select count(*) as n from events", {}, ask, within).questions
    assert "(archived.target_key in (7))" in asked.sql


def test_texts_of_others_stay_texts() -> None:
    hostile = "') or true -- ${spark.app.name} \\ \u2028 \U0001f600"
    sql = "select count(*) as n from events where list_contains($ids, event_id)"
    asked = question(sql, ids=[hostile])
    inside = asked.partition(" in (")[2]
    assert not set("${}\\\u2028") & set(inside.replace("\\u", "").replace("\\U", ""))
    assert inside.count("'") == 2


def test_rows_by_their_place_are_left_to_duckdb() -> None:
    with pytest.raises(UntranslatableError):
        plan("select rowid from events", {}, ask)


def test_events_within_events_are_read_one_by_one() -> None:
    sql = "select count(*) as n from events where event_id in (select event_id from events)"
    planned = plan(sql, {}, ask)
    assert [asked.is_bounded for asked in planned.questions] == [False, False]
    assert planned.sql.count("cluster_answer_") == 2


@pytest.mark.parametrize(
    ("events", "cores", "threads", "expected"),
    [
        (50_000_000, 2, 2, False),  # half as fast a core
        (10**10, 3, 2, False),
        (10**10, 4, 2, True),
        (10_000_000, 64, 2, False),  # less than what a question costs
        (50_000_000, 16, 2, True),
        (50_000_000, 16, 16, False),
        (0, 0, 1, False),  # no worker yet
    ],
)
def test_a_cluster_is_asked_where_its_cores_are_faster(
    events: int, cores: int, threads: int, expected: bool
) -> None:
    assert is_faster(events, cores, threads) is expected


@given(st.integers(0, 10**10), st.integers(1, 1000), st.integers(1, 64))
def test_more_events_or_cores_never_speak_against_a_cluster(
    events: int, cores: int, threads: int
) -> None:
    if is_faster(events, cores, threads):
        assert is_faster(events * 2, cores, threads)
        assert is_faster(events, cores + 1, threads)


_TIMES = ("timestamp '2026-03-04 05:00'", "$at", "(select max(hour) from keys)")


@pytest.mark.parametrize("value", _TIMES)
@pytest.mark.parametrize(
    ("condition", "has_first", "has_last"),
    [
        ("e.occurred_at >= {}", True, False),
        ("{} <= e.occurred_at", True, False),
        ("(e.occurred_at) > ({})", True, False),
        ("{} > e.occurred_at", False, True),
        ("(e.occurred_at <= {})", False, True),
        ("e.occurred_at = {}", True, True),
        ("{} = (e.occurred_at)", True, True),
        ("e.occurred_at between {} and $later", True, True),
        ("e.occurred_at <> {}", False, False),
        ("(e.occurred_at >= {} or e.action_key = 1)", False, False),
        ("not e.occurred_at >= {}", False, False),
    ],
)
def test_days_are_those_of_the_times_however_they_are_written(
    condition: str, has_first: bool, has_last: bool, value: str
) -> None:
    at = dt.datetime(2026, 3, 4, 5)
    sql = f"select count(*) as n from events e where {condition.format(value)}"
    params = {"at": at, "later": at}
    (asked,) = plan(sql, params, lambda _: pa.table({"k": [at]})).questions
    assert asked.first == (at.date() if has_first else dt.date.min)
    assert asked.last == (at.date() if has_last else dt.date.max)
