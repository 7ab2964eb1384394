"""What rules say about the events that they report."""

from detectors import destination_made_and_removed, policy_changed
from trail.findings.model import UTC
from trail.findings.moments import in_zone

SEEN = {
    "action": "Integrations Deleted", "risk": 6, "n": 1, "targets": 1, "names": ["I"],
    "ids": ["integration:i"], "first": "2026-09-10T11:00:00", "last": "2026-09-10T11:00:00",
}  # fmt: skip
FACTS = {"n": 1, "earlier": "2026-09-10T10:00:00", "preceding": [], "seen": [SEEN]}


def test_a_rule_is_named_by_its_title_and_says_what_came_before() -> None:
    rule = destination_made_and_removed.DETECTOR
    assert in_zone(rule.headline(FACTS), UTC, None) == (
        "deleted the integration I on Thu 10 Sep 2026, less than a day after the creation on "
        "Thu 10 Sep 2026 at 10:00"
    )
    # Of several, each may have been created at another time.
    assert rule.explain({**FACTS, "n": 3, "earlier": None}) == (
        "3 actions less than a day after the creation; this rule always reports it."
    )
    title = policy_changed.DETECTOR.title
    assert policy_changed.DETECTOR.explain(FACTS) == (
        f"1 action that the rule “{title}” always reports."
    )


def test_more_of_the_same_between_two_matches_is_not_counted() -> None:
    seen = [{**SEEN, "n": 9, "targets": 9}]
    text = destination_made_and_removed.DETECTOR.headline({**FACTS, "n": 2, "seen": seen})
    assert in_zone(text, UTC, None).startswith(
        "took 2 actions as in “Short-lived destination” on Thu 10 Sep 2026, less than a day"
    )
