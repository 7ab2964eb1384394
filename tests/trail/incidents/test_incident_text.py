"""Text of incidents, including claims that it must not make."""

import datetime as dt
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from trail.incidents import incident_text
from trail.incidents.grouping import CLASSES
from trail.incidents.incident import Change, Incident

OSLO, UTC = ZoneInfo("Europe/Oslo"), ZoneInfo("UTC")
NOW = dt.datetime(2026, 10, 7, 1, 30, tzinfo=dt.UTC)
FIRST = dt.datetime(2026, 10, 6, 2, 0)
HOURLY = Incident(
    incident_id="a1",
    class_="repeating",
    open=True,
    state="open",
    known_until=dt.datetime(2026, 10, 7, 1, 30),
    action="Warehouse Run Failed",
    category="Warehouses",
    target="wh_prod",
    target_type="warehouse",
    target_id="wh_prod",
    target_name="Snowflake prod",
    targets=1,
    first_event_id="e1",
    first_at=FIRST,
    last_at=dt.datetime(2026, 10, 7, 1, 0),
    closes_at=dt.datetime(2026, 10, 7, 3, 12),
    gap_s=7_920,
    attempts=24,
    runs=24,
    exhausted=0,
    cadence_s=3_600,
    completed_at=None,
)
EDIT = Change(
    event_id="c1",
    occurred_at=FIRST,
    action="Warehouses Modified",
    kind="modify",
    actor_id="users/ana",
    actor="",
    target_type="warehouse",
    target_id="wh_prod",
    target_name="Snowflake prod",
    before_s=720.0,
    changes=4,
    interval_days=19.2,
    bits=11.0,
    score=12.0,
    upstream=False,
    likely_cause=True,
    strength="strong",
    chance_days=904.0,
)


def test_an_incident_at_the_end_of_data_is_last_known_to_fail() -> None:
    stale = replace(HOURLY, state="unknown", known_until=dt.datetime(2026, 10, 7, 1, 30))
    later = NOW + dt.timedelta(days=3)
    assert (
        incident_text.current_state(stale, later, UTC)
        == "last known failing Wed 7 Oct 01:00, no data since Wed 7 Oct 01:30"
    )
    assert incident_text.class_text(stale).startswith("Last known: consecutive runs fail")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"class_": "persistent", "exhausted": 24}, "Failing for 23 h 30 min, every attempt"),
        ({"class_": "storm", "targets": 6}, "Failing with 5 other targets for 23 h 30 min"),
        ({"flaps": 23}, "Failing hourly for 23 h 30 min, 23 flaps"),
        ({"class_": "transient", "attempts": 2}, "2 failed attempts so far, last Wed 7 Oct 01:00"),
        ({"state": "unknown"}, "Last known failing Wed 7 Oct 01:00"),
        ({"state": "quiet"}, "No failure since Wed 7 Oct 01:00"),
        (
            {"state": "quiet", "known_until": dt.datetime(2026, 10, 6, 20)},
            "Unknown: no data since Tue 6 Oct 20:00",
        ),
        (
            {"state": "completed", "completed_at": dt.datetime(2026, 10, 7, 1, 20)},
            "Completed Wed 7 Oct 01:20",
        ),
    ],
)
def test_state_of_a_target(changes: dict[str, Any], expected: str) -> None:
    assert incident_text.status_text(replace(HOURLY, **changes), NOW, UTC) == expected


def test_figures_of_an_incident() -> None:
    recovering = replace(HOURLY, flaps=1, recover_s=5_400.0)
    assert incident_text.facts_text(recovering) == (
        "24 failed attempts in 24 runs · 1 flap · duration 23 h 30 min · "
        "median time to recover of earlier incidents 1 h 30 min"
    )
    assert "median time to recover 1 h 30 min" in incident_text.facts_text(
        replace(recovering, open=False)
    )
    # Single attempts: nothing was recovered from.
    assert "recover" not in incident_text.facts_text(replace(recovering, recover_s=0.0))


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (20, "20 s"), (59.9 * 60, "1 h"), (3_900, "1 h 5 min"), (90_000, "1 d 1 h")],
)
def test_lengths(seconds: float, expected: str) -> None:
    assert incident_text.length_text(seconds) == expected


def test_an_open_incident() -> None:
    assert (
        incident_text.headline(HOURLY, NOW, UTC)
        == "Warehouse Snowflake prod: 24 failed attempts since Tue 6 Oct 02:00, hourly"
    )
    assert incident_text.current_state(HOURLY, NOW, UTC) == "last failed Wed 7 Oct 01:00"
    assert incident_text.current_state(HOURLY, NOW, OSLO) == "last failed Wed 7 Oct 03:00"


def test_a_closed_incident() -> None:
    closed = replace(
        HOURLY, open=False, cadence_s=None, attempts=5, last_at=dt.datetime(2026, 10, 6, 2, 15)
    )
    assert (
        incident_text.headline(closed, NOW, UTC)
        == "Warehouse Snowflake prod: 5 failed attempts, Tue 6 Oct 02:00–02:15"
    )
    once = replace(closed, attempts=1, last_at=FIRST)
    assert (
        incident_text.headline(once, NOW, UTC)
        == "Warehouse Snowflake prod: 1 failed attempt, Tue 6 Oct 02:00"
    )


def test_a_storm() -> None:
    storm = replace(HOURLY, class_="storm", targets=40, target_type="audience", attempts=46)
    assert (
        incident_text.headline(storm, NOW, UTC)
        == "40 audiences started failing together Tue 6 Oct 02:00: 46 failed attempts"
    )


@pytest.mark.parametrize("class_", CLASSES)
@pytest.mark.parametrize("is_open", [True, False])
def test_text_never_claims_recovery(class_: str, is_open: bool) -> None:
    incident = replace(HOURLY, class_=class_, open=is_open)
    text = " ".join(
        [
            incident_text.headline(incident, NOW, UTC),
            incident_text.current_state(incident, NOW, UTC),
            incident_text.class_text(incident),
        ]
    )
    for word in ("recover", "succe", "healed", "fixed", "resolved", "complete"):
        assert word not in text.lower()


def test_a_success_event_is_reported() -> None:
    done = replace(HOURLY, completed_at=dt.datetime(2026, 10, 7, 1, 10))
    assert incident_text.current_state(done, NOW, UTC) == "completed Wed 7 Oct 01:10"


def test_changes_include_their_numbers() -> None:
    assert (
        incident_text.change_text(EDIT)
        == "Warehouses Modified 12 minutes before; this warehouse changes every 19 days"
    )
    assert incident_text.change_text(replace(EDIT, changes=1, interval_days=83.0)).endswith(
        "; the only change to this warehouse in 83 days"
    )
    assert "on Snowflake prod;" in incident_text.change_text(replace(EDIT, upstream=True))
    assert incident_text.changes_title([EDIT]) == "Likely cause"
    assert incident_text.changes_title([replace(EDIT, likely_cause=False)]) == "Preceding changes"
    assert incident_text.changes_title([]) == "No changes in the 24 hours before"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (2.5, "2.5 s"),
        (10, "10 s"),
        (60, "1 minute"),
        (720, "12 minutes"),
        (3_590, "1 hour"),
        (10_800, "3 hours"),
        (19 * 86_400, "19 days"),
    ],
)
def test_durations(seconds: float, expected: str) -> None:
    assert incident_text.duration_text(seconds) == expected


def test_an_incident_over_new_year_names_both_years() -> None:
    over = replace(HOURLY, open=False, first_at=dt.datetime(2025, 12, 31, 22), cadence_s=None)
    times = "Wed 31 Dec 2025 22:00 – Wed 7 Oct 2026 01:00"
    assert incident_text.headline(over, NOW, UTC).endswith(f"attempts, {times}")


def test_an_open_transient_incident_is_not_described_as_over() -> None:
    lasts = replace(HOURLY, class_="transient", open=True)
    assert incident_text.class_text(lasts) == "A few attempts have failed so far; more may follow."
    assert "then no more" in incident_text.class_text(replace(lasts, open=False))


def test_evidence_is_a_word_and_a_frequency() -> None:
    expected = "strong evidence: by chance about once in 900 days"
    assert incident_text.evidence_text(EDIT) == expected
