"""The preview of a typed time: what it means in the viewer's zone, or what to write."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from trail.web.time_route import ADDRESS, ROUTES

CLIENT = TestClient(Starlette(routes=ROUTES))


@pytest.fixture(autouse=True)
def running(start: Callable[..., Any]) -> None:
    """Start the runtime, whose settings say when weeks start."""
    start()


def test_a_typed_time_is_answered_in_the_zone() -> None:
    answer = CLIENT.get(ADDRESS, params={"text": "3 nov 2025 - 10 nov 2025", "tz": "Europe/Oslo"})
    assert answer.json() == {
        "from": "2025-11-03",
        "to": "2025-11-11",
        "start": "2025-11-02T23:00:00Z",
        "end": "2025-11-10T23:00:00Z",
        "label": "Mon 3 Nov 2025 00:00 – Tue 11 Nov 2025 00:00, Europe/Oslo (UTC+1)",
    }
    until = CLIENT.get(ADDRESS, params={"text": "before 3 nov 2025"}).json()
    assert (until["start"], until["label"]) == (None, "Until Mon 3 Nov 2025 00:00, UTC")


@pytest.mark.parametrize(
    ("week", "language", "name"),
    [
        ("6", "de-DE", "this_week_sun"),
        ("0", "en-US", "this_week"),
        ("", "en-US,en;q=0.9", "this_week_sun"),
        ("", "de-DE", "this_week"),
        ("9", "*", "this_week"),
    ],
)
def test_weeks_start_as_asked_else_by_the_language(week: str, language: str, name: str) -> None:
    params = {"text": "this week", "week": week}
    answer = CLIENT.get(ADDRESS, params=params, headers={"accept-language": language})
    assert answer.json()["from"] == name


def test_what_cannot_be_read_is_an_error_with_a_correction() -> None:
    answer = CLIENT.get(ADDRESS, params={"text": "yesteday"})
    assert answer.status_code == 400
    assert answer.json()["hint"] == "Did you mean “yesterday”?"
    assert CLIENT.get(ADDRESS, params={"text": "today", "tz": "Mars"}).status_code == 400
