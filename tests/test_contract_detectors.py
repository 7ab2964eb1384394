"""What every detector and rule keeps, run over all that are discovered, by their own examples."""

import pytest

from tests import acts
from trail import registry
from trail.catalogue import resolve
from trail.findings import queries, rules
from trail.findings.model import Detector, Example, Rule
from trail.findings.refresh import refresh
from trail.settings import Settings
from trail.store import Store

FOUND: dict[str, Detector | Rule] = registry.discover("detectors", "DETECTOR")
EXAMPLES = [
    pytest.param(each, example, id=f"{each.name}: {example.title}")
    for each in FOUND.values()
    for example in each.examples
]


@pytest.mark.parametrize("each", FOUND.values(), ids=FOUND)
def test_it_says_what_it_is_and_what_to_do(each: Detector | Rule) -> None:
    assert each.title and each.sentence.endswith(".") and each.check
    assert all(line.endswith((".", "?")) for line in each.check)


@pytest.mark.parametrize("each", FOUND.values(), ids=FOUND)
def test_it_has_a_hit_and_a_miss(each: Detector | Rule) -> None:
    assert {example.hit for example in each.examples} == {True, False}


def test_names_are_used_once_and_there_are_enough() -> None:
    names = [each.name for each in FOUND.values()]
    assert len(set(names)) == len(names)
    kinds = [type(each) for each in FOUND.values()]
    assert kinds.count(Detector) >= 8
    assert kinds.count(Rule) >= 20


@pytest.mark.parametrize(("each", "example"), EXAMPLES)
def test_its_examples(
    each: Detector | Rule, example: Example, store: Store, settings: Settings
) -> None:
    acts.put(store, settings, (act for act in example.events if act.at.date() <= example.date))
    assert all(resolve(act.action).known for act in example.events)
    now = acts.evening(example.day)
    if isinstance(each, Rule):
        refresh(store, now)  # rules read the aggregates too
        fired = rules.fired(store, each, now)
        actors = {
            row["actor_id"] for row in fired.rows if row["occurred_at"].date() == example.date
        }
        assert (example.actor in actors) == example.hit, fired.rows
        return
    reasons = {
        reason.detector: reason
        for finding in acts.judged(store, example.day)
        if (finding.day, finding.actor_id) == (example.date, example.actor)
        for reason in finding.reasons
    }
    assert (each.name in reasons) == example.hit, reasons
    if example.hit:
        assert any(letter.isdigit() for letter in reasons[each.name].text)


@pytest.mark.parametrize(
    ("each", "example"), [param for param in EXAMPLES if isinstance(param.values[0], Detector)]
)
def test_each_reason_has_evidence_and_sums_are_exact(
    each: Detector, example: Example, store: Store, settings: Settings
) -> None:
    acts.put(store, settings, example.events)
    last = max(act.at for act in example.events).date()
    found = acts.judged(store, (last - acts.FIRST_DAY).days + 3)
    for finding, ids in queries.event_ids(store, found):
        assert finding.score == sum(reason.points for reason in finding.reasons) > 0
        assert all(reason.points > 0 for reason in finding.reasons)
        rows = queries.evidence(store, finding, rows=10_000)
        assert [row["event_id"] for row in rows] == ids
        assert ids
