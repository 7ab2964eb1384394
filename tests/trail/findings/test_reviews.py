"""Decisions: what is stored and what is refused."""

import datetime as dt

import pytest

from trail.core.errors import InputError
from trail.findings import expected_activity, reviews
from trail.findings.model import Finding, Reason
from trail.storage.duckdb import Store

NOBODY: frozenset[str] = frozenset()


def finding(number: int = 1, actor: str = "users/maya", state: str = "open") -> Finding:
    reason = Reason("unfamiliar_action", 9, "first time", {}, ("Warehouses Deleted",))
    day = dt.date(2026, 11, 18)
    return Finding(f"f{number}", day, actor, "user", 9, (reason,), state)


def test_decision_is_stored_with_user_and_note(store: Store) -> None:
    reviews.decide(store, [finding()], "needs action", "  call her ", "lee", NOBODY)
    reviews.decide(store, [finding()], "done", "", "lee", NOBODY)
    rows = reviews.history(store, "f1")
    assert [(row["decision"], row["note"], row["made_by"]) for row in rows] == [
        ("done", "", "lee"),
        ("needs action", "call her", "lee"),
    ]
    (rows,) = reviews.decisions_on(store, ["f1", "f2"]).values()
    assert [row["decision"] for row in rows] == ["needs action", "done"]


def test_own_activity_cannot_be_decided(store: Store) -> None:
    with pytest.raises(InputError, match="your own activity"):
        reviews.decide(store, [finding()], "done", "", "maya", frozenset({"users/maya"}))
    assert reviews.history(store, "f1") == []


def test_bulk_decision_needs_a_reason(store: Store) -> None:
    both = [finding(1), finding(2)]
    with pytest.raises(InputError, match="decision on 2 findings needs a reason"):
        reviews.decide(store, both, "done", " ", "lee", NOBODY)
    assert reviews.decisions_on(store, ["f1", "f2"]) == {}
    reviews.decide(store, both, "done", "one clean-up", "lee", NOBODY)
    by_finding = reviews.decisions_on(store, ["f1", "f2"])
    assert [rows[0]["note"] for rows in by_finding.values()] == ["one clean-up"] * 2


def test_expected_needs_a_reason_and_expires(store: Store) -> None:
    with pytest.raises(InputError, match="reason"):
        reviews.decide(store, [finding()], "expected", " ", "lee", NOBODY)
    reviews.decide(store, [finding()], "expected", "a planned move", "lee", NOBODY)
    (lesson,) = expected_activity.active(store, dt.date(2026, 11, 24))
    assert (lesson["actor_id"], lesson["action"], lesson["made_by"]) == (
        "users/maya",
        "Warehouses Deleted",
        "lee",
    )
    assert lesson["until"] == dt.date(2026, 11, 18) + dt.timedelta(days=90)
