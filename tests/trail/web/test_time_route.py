"""The preview of a typed time: what it means in the viewer's zone, or what to write."""

from starlette.applications import Starlette
from starlette.testclient import TestClient

from trail.web.time_route import ADDRESS, ROUTES

CLIENT = TestClient(Starlette(routes=ROUTES))


def test_a_typed_time_is_answered_in_the_zone() -> None:
    answer = CLIENT.get(ADDRESS, params={"text": "3 nov 2025 - 10 nov 2025", "tz": "Europe/Oslo"})
    assert answer.json() == {
        "from": "2025-11-03",
        "to": "2025-11-11",
        "start": "2025-11-02T23:00:00Z",
        "end": "2025-11-10T23:00:00Z",
        "label": "Mon 3 Nov 2025 00:00 – Tue 11 Nov 2025 00:00, Europe/Oslo (UTC+1)",
    }
    week = CLIENT.get(ADDRESS, params={"text": "this week", "week": "6"}).json()
    assert week["from"] == "this_week_sun"
    until = CLIENT.get(ADDRESS, params={"text": "before 3 nov 2025"}).json()
    assert (until["start"], until["label"]) == (None, "Until Mon 3 Nov 2025 00:00, UTC (UTC)")


def test_what_cannot_be_read_is_an_error_with_a_correction() -> None:
    answer = CLIENT.get(ADDRESS, params={"text": "yesteday"})
    assert answer.status_code == 400
    assert answer.json()["hint"] == "Did you mean “yesterday”?"
    assert CLIENT.get(ADDRESS, params={"text": "today", "tz": "Mars"}).status_code == 400
