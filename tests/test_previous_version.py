"""Data written by the previous version opens unchanged, and its evidence pack still verifies.

tests/fixtures/previous/README.md says how the fixture was made.
"""

import datetime as dt
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests import fixed_clock
from trail.accounts import api_tokens, users
from trail.core.download_stats import Tally
from trail.core.settings import CONFIG_VARIABLE, Settings
from trail.evidence import certificate, certificate_html, pack
from trail.findings import queries, sign_offs
from trail.findings.refresh import refresh
from trail.incidents import incident_json
from trail.integrity import loss_monitor, mirror, standalone_verifier, verification
from trail.notifications import rule_store
from trail.retention import adoption, legal_holds
from trail.storage import cold_tier, tiers
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

FIXTURE = Path(__file__).parent / "fixtures/previous/trail.tar.zst"
NOW = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)
PERIOD = "from=2026-11-01T00:00:00Z&to=2026-11-15T00:00:00Z"
# Computed wording may change between versions; what people wrote may not.
WORDING = {"text", "changes_before", "state_text"}


@dataclass(frozen=True)
class Previous:
    """The files of the previous version, its settings, its open store, and what it reported."""

    folder: Path
    settings: Settings
    store: Store
    expected: dict[str, Any]

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return [_json(row) for row in self.store.table(sql).to_pylist()]


@pytest.fixture
def previous(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Previous]:
    folder = tmp_path / "previous"
    with zstandard.open(FIXTURE, "rb") as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        tar.extractall(folder, filter="data")
    monkeypatch.setenv(CONFIG_VARIABLE, str(folder / "trail.toml"))
    settings = Settings(
        store={"path": folder / "trail.duckdb", "archive_path": folder / "archive"},
        auth={"users_path": folder / "users.yaml"},
    )
    assert (settings.workspace, settings.store.retention_days) == ("Example", 95)
    store = Store.open(settings.store.path, settings)
    try:
        loss_monitor.watch(store, mirror.files(store.path, settings).known)
        expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        yield Previous(folder, settings, store, expected)
    finally:
        store.close()


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def _structure(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return *records* without wording, the changes before an incident by their ids."""
    return [
        {
            **{name: value for name, value in record.items() if name not in WORDING},
            "changes": [
                (change["event_id"], round(change["score"], 2), change["blamed"])
                for change in record["changes_before"]
            ],
        }
        for record in records
    ]


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        (
            "events",
            "select * exclude (recorded_actor_id) from event_rows order by occurred_at, event_id",
        ),
        ("decisions", "select * from decisions order by finding_id"),
        ("taught", "select * from taught order by all"),
        ("annotations", "select * from annotations order by all"),
        ("purges", "select * from purges order by all"),
    ],
)
def test_tables_contain_the_same_rows(previous: Previous, name: str, sql: str) -> None:
    rows, expected = previous.rows(sql), previous.expected[name]
    if name == "events":  # e-mails of that version were the latest ones of each actor
        for row in rows:
            record = json.loads(row["raw"])
            details = record.get("properties", {}).get("details", {})
            email = details.get("subject_email") or record.get("actorEmail")
            assert row.pop("actor_email") == (email or None)
        expected = [
            {key: value for key, value in row.items() if key != "actor_email"} for row in expected
        ]
    assert rows == expected


def test_incidents_are_the_same(previous: Previous) -> None:
    result = _json(list(incident_json.records(previous.store, Filter(), NOW)))
    known_until = {record["known_until"] for record in result}
    expected = _structure(previous.expected["incidents"])
    # Fields may be new; those of that version are the same.
    shown = [
        {name: record[name] for name in before}
        for record, before in zip(_structure(result), expected, strict=True)
    ]
    # Incidents are judged at the end of the data since: what had not ended by then is open.
    (end,) = known_until
    late = [record for record in expected if record["closes_at"] >= end]
    assert [record["incident_id"] for record in late] == ["06d2f7f8f4f45e11"]
    assert shown == [record | {"open": record["open"] or record in late} for record in expected]


def test_findings_keep_their_scores_and_decisions(previous: Previous) -> None:
    refresh(previous.store, NOW)
    queue = queries.queue(previous.store, Filter(), NOW, everything=True)
    result = [
        {
            "finding_id": finding.finding_id,
            "day": finding.day.isoformat(),
            "actor_id": finding.actor_id,
            "score": finding.score,
            "state": finding.state,
            "detectors": [[reason.detector, reason.points] for reason in finding.reasons],
        }
        for finding in queue.findings
    ]
    # Severe findings come first since; the order among the others is the same.
    severe = [row for row in previous.expected["findings"] if _is_severe(row)]
    others = [row for row in previous.expected["findings"] if not _is_severe(row)]
    # Two bursts of the same events are one reason since, with the points of both.
    assert [_points(row) for row in result] == [_points(row) for row in severe + others]
    assert sorted(queue.budget.shown) == previous.expected["shown"]


def _points(row: dict[str, Any]) -> dict[str, Any]:
    """Return *row* with the bursts as one."""
    bursts = [points for name, points in row["detectors"] if name == "burst"]
    others = [detector for detector in row["detectors"] if detector[0] != "burst"]
    return {**row, "detectors": [sum(bursts), *others]}


def _is_severe(row: dict[str, Any]) -> bool:
    return any(name == "rule:removed-user-acts" for name, _ in row["detectors"])


def test_sign_offs_still_match_their_events(previous: Previous) -> None:
    signed = sign_offs.signoffs(previous.store, NOW)
    documents = [_json(certificate.document(signoff, "")) for signoff in signed]
    for document, expected in zip(documents, previous.expected["signoffs"], strict=True):
        assert document.items() >= expected.items()
        assert "made by an earlier version" in document["note"]
    assert signed[0].changes == ()
    page = certificate_html.page(signed[0], "")
    assert page.count("made by an earlier version") == 3


def test_legal_holds_and_alert_rules_are_the_same(previous: Previous) -> None:
    assert _json(legal_holds.all_holds(previous.store)) == previous.expected["holds"]
    result = [rule.definition() for rule in rule_store.list_all(previous.store)]
    assert result == previous.expected["rules"]


def test_users_and_tokens_are_the_same(previous: Previous) -> None:
    people = users.Users(previous.settings.auth.users_path)
    assert [(user.username, user.email, user.role) for user in people.all()] == [
        ("maya", "maya@example.com", "owner"),
        ("rita", "rita@example.com", "reviewer"),
    ]
    assert people.check("maya", "correct horse battery")
    kept = api_tokens.Tokens(api_tokens.path_of(previous.settings)).all()
    assert [(token.name, token.role, token.scopes) for token in kept] == [
        ("ci", "reviewer", ("read",))
    ]


def test_every_seal_verifies(previous: Previous) -> None:
    report = verification.verify(previous.store, previous.settings)
    assert report.problems == ()
    days = [[day.day.isoformat(), day.events, day.late, day.purged] for day in report.days]
    expected = previous.expected["verify"]["days"]
    assert days == [[day, *counts] for day, _, *counts in expected]
    assert [day.state for day in report.days].count(verification.UNCHANGED) == sum(
        state == "unchanged" for _, state, *_ in expected
    )


def test_sealing_continues_the_chain(previous: Previous) -> None:
    later = NOW.replace(tzinfo=None) + dt.timedelta(days=2)
    assert fixed_clock.seal(previous.store, previous.settings, later) == 2
    lines = [row["line"] for row in previous.rows("select line from seals order by number, line")]
    assert lines[:-2] == previous.expected["seals"]
    assert verification.verify(previous.store, previous.settings).ok


def test_archive_is_readable(previous: Previous) -> None:
    removed = previous.expected["purges"][0]["events"]
    assert adoption.adopt(previous.store, previous.settings) == removed
    days = cold_tier.archived_days(previous.store)
    assert [day.isoformat() for day, _, _ in days] == [
        f"2026-08-{number}" for number in range(23, 18, -1)
    ]
    both = tiers.both(previous.store)
    count = "select count(*) as n from events where occurred_at < timestamp '2026-08-24'"
    assert both.table(count)["n"][0].as_py() == removed
    assert verification.verify(previous.store, previous.settings).problems == ()


def _verified(verifier: Path, data: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(verifier), str(data)], capture_output=True, text=True, check=False
    )


def test_old_evidence_pack_verifies_with_both_verifiers(previous: Previous, tmp_path: Path) -> None:
    data = previous.folder / "evidence.zip"
    old = tmp_path / "verify.py"
    with zipfile.ZipFile(data) as pack_:
        old.write_bytes(pack_.read("verify.py"))
    for verifier in (old, Path(standalone_verifier.__file__)):
        done = _verified(verifier, data)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_new_evidence_pack_verifies_with_the_old_verifier(
    previous: Previous, tmp_path: Path
) -> None:
    old, data = tmp_path / "verify.py", tmp_path / "new.zip"
    with zipfile.ZipFile(previous.folder / "evidence.zip") as before:
        old.write_bytes(before.read("verify.py"))
        names = before.namelist()
    made = pack.prepare(previous.store, previous.settings, Filter.parse(PERIOD), NOW)
    data.write_bytes(b"".join(made.stream(Tally())))
    done = _verified(old, data)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    with zipfile.ZipFile(io.BytesIO(data.read_bytes())) as now:
        assert now.namelist() == names
