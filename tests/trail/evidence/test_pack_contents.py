"""Contents of a pack: reproducible bytes, and everything that an auditor needs."""

import csv
import datetime as dt
import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import fixed_clock
from tests.trail.evidence.conftest import AWARE, WEEK, Check, files, made
from tests.trail.integrity.conftest import A_DAY, DAYS, NOW, Trail, event
from trail import VERSION
from trail.core.model import RECORD_COLUMNS
from trail.core.settings import CONFIG_VARIABLE
from trail.events import event_digest, export
from trail.evidence.period import resolve
from trail.integrity import key_file
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

NAMES = [
    *("README.txt", "verify.py", "seals.ndjson", "events.csv", "events.ndjson"),
    *("manifest.json", "signature.json"),
]
ROOT = Path(__file__).parents[3]
EVENTS = len(DAYS) * A_DAY + 1


def test_same_data_gives_identical_bytes(trail: Trail, whole: bytes) -> None:
    later = AWARE + dt.timedelta(days=3)
    assert made(trail, now=later) == whole
    assert made(trail, f"{WEEK}&sort=oldest") == whole


def test_another_process_gives_identical_bytes(trail: Trail, whole: bytes) -> None:
    out = trail.folder / "other.zip"
    done = subprocess.run(
        [sys.executable, "-m", "trail", "evidence", "--out", str(out), "--query", WEEK, "--json"],
        cwd=ROOT,
        env={
            "TRAIL_STORE__PATH": str(trail.path),
            "TRAIL_WORKSPACE": "Ærø",
            CONFIG_VARIABLE: str(trail.folder / "none.toml"),
        },
        capture_output=True,
        check=True,
        text=True,
    )
    assert out.read_bytes() == whole
    message = json.loads(done.stdout)
    assert message["sha256"] == hashlib.sha256(whole).hexdigest()
    assert message["rows"] == EVENTS
    assert [file["name"] for file in message["files"]] == NAMES
    assert not list(trail.folder.glob("*.part"))


def test_a_relative_range_becomes_absolute(trail: Trail) -> None:
    message = json.loads(files(made(trail, "from=7d&tz=Europe/Oslo"))["manifest.json"])
    query = "from=2026-11-01T23%3A00%3A00Z&to=2026-11-08T12%3A00%3A00Z&tz=Europe%2FOslo"
    assert message["filter"]["query"].startswith(query)
    again = made(trail, message["filter"]["query"], AWARE + dt.timedelta(days=1))
    assert json.loads(files(again)["manifest.json"]) == message


def test_events_equal_those_of_the_exports(trail: Trail, whole: bytes) -> None:
    result = files(whole)
    assert list(result) == NAMES
    chosen = Filter.parse(f"{WEEK}&sort=oldest")

    def exported(store: Store) -> list[bytes]:
        wanted = export.Export(chosen), export.Export(chosen, "ndjson", RECORD_COLUMNS)
        return [b"".join(export.stream(store, item, AWARE, csv_bom=True)) for item in wanted]

    assert [result["events.csv"], result["events.ndjson"]] == trail.run(exported)
    assert result["events.ndjson"].count(b"\n") == EVENTS
    assert (
        len(list(csv.reader(io.StringIO(result["events.csv"].decode("utf-8-sig"))))) == EVENTS + 1
    )


def test_the_manifest_states_coverage_decisions_sign_offs_and_holds(
    trail: Trail, whole: bytes
) -> None:
    result = files(whole)
    message = json.loads(result["manifest.json"])
    assert (message["product"].split()[-1], message["workspace"]) == (VERSION, "Ærø")
    assert message["filter"] == {
        "words": "All events from 2026-11-01 00:00:00 to 2026-11-06 00:00:00 (exclusive), UTC",
        "query": "from=2026-11-01T00%3A00%3A00Z&to=2026-11-06T00%3A00%3A00Z&sort=oldest",
        "narrowed": False,
    }
    assert message["coverage"]["gaps"] == [
        "No source was collecting: events may be missing, "
        "from 2026-11-03 00:00:00 to 2026-11-04 00:00:00 UTC"
    ]
    (finding,) = (finding for finding in message["findings"] if finding["finding_id"] == "f1")
    (decision,) = finding["decisions"]
    assert (decision["decision"], decision["note"], decision["made_by"]) == (
        *("done", "called her", "rita"),
    )
    (signed,) = message["sign_offs"]
    assert (signed["signed_by"], signed["state"], signed["events"]) == ("rita", "as signed", EVENTS)
    # The events signed off are the events in the pack.
    assert signed["digest"] == f"sha256:{message['events']['digest']}"
    (held,) = message["holds"]
    assert (held["value"], held["reason"], held["ended_at"]) == ("s1", "asked for", None)
    assert message["seals"]["fingerprint"] == key_file.fingerprint(key_file.public(trail.files.key))
    assert message["events"]["rows"] == EVENTS
    for file in message["files"]:
        assert hashlib.sha256(result[file["name"]]).hexdigest() == file["sha256"]
        assert len(result[file["name"]]) == file["bytes"]
    assert [file["name"] for file in message["files"]] == NAMES[:-2]


def test_seals_of_later_days_are_not_in_the_pack(trail: Trail, whole: bytes) -> None:
    kept = trail.files.mirror.read_text().splitlines()
    inside = files(whole)["seals.ndjson"].decode().splitlines()
    assert inside == kept[: len(inside)]
    assert json.loads(inside[-1])["day"] == "2026-11-05"
    assert len(inside) < len(kept)


def test_removals_are_reported(trail: Trail, tmp_path: Path, check: Check) -> None:
    given = trail.settings.store.model_copy(update={"path": tmp_path / "trail.duckdb"})
    other = Trail(trail.settings.model_copy(update={"store": given}), tmp_path)
    other.load([event(number, of) for of in DAYS for number in range(A_DAY)])
    other.seal()
    purged = NOW + dt.timedelta(days=85)  # the days before 3 November are past retention
    other.run(lambda store: fixed_clock.retain(store, other.settings, purged, made_by="maya"))
    message = json.loads(files(made(other))["manifest.json"])
    gone = [
        (item["day"], item["gone"], item["made_by"])
        for item in message["retention"]["removed_by_day"]
    ]
    assert gone == [("2026-11-01", A_DAY, "maya"), ("2026-11-02", A_DAY, "maya")]
    result = check(made(other))
    assert result.code == 0, result.text
    assert "2026-11-01  unchanged, 0 events; 40 removed earlier (retention" in result.text
    (run,) = message["retention"]["runs"]
    assert (run["events"], run["made_by"]) == (2 * A_DAY, "maya")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "All events without a time limit, UTC"),
        ("from=2026-11-01", "All events from 2026-11-01 00:00:00, UTC"),
        (
            "to=2026-11-01&tz=Europe/Oslo&q=web shop",
            "Events before 2026-11-01 00:00:00, Europe/Oslo; search matches “web shop”",
        ),
        (
            "category=Source&category=Warehouses&actor=-users/abc&target_type=source",
            "Events without a time limit, UTC; category is “Source” or “Warehouses” and "
            "actor is not “users/abc” and target type is “source”",
        ),
    ],
)
def test_a_filter_is_described(query: str, text: str) -> None:
    assert resolve(Filter.parse(query), AWARE).description() == text


def test_pack_of_an_empty_trail_verifies(trail: Trail, tmp_path: Path, check: Check) -> None:
    given = trail.settings.store.model_copy(update={"path": tmp_path / "empty.duckdb"})
    other = Trail(trail.settings.model_copy(update={"store": given}), tmp_path)
    result = check(made(other, ""))
    assert (result.code, "0 events, 0 days; 0 seals" in result.text) == (0, True)


def test_event_digest_equals_the_digest_of_a_sign_off(trail: Trail, whole: bytes) -> None:
    message = json.loads(files(whole)["manifest.json"])["events"]
    result = trail.run(lambda store: event_digest.digest_of(store, Filter.parse(WEEK), AWARE))
    assert result == (message["rows"], message["digest"])
