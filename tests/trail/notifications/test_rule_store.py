"""Stored rules: who made and changed them, also in a database of an earlier version."""

from dataclasses import replace

import duckdb
import pytest

from tests.trail.notifications.conftest import hook
from trail.attention import digest_schedules
from trail.attention.digest_schedules import DigestSchedule
from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.notifications import rule_store
from trail.notifications.rule import Rule
from trail.storage import schema
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store

WITHOUT_EDITS = [
    f"alter table {table} drop column {column}"
    for table in ("rules", "digest_schedules")
    for column in ("edited_by", "edited_at")
]


@pytest.mark.parametrize("earlier", [False, True])
def test_who_changed_a_rule_or_digest_last_is_stored(
    store: Store, settings: Settings, *, earlier: bool
) -> None:
    receiver = hook(store, "https://hooks.example.com/a").destination_id

    def fill(cursor: Cursor) -> None:
        rule_store.save(cursor, Rule("Any"), "maya")
        rule_store.save(cursor, Rule("Other"), "maya")
        digest_schedules.save(cursor, DigestSchedule("Weekly", receiver), "maya", utc_now())

    store.write(fill)
    if earlier:
        store.close()
        with duckdb.connect(str(settings.store.path)) as connection:
            for sql in (*WITHOUT_EDITS, schema.STEPS[24]):  # 025_rule_edits.sql
                connection.execute(sql)
        store = Store.open(settings.store.path, settings)
    (rule, other), [digest] = rule_store.list_all(store), digest_schedules.list_all(store)
    authors = rule_store.authorships(store)
    assert [(one.made_by, one.edited_by, one.edited_at) for one in authors.values()] == [
        ("maya", None, None),
        ("maya", None, None),
    ]
    assert (digest.made_by, digest.edited_by, digest.edited_at) == ("maya", None, None)

    def change(cursor: Cursor) -> None:
        rule_store.save(cursor, replace(rule, daily_cap=7), "jon")
        rule_store.set_active(cursor, other.rule_id, "ana", active=False)
        rule_store.snooze(cursor, other.rule_id, utc_now())
        digest_schedules.save(cursor, replace(digest, hour=7), "jon", utc_now())

    store.write(change)
    authors, [digest] = rule_store.authorships(store), digest_schedules.list_all(store)
    assert [authors[one.rule_id].edited_by for one in (rule, other)] == ["jon", "ana"]
    assert all(one.edited_at and one.edited_at >= one.made_at for one in authors.values())
    assert (digest.made_by, digest.edited_by) == ("maya", "jon")
    store.write(
        lambda cursor: digest_schedules.set_active(cursor, digest, "ana", utc_now(), active=False)
    )
    assert digest_schedules.list_all(store)[0].edited_by == "ana"
    store.close()
