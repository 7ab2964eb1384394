"""Decisions and sign-offs: what is stored, what is refused, and what reopens a sign-off."""

import datetime as dt
import json
from typing import Any

import pytest

from tests.conftest import Load
from trail.core.errors import InputError
from trail.findings import expected_activity, reviews
from trail.findings.model import Finding, Reason
from trail.storage.database import Store
from trail.storage.filters import Filter

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
WEEK = Filter.parse("from=2026-11-16T00:00:00Z&to=2026-11-23T00:00:00Z")
NOBODY: frozenset[str] = frozenset()


def event(number: int, day: int = 18, **more: Any) -> str:
    return json.dumps(
        {
            "id": f"e{number}",
            "timestamp": f"2026-11-{day:02d}T10:00:{number % 60:02d}Z",
            "type": "Warehouses Deleted",
            "actor": "users/maya",
            "resourceId": f"w{number}",
            "resourceType": "warehouse",
            "resourceName": "W",
            **more,
        }
    )


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
    assert [row["decision"] for row in reviews.decisions_of(store, [finding()])] == ["done"]


def test_own_activity_cannot_be_decided(store: Store) -> None:
    with pytest.raises(InputError, match="your own activity"):
        reviews.decide(store, [finding()], "done", "", "maya", frozenset({"users/maya"}))
    assert reviews.history(store, "f1") == []


def test_bulk_decision_needs_a_reason(store: Store) -> None:
    both = [finding(1), finding(2)]
    with pytest.raises(InputError, match="decision on 2 findings needs a reason"):
        reviews.decide(store, both, "done", " ", "lee", NOBODY)
    assert reviews.decisions_of(store, both) == []
    reviews.decide(store, both, "done", "one clean-up", "lee", NOBODY)
    assert [row["note"] for row in reviews.decisions_of(store, both)] == ["one clean-up"] * 2


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


def sign(store: Store, *findings: Finding, reason: str = "", **more: Any) -> int:
    return reviews.sign(store, WEEK, NOW, list(findings), reason, "lee", NOBODY, **more)


def test_late_event_reopens_a_sign_off(load: Load, store: Store) -> None:
    load("\n".join(event(number) for number in range(5)).encode())
    sign(store, finding(state="done"))
    (signed,) = reviews.signoffs(store, NOW)
    assert (signed.events, signed.findings, signed.undecided) == (5, 1, 0)
    assert signed.reopened == ""
    load(event(9, 24).encode())
    assert reviews.signoffs(store, NOW)[0].reopened == ""
    load(event(10, 19).encode())
    assert reviews.signoffs(store, NOW)[0].reopened == "reopened: +1 event"


def test_changed_record_reopens_a_sign_off(load: Load, store: Store) -> None:
    load(event(1).encode())
    sign(store)
    store.write(lambda cursor: cursor.execute("update events set raw = raw || ' '") and None)
    assert reviews.signoffs(store, NOW)[0].reopened == "reopened: events changed"


def test_sign_off_with_undecided_findings_needs_a_reason(store: Store) -> None:
    with pytest.raises(InputError, match="undecided"):
        sign(store, finding())
    assert sign(store, finding(), reason="Review on Monday") == 1
    assert reviews.signoffs(store, NOW)[0].reason == "Review on Monday"


def test_period_of_own_activity_cannot_be_signed(store: Store) -> None:
    own = frozenset({"users/maya"})
    with pytest.raises(InputError, match="your own activity"):
        reviews.sign(store, WEEK, NOW, [finding(state="done")], "", "maya", own)


def test_certificate_digest(load: Load, store: Store) -> None:
    import hashlib

    lines = [event(number) for number in range(3)]
    load("\n".join(lines).encode())
    sign(store)
    (signed,) = reviews.signoffs(store, NOW)
    expected = hashlib.sha256()
    for number, line in enumerate(lines):
        at = dt.datetime(2026, 11, 18, 10, 0, number, tzinfo=dt.UTC)
        micros = int(at.timestamp()) * 1_000_000
        record = hashlib.sha256(line.encode()).hexdigest()
        expected.update(f"e{number}\n{micros}\n{record}\n".encode())
    document = reviews.certificate(signed, [], "Example")
    assert document["digest"] == f"sha256:{expected.hexdigest()}"


def test_certificate_page_escapes_hostile_text(store: Store) -> None:
    reviews.decide(store, [finding()], "done", "<script>alert(1)</script>", "lee", NOBODY)
    sign(store, finding(state="done"))
    (signed,) = reviews.signoffs(store, NOW)
    decisions = reviews.decisions_of(store, [finding()])
    page = reviews.as_page(reviews.certificate(signed, decisions, "<b>Example</b>"))
    assert "<script>" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;" in page
