"""The places where a statement reads events are found, whatever its texts contain."""

import pytest

from trail.storage.event_reads import event_reads


def test_each_place_is_its_own_select() -> None:
    sql = (
        "select a.n, 'from events' as t from (select count(*) as n from events where true) a "
        "join (select max(occurred_at) as m from events e where e.event_id = 'x') b on true"
    )
    reads = event_reads(sql)
    assert [sql[read.start : read.end] for read in reads] == [
        "select count(*) as n from events where true",
        "select max(occurred_at) as m from events e where e.event_id = 'x'",
    ]
    assert [sql[read.at : read.upto] for read in reads] == ["events", "events"]
    assert [(read.alias, read.has_alias) for read in reads] == [("events", False), ("e", True)]


def test_parts_of_a_union_are_places() -> None:
    reads = event_reads("select 1 from events union all select 2 from cube union all from x")
    assert [(read.start, read.end) for read in reads] == [(0, 20)]


def test_queries_of_small_tables_are_named() -> None:
    read, inner = event_reads(
        "select e.event_id from events e join (select 1 as k) v on v.k = e.action_key "
        "where e.actor_key in (select actor_key from actors where actor_id = '(') "
        "and e.event_id in (select event_id from events where true) order by 1 limit 3"
    )
    assert list(read.queries.values()) == [
        "select 1 as k",
        "select actor_key from actors where actor_id = '('",
    ]
    assert inner.tree.sql() == "SELECT event_id FROM events WHERE TRUE"
    assert read.tail == "order by 1 limit 3"
    assert "hidden_query" in read.tree.sql()


def test_other_statements_have_none() -> None:
    assert event_reads("select 'events', events from cube -- from events") == []


@pytest.mark.parametrize("sql", ["from events", "select 1 union all from events"])
def test_a_place_without_select_is_an_error(sql: str) -> None:
    with pytest.raises(ValueError, match="without SELECT"):
        event_reads(sql)
