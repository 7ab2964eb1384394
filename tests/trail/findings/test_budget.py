"""The threshold of a day; properties of any budget are in test_properties."""

import datetime as dt

from trail.findings.budget import Scored, apply_budget

OPENED = dt.date(2026, 8, 1)


def scored(day: int, actor: str, score: int) -> Scored:
    return Scored(f"{actor}-{day}", OPENED + dt.timedelta(days=day), actor, score)


def test_repeated_findings_do_not_use_the_budget() -> None:
    """Six unusual days in a row of Ana are two findings, which leaves room for Ben."""
    ana = [scored(day, "ana", 50) for day in range(4, 10)]
    ben = scored(10, "ben", 20)
    result = apply_budget([*ana, scored(3, "cyd", 20), ben], OPENED, ben.day, per_day=0.3)
    assert result.thresholds[ben.day] == 20
    assert ben.finding_id in result.shown
    assert sorted(result.folded) == ["ana-6", "ana-7", "ana-9"]


def test_a_much_higher_score_uses_the_budget_again() -> None:
    answer = [scored(6, "ana", 10), scored(7, "ana", 16), scored(8, "ana", 17)]
    result = apply_budget(answer, OPENED, OPENED + dt.timedelta(days=9), per_day=1)
    assert result.folded == {"ana-8": "ana-7"}
    # Nine days at one finding a day leave room for all findings so far, and more.
    assert result.thresholds[OPENED + dt.timedelta(days=9)] == 1
