"""Findings as the page, the command and the route show them."""

import argparse
import datetime as dt
import json
from pathlib import Path

import pytest

from tests import detection
from trail.cli.commands import findings
from trail.cli.context import Context
from trail.core.errors import FilterError
from trail.core.settings import Settings
from trail.findings import queries
from trail.findings.detector import FIRST_DAY, daily, events, workdays
from trail.findings.refresh import refresh
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

DAY = FIRST_DAY + dt.timedelta(days=38)


class _RecordedOutput:
    """Collects the output of a command."""

    def __init__(self) -> None:
        self.output = ""

    def text(self, text: str) -> None:
        self.output += text

    def note(self, text: str) -> None:
        self.output += text

    def progress(self, share: float, text: str) -> None:
        raise AssertionError("findings shows no progress")


@pytest.fixture(scope="module")
def filled(module_store: Store, module_settings: Settings) -> Store:
    """Return a scored store with regular activity and one unusual day."""
    detection.load(
        module_store,
        module_settings,
        (
            *daily(workdays(0, 40), "users/ana", "Source Modified", target="source-1"),
            *daily(workdays(0, 40), "users/ben", "Warehouses Modified", target="warehouse-1"),
            *events(36, "11:00", "users/ben", "Warehouses Disabled", "warehouse-1"),
            *events(38, "11:00", "users/ana", "Warehouses Disabled", "warehouse-1"),
            *events(38, "12:00", "users/ana", "Permission Check", "warehouse-1"),
        ),
    )
    refresh(module_store, detection.end_of_day(39))
    return module_store


def command(store: Store, settings: Settings, **given: object) -> str:
    out = _RecordedOutput()
    args = argparse.Namespace(**{"query": "", "budget": 3.0, "all": False, "json": True, **given})
    context = Context(settings, lambda write: store, out, Path())
    assert findings.COMMAND.run(args, context) == 0
    return out.output


def test_queue_shows_the_unusual_day(filled: Store) -> None:
    queue = queries.queue(filled, Filter(), detection.end_of_day(39))
    assert (DAY, "users/ana") in [(finding.day, finding.actor_id) for finding in queue.findings]
    assert "after 5 days of learning" in queue.budget.status_text()


@pytest.mark.parametrize(
    ("query", "actors"),
    [
        ("", {"users/ana", "users/ben"}),
        ("actor=users/ana", {"users/ana"}),
        ("actor=-users/ana", {"users/ben"}),
        ("category=Warehouses", {"users/ana", "users/ben"}),
        ("category=Engage", set()),
        ("action=Warehouses+Disabled&target=warehouse-1", {"users/ana", "users/ben"}),
        ("q=no-such-word", set()),
        (f"from={DAY}&to={DAY + dt.timedelta(days=1)}", {"users/ana"}),
        (f"from={DAY + dt.timedelta(days=1)}", set()),
        (f"to={DAY}", {"users/ben"}),
    ],
)
def test_a_filter_narrows_findings_by_their_evidence(
    filled: Store, query: str, actors: set[str]
) -> None:
    queue = queries.queue(filled, Filter.parse(query), detection.end_of_day(39))
    late = {
        finding.actor_id for finding in queue.findings if finding.day >= DAY - dt.timedelta(days=2)
    }
    assert late == actors


def test_one_finding_has_its_evidence_and_what_was_expected(filled: Store) -> None:
    (finding,) = queries.queue(
        filled, Filter.parse(f"from={DAY}&actor=users/ana"), detection.end_of_day(39)
    ).findings
    assert queries.get(filled, finding.finding_id) == finding
    assert queries.get(filled, "f-none") is None
    rows = queries.evidence(filled, finding)
    assert [row["action"] for row in rows] == ["Warehouses Disabled"]
    expected = {row["action"]: row for row in queries.expected_and_seen(filled, finding)}
    assert expected["Warehouses Disabled"] == {
        "action": "Warehouses Disabled", "risk": 8, "seen": 1, "days": 0, "of": 28, "expected": 0.0,
        "low": 0, "high": 0, "most": 0,
    }  # fmt: skip
    assert expected["Source Modified"]["expected"] == 1.0
    others = queries.peers(filled, finding)
    assert [row["actor_id"] for row in others["others"]] == ["users/ben"]
    assert (others["doing"], others["active"]) == (1, 1)


def test_command_prints_one_json_object_per_line(
    filled: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [json.loads(line) for line in command(filled, settings, all=True).splitlines()]
    assert lines
    for line in lines:
        assert {"finding_id", "day", "actor_id", "score", "reasons", "event_ids", "state"} <= set(
            line
        )
        assert line["score"] == sum(reason["points"] for reason in line["reasons"])
        assert {"detector", "title", "points", "text"} == set(line["reasons"][0])
        assert line["state"] == "open"
        assert line["event_ids"]
    budget = [json.loads(line) for line in command(filled, settings, budget=1.0).splitlines()]
    assert {line["finding_id"] for line in budget} <= {line["finding_id"] for line in lines}
    assert "users/ana" in command(filled, settings, json=False)
    with pytest.raises(FilterError):
        command(filled, settings, query="colour=red")
