"""Bursts of the same events are one reason."""

from typing import Any

from trail.findings.same_events import merged


def burst(verb: str, points: int, **events: int) -> dict[str, Any]:
    seen = [{"action": name.replace("_", " "), "n": n} for name, n in events.items()]
    return {"detector": "burst", "points": points, "facts": {"verb": verb, "seen": seen}}


OTHER = {"detector": "unfamiliar", "points": 9, "facts": {"seen": []}}


def test_bursts_of_the_same_changes_are_one_with_the_points_of_both() -> None:
    # Viewing something does not change it.
    whole = burst("all", 29, Source_Modified=12, Source_Debugger_Raw_Viewed=3)
    narrow = burst("modify", 14, Source_Modified=12)
    assert merged([whole, OTHER, narrow]) == [{**narrow, "points": 43}, OTHER]
    assert merged([OTHER, narrow, whole]) == [OTHER, {**narrow, "points": 43}]


def test_other_bursts_stay() -> None:
    whole = burst("all", 29, Source_Modified=12, Source_Deleted=1)
    narrow = burst("modify", 14, Source_Modified=12)
    for reasons in ([whole, narrow, OTHER], [whole], [narrow], [OTHER], []):
        assert merged(reasons) == reasons
