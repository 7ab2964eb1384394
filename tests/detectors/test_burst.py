"""The title of a burst: the actions one by one if each was done once, else their number."""

from typing import Any

import pytest

from detectors.burst import DETECTOR
from trail.findings.model import UTC
from trail.findings.moments import in_zone

AT = "2026-09-10T11:00:00"


def seen(action: str, n: int, *names: str) -> dict[str, Any]:
    return {
        "action": action, "risk": 5, "n": n, "targets": len(names), "names": list(names),
        "ids": list(names), "first": AT, "last": AT,
    }  # fmt: skip


VIEWED = seen("Source Debugger Raw Viewed", 4, "S")
CASES = [
    (
        ["all", [], [seen("Source Created", 1, "S"), seen("Label Deleted", 1, "L"), VIEWED], 2],
        "created the source S and deleted the label L on Thu 10 Sep 2026; at most 4 changes",
    ),
    (
        ["all", [], [seen("Source Created", 1, "S"), seen("Label Deleted", 1, "L"),
                     seen("Source Modified", 9, "S", "T"), VIEWED], 11],
        "made 11 changes (1 deletion, 1 creation, 9 modifications) on Thu 10 Sep 2026; "
        "at most 4 changes",
    ),
    (
        ["modify", ["modify"], [seen("Source Modified", 9, "S", "T"),
                                seen("Filter Updated", 1, "F"),
                                seen("Model Settings Saved", 1, "M")], 11],
        "made 11 modifications (sources, a filter and a model; some more than once) on "
        "Thu 10 Sep 2026; at most 4 modifications",
    ),
    (
        ["enable", ["connect"], [seen("Source Connected to Tracking Plan", 3, "S", "T", "U")], 3],
        "connected 3 sources to tracking plans on Thu 10 Sep 2026; at most 4 connections",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("burst", "expected"), CASES)
def test_headline(burst: list[Any], expected: str) -> None:
    verb, kinds, listed, x = burst
    facts = {"verb": verb, "kinds": kinds, "seen": listed, "x": x, "m": 9, "s": 7, "most": 4}
    assert (
        in_zone(DETECTOR.headline(facts), UTC, None)
        == f"{expected} on any of 9 earlier active days"
    )
