"""Run the examples of every discovered detector and check what each must declare."""

from dataclasses import replace

import pytest

from tests import detection
from trail.core import registry
from trail.core.catalogue import resolve
from trail.core.settings import Settings
from trail.findings import queries, rules
from trail.findings.detector import FIRST_DAY, Detector, Example, Rule
from trail.findings.refresh import refresh
from trail.storage.duckdb import Store

DETECTORS: dict[str, Detector | Rule] = registry.discover("detectors", "DETECTOR")
EXAMPLES = [
    pytest.param(detector, example, id=f"{detector.name}: {example.title}")
    for detector in DETECTORS.values()
    for example in detector.examples
]
# Rules that judge each event alone, whatever else happened: their examples share one database, if
# the actor can have another name there.
ALONE = [
    (detector, example)
    for detector in DETECTORS.values()
    for example in detector.examples
    if isinstance(detector, Rule)
    and detector.query
    and all(event.actor.startswith(("users/", "tokens/")) for event in example.events)
]
STATISTICAL = [
    pytest.param(detector, example, id=f"{detector.name}: {example.title}")
    for detector in DETECTORS.values()
    for example in detector.examples
    if isinstance(detector, Detector) and example.matches
]


@pytest.mark.parametrize("detector", DETECTORS.values(), ids=DETECTORS)
def test_title_description_and_runbook_are_present(detector: Detector | Rule) -> None:
    assert detector.title and detector.description.endswith(".") and detector.runbook
    assert all(line.endswith((".", "?")) for line in detector.runbook)


@pytest.mark.parametrize("detector", DETECTORS.values(), ids=DETECTORS)
def test_examples_have_a_match_and_a_non_match(detector: Detector | Rule) -> None:
    assert {example.matches for example in detector.examples} == {True, False}


@pytest.mark.parametrize("detector", DETECTORS.values(), ids=DETECTORS)
def test_rule_selects_known_actions_or_has_sql(detector: Detector | Rule) -> None:
    if isinstance(detector, Rule):
        assert bool(detector.query) != bool(detector.sql)
        assert [name for name in detector.actions if not resolve(name).known] == []


def test_names_are_unique() -> None:
    names = [detector.name for detector in DETECTORS.values()]
    assert len(set(names)) == len(names)


def _own_actor(actor: str, detector: Rule, example: Example) -> str:
    """Return the name of *actor* in the shared database, where each example has its own."""
    return f"{actor}-{detector.name}-{detector.examples.index(example)}"


@pytest.fixture(scope="module")
def examples_alone(module_store: Store, module_settings: Settings) -> Store:
    """Return a database with the examples of all rules that judge each event alone."""
    events = [
        replace(event, actor=_own_actor(event.actor, detector, example))
        for detector, example in ALONE
        for event in example.events
        if event.at.date() <= example.date
    ]
    detection.load(module_store, module_settings, events)
    refresh(module_store, detection.end_of_day(max(example.day for _, example in ALONE)))
    stored = module_store.table("select distinct actor_id from event_rows")["actor_id"]
    assert set(stored.to_pylist()) == {event.actor for event in events}
    return module_store


def _assert_matches(store: Store, detector: Rule, example: Example, actor: str) -> None:
    matches = rules.back_test(store, detector, detection.end_of_day(example.day))
    actors = {row["actor_id"] for row in matches.rows if row["occurred_at"].date() == example.date}
    assert (actor in actors) == example.matches, matches.rows


@pytest.mark.parametrize(("detector", "example"), EXAMPLES)
def test_example(
    detector: Detector | Rule, example: Example, request: pytest.FixtureRequest
) -> None:
    assert all(resolve(event.action).known for event in example.events)
    if isinstance(detector, Rule) and (detector, example) in ALONE:
        shared: Store = request.getfixturevalue("examples_alone")
        _assert_matches(shared, detector, example, _own_actor(example.actor, detector, example))
        return
    store: Store = request.getfixturevalue("store")
    settings: Settings = request.getfixturevalue("settings")
    events = [event for event in example.events if event.at.date() <= example.date]
    detection.load(store, settings, events)
    if isinstance(detector, Rule):
        refresh(store, detection.end_of_day(example.day))  # rules read the daily aggregates
        _assert_matches(store, detector, example, example.actor)
        return
    reasons = {
        reason.detector: reason
        for finding in detection.findings(store, example.day)
        if (finding.day, finding.actor_id) == (example.date, example.actor)
        for reason in finding.reasons
    }
    assert (detector.name in reasons) == example.matches, reasons
    if example.matches:
        assert any(letter.isdigit() for letter in reasons[detector.name].text)


@pytest.mark.parametrize(("detector", "example"), STATISTICAL)
def test_reasons_have_evidence_and_points_that_add_up(
    detector: Detector, example: Example, store: Store, settings: Settings
) -> None:
    detection.load(store, settings, example.events)
    last = max(event.at for event in example.events).date()
    findings = detection.findings(store, (last - FIRST_DAY).days + 3)
    for finding, ids in queries.event_ids(store, findings):
        assert finding.score == sum(reason.points for reason in finding.reasons) > 0
        assert all(reason.points > 0 for reason in finding.reasons)
        rows = queries.evidence(store, finding, rows=10_000)
        assert [row["event_id"] for row in rows] == ids
        assert ids
