"""The filter by finding: the events that are behind findings, by state."""

import datetime as dt
from pathlib import Path

import pytest

from tests import detection
from tests.trail import random_trail
from trail.core.errors import FilterError
from trail.core.settings import Settings
from trail.events import counts, events
from trail.findings import detector_titles, queries, reviews
from trail.findings.detector import daily, workdays
from trail.findings.detector import events as example
from trail.findings.refresh import refresh
from trail.storage.duckdb import Store
from trail.storage.filters import Choice, Filter

NOW = random_trail.NOW
STATES = ("to_review", "decided")


def _expected(store: Store) -> dict[str, set[str]]:
    """Return the ids of the events behind shown and decided findings, by state."""
    shown = queries.apply_budget(store, NOW).shown
    found = queries.queue(store, Filter(), NOW, everything=True).findings
    behind: dict[str, set[str]] = {state: set() for state in STATES}
    for finding, ids in queries.event_ids(store, found):
        if finding.state != reviews.OPEN:
            behind["decided"].update(ids)
        elif finding.finding_id in shown:
            behind["to_review"].update(ids)
    return behind


def _matching(store: Store, choice: Choice) -> set[str]:
    filter_ = Filter(choices={"findings": choice})
    page = events.page(store, filter_, NOW, rows=5_000)
    assert counts.count(store, filter_, NOW) == len(page.rows)
    return {row["event_id"] for row in page.rows}


def test_events_are_chosen_and_counted_by_the_state_of_their_findings(tmp_path: Path) -> None:
    start = NOW.replace(tzinfo=None) - dt.timedelta(days=40)
    lines = [
        random_trail.event(
            f"r{day}-{n}", start + dt.timedelta(days=day, hours=n), actor="users/ana"
        )
        for day in range(40)
        for n in range(3)
    ]
    for day in (30, 34):
        at = start + dt.timedelta(days=day, hours=5)
        lines += [
            random_trail.event(
                f"x{day}-{n}",
                at + dt.timedelta(minutes=n),
                "Source Deleted",
                actor=f"users/bo{day}",
                target=("source", f"s{n}", ""),
            )
            for n in range(30)
        ]
    store = random_trail.store_of(tmp_path, lines)
    every = {row["event_id"] for row in events.page(store, Filter(), NOW, rows=5_000).rows}
    try:
        refresh(store, NOW)
        shown = queries.queue(store, Filter(), NOW).findings
        assert len(shown) > 1
        for decided in ("", reviews.ACTION, reviews.OPEN):
            if decided:
                reviews.decide(store, shown[:1], decided, "", "rita", frozenset())
            behind = _expected(store)
            assert behind["to_review"] and bool(behind["decided"]) == (decided == reviews.ACTION)
            for state, ids in behind.items():
                assert _matching(store, Choice((state,))) == ids
                assert _matching(store, Choice((), (state,))) == every - ids
            assert _matching(store, Choice(STATES)) == set().union(*behind.values())
            facet = counts.facets(store, Filter(), NOW).values["findings"]
            assert {v.value: v.count for v in facet} == {s: len(i) for s, i in behind.items() if i}
        # An upgraded database has findings, but not yet this table of them.
        store.write(lambda cursor: cursor.execute("delete from finding_evidence"))
        store.write(lambda c: c.execute("delete from marks where source = 'findings.evidence'"))
        refresh(store, NOW)
        assert _matching(store, Choice(STATES)) == set().union(*_expected(store).values())
    finally:
        store.close()


def test_what_is_kept_cannot_depend_on_findings() -> None:
    with pytest.raises(FilterError, match="cannot depend on findings"):
        Filter.parse("findings=to_review").check_lasting()
    Filter.parse("risk=high").check_lasting()


def test_what_preceded_an_event_of_a_rule_is_evidence(store: Store, settings: Settings) -> None:
    detection.load(
        store,
        settings,
        (
            *daily(workdays(0, 40), "users/bo", "Audience Modified", target="audience-1"),
            *example(43, "09:05", "users/ana", "User Removed", "bo"),
            *example(44, "11:24", "users/bo", "Audience CSV Downloaded", "audience-1"),
        ),
    )
    now = detection.end_of_day(44)
    (finding,) = [one for one in detection.findings(store, 44) if one.actor_id == "users/bo"]
    rows = queries.evidence(store, finding)
    assert [row["action"] for row in rows] == ["User Removed", "Audience CSV Downloaded"]
    assert [row["actor"] for row in rows] == ["users/ana", "users/bo"]
    ((_, ids),) = queries.event_ids(store, [finding])
    assert ids == [row["event_id"] for row in rows]
    filter_ = Filter(choices={"findings": Choice(("to_review",))})
    assert [row["event_id"] for row in events.page(store, filter_, now, rows=9).rows] == ids[::-1]
    by_remover = Filter(choices={"actor": Choice(("users/ana",))})
    assert finding in queries.queue(store, by_remover, now).findings
    reason = finding.reasons[-1].to_dict()
    assert (reason["detector"], reason["title"]) == (
        "rule:removed-user-acts", "Activity after removal",
    )  # fmt: skip
    assert detector_titles.of("rule:no-longer-there") == "No longer there"
