"""Hostile inputs and real captures from outside: nothing crashes, nothing is bent.

The corpora are no part of the project; TRAIL_CORPORA names their folder.
"""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Load, corpora, quarantine, rows
from tests.segment_records import api_event, forwarded, line, message_id, ndjson
from trail.core.settings import Settings
from trail.ingest.files import load_files
from trail.storage.duckdb import Store


@pytest.fixture(scope="module")
def suite() -> dict[str, bytes]:
    """Return the files of JSONTestSuite's test_parsing, by name."""
    folder = corpora() / "JSONTestSuite" / "test_parsing"
    result = {path.name: path.read_bytes() for path in sorted(folder.glob("*.json"))}
    assert len(result) == 318
    return result


@pytest.fixture(scope="module")
def naughty() -> list[str]:
    """Return the big list of naughty strings."""
    result = json.loads((corpora() / "BLNS" / "blns.json").read_bytes())
    assert len(result) == 515
    return list(result)


# --- JSONTestSuite ------------------------------------------------------------------------------


def test_json_suite_files_give_no_events_and_no_crash(
    suite: dict[str, bytes], store: Store, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "suite"
    folder.mkdir()
    # Sorted by name, so that each kind of file is among them; each takes a batch.
    some = dict(list(suite.items())[::3])
    for name, data in some.items():
        (folder / name).write_bytes(data)
    batches = list(load_files(store, settings, [folder / name for name in some]))
    assert [batch.source for batch in batches] == list(some)
    assert [b.source for b in batches if b.kept or b.read != b.quarantined] == []
    # An empty file and an empty array are batches of nothing; of all else something is said.
    silent = {batch.source for batch in batches if not (batch.read or batch.error)}
    empty = {
        name for name, data in some.items() if data.strip(b"\xef\xbb\xbf ") in (b"", b"[]", b"[][]")
    }
    assert sorted(silent - empty) == []


def spliced(data: bytes, number: int) -> bytes:
    """Return an event with *data* as the raw value of one of its fields."""
    whole = line(forwarded(number))
    head, tail = whole.split(b'"integrations":{}')
    return head + b'"integrations":' + data + tail


def test_json_suite_values_within_lines_are_kept_or_refused(
    suite: dict[str, bytes], store: Store, load: Load
) -> None:
    lines: list[bytes] = []
    at: dict[str, int] = {}
    for number, (name, data) in enumerate(suite.items()):
        if b"\n" in data or b"\r" in data:
            continue  # no line; see below
        lines += [line(forwarded(10_000 + number)), spliced(data, number)]
        at[name] = len(lines)
    assert len(at) > 290
    batch = load(b"\n".join([*lines, line(forwarded(20_000))]))
    refused = {item["line"]: item for item in quarantine(store, batch)}
    kept = {row["event_id"] for row in rows(store)}
    assert batch.error == ""
    assert batch.read == len(lines) + 1
    wrong = [name for name, number in at.items() if name[0] == "y" and number in refused]
    wrong += [name for name, number in at.items() if name[0] == "n" and number not in refused]
    wrong.remove("n_number_Inf.json")  # the fast parser takes this spelling; see test_fields
    assert wrong == []
    assert set(refused) <= set(at.values())
    for name, number in at.items():
        if number in refused:
            assert refused[number]["raw"] == lines[number - 1], name
            assert refused[number]["reason"].startswith(("Not JSON", "Not UTF-8", "Nested")), name
    neighbours = {message_id(10_000 + number) for number in range(len(suite))}
    assert len(neighbours & kept) == len(at)
    assert message_id(20_000) in kept


def test_json_suite_values_within_documents_are_kept_or_refused(
    suite: dict[str, bytes], store: Store, load: Load
) -> None:
    wrong = []
    for number, (name, data) in enumerate(suite.items()):
        if b"\n" not in data and b"\r" not in data:
            continue
        batch = load(b"[\n" + spliced(data, number) + b"\n]", name)
        assert batch.read == batch.kept + batch.quarantined >= 1
        if (name[0] == "y" and not batch.kept) or (name[0] == "n" and batch.kept):
            wrong.append(name)
    assert wrong == []


# --- big list of naughty strings ----------------------------------------------------------------


@pytest.mark.parametrize("ascii_only", [True, False])
def test_naughty_names_and_actors_are_stored_unchanged(
    naughty: list[str], store: Store, load: Load, ascii_only: bool
) -> None:
    records = [
        forwarded(number, details={"target": text, "subject": f"users/x{text}"})
        for number, text in enumerate(naughty)
    ]
    data = "\n".join(json.dumps(record, ensure_ascii=ascii_only) for record in records)
    batch = load(data.encode())
    assert (batch.kept, batch.quarantined, batch.error) == (515, 0, "")
    result = rows(store)
    assert [event["target_name"] or "" for event in result] == naughty
    # An actor's id has no blanks around it.
    assert [event["actor_id"] for event in result] == [f"users/x{t}".strip() for t in naughty]
    assert {event["actor_type"] for event in result} == {"user"}
    assert [json.loads(event["raw"]) for event in result] == records


def test_naughty_types_are_stored_unchanged(naughty: list[str], store: Store, load: Load) -> None:
    records = [api_event(number, type=text) for number, text in enumerate(naughty)]
    batch = load(ndjson(records))
    result = {event["event_id"]: event["action_raw"] for event in rows(store)}
    assert result == {record["id"]: record["type"] for record in records if record["type"]}
    assert batch.quarantined == naughty.count("")
    assert batch.read == 515


def test_naughty_ids_are_stored_unchanged(naughty: list[str], store: Store, load: Load) -> None:
    records = [api_event(number, id=text) for number, text in enumerate(naughty)]
    batch = load(ndjson(records))
    ids = {text for text in naughty if text.strip()}
    blank = sum(not text.strip() for text in naughty)
    result = [event["event_id"] for event in rows(store)]
    assert {text for text in result if not text.startswith("sha256-")} == ids
    assert sum(text.startswith("sha256-") for text in result) == blank
    assert batch.kept == len(ids) + blank
    assert batch.read == 515


def test_naughty_strings_in_other_fields_are_stored_unchanged(
    naughty: list[str], store: Store, load: Load
) -> None:
    records = [
        api_event(
            number,
            actor=text,
            actorEmail=text,
            resourceId=text,
            resourceType=text,
            workspaceId=text,
            **{text: text} if text not in ("id", "timestamp", "type") else {},
        )
        for number, text in enumerate(naughty)
    ]
    batch = load(ndjson(records))
    assert (batch.kept, batch.quarantined, batch.error) == (515, 0, "")
    result = rows(store)
    assert [event["target_id"] or "" for event in result] == naughty
    assert [event["workspace_id"] or "" for event in result] == naughty


def test_naughty_strings_as_times_are_refused(naughty: list[str], store: Store, load: Load) -> None:
    batch = load(ndjson([api_event(n, timestamp=text) for n, text in enumerate(naughty)]))
    assert batch.read == batch.kept + batch.quarantined == 515
    assert rows(store) == []


def test_naughty_strings_as_lines_are_refused(naughty: list[str], store: Store, load: Load) -> None:
    single = [text for text in naughty if "\n" not in text and text.strip()]
    batch = load(ndjson([forwarded(1), *(text.encode() for text in single), forwarded(2)]))
    assert (batch.kept, batch.quarantined) == (2, len(single))


# --- real captures ------------------------------------------------------------------------------

CAPTURES: dict[str, dict[str, Any]] = {
    "audience": {
        "event_id": "api-1U3E4UE7HqqBqUdl3oaR0YRCPCR",
        "occurred_at": dt.datetime(2019, 11, 24, 6, 24, 46, 877_000),
        "action": "Audience Created",
        "category": "Engage",
        "target_type": "audience",
        "target_id": "spaces/default/audiences/aud_1U3E4PKTj08xZcWmTkQpvvTlI2V",
        "target_name": "order completed",
    },
    "computedTrait": {
        "event_id": "api-1U4mTc9ZEtxDQFd8ev0MFf2JcDz",
        "occurred_at": dt.datetime(2019, 11, 24, 19, 37, 30, 179_000),
        "action": "Computed Trait Modified",
        "category": "Engage",
        "target_type": "computed_trait",
        "target_id": "spaces/default/traits/tra_1U3BEICYoNvLBLTpMs8TRoXL8QH",
        "target_name": "Test Computed Trait",
    },
    "destinationFilter": {
        "event_id": "api-1U3H0fs1YbtTTLBrmwZdpy1Ccqn",
        "occurred_at": dt.datetime(2019, 11, 24, 6, 48, 56),
        "action": "Destination Filter Disabled",
        "category": "Destination Filters",
        "target_type": "destination_filter",
        "target_id": "workspaces/james9446/sources/audit_forwarding/destinations/webhooks/filters/"
        "df_1U0MEMv1mox9rloD2Jq2sc2Y2qW",
        "target_name": 'Drop "Permission Check" Audit Events ',
    },
    "integration": {
        "event_id": "api-1U3DGP2HEXHV40r2hvn9PGC8XlE",
        "occurred_at": dt.datetime(2019, 11, 24, 6, 18, 7, 896_000),
        "action": "Integrations Modified",
        "category": "Integrations",
        "target_type": "integration",
        "target_id": "5dd8dc3618a12651f66fb8ed",
        "target_name": "Audit Function - Slack",
    },
    "personasWarehouse": {
        "event_id": "api-1U4n26Xe9IxnDgb2exPSXofpC9M",
        "occurred_at": dt.datetime(2019, 11, 24, 19, 42, 3, 977_000),
        "action": "Engage Warehouse Source Modified",
        "category": "Engage",
        "target_type": "personas_warehouse_source",
        "target_id": "spaces/default/warehouse-sources/whs_1U34CpJKr1BiqO933sY0y2Y4wT7",
        "target_name": "Postgres Warehouse",
    },
    "source": {
        "event_id": "api-1U3EOmw0K4vJ54hnsAOPAnuXMwi",
        "occurred_at": dt.datetime(2019, 11, 24, 6, 27, 28),
        "action": "Source Function Modified",
        "category": "Functions",
        "target_type": "source",
        "target_id": "LAn9KpdvNZ",
        "target_name": "Audit Function",
    },
    "space": {
        "event_id": "api-1U3DHZbAl3rqo36Yv7gs09Io1Cp",
        "occurred_at": dt.datetime(2019, 11, 24, 6, 18, 17, 910_000),
        "action": "Space Modified",
        "category": "Engage",
        "target_type": "space",
        "target_id": "spa_1U3CcdsPUbEhRudvj0HorhJodwJ",
        "target_name": "test space",
    },
    "warehouse": {
        "event_id": "api-1U4o6IzwuVU9GB3VF2p4lHBqw2D",
        "occurred_at": dt.datetime(2019, 11, 24, 19, 50, 51, 744_000),
        "action": "Warehouses Disabled",
        "category": "Warehouses",
        "target_type": "warehouse",
        "target_id": "HpLcqdFbPX",
        "target_name": "postgres",
    },
}


def captures() -> Path:
    """Return the folder of the captures, beside the corpora's; skips the test without it."""
    folder = corpora().parent / "segment" / "captures"
    if not folder.is_dir():
        pytest.skip("needs the real captures: segment/captures beside the corpora's folder")
    return folder


@pytest.mark.parametrize("name", CAPTURES)
def test_a_real_capture_gives_the_expected_events(
    store: Store, settings: Settings, name: str
) -> None:
    path = captures() / f"{name}.json"
    (batch,) = load_files(store, settings, [path])
    assert (batch.read, batch.kept, batch.error) == (1, 1, "")
    (event,) = rows(store)
    common = {"actor_id": "users/MNxxtIRCbe", "actor_type": "user", "workspace_id": "VWDxzzIpI5"}
    expected = {**CAPTURES[name], **common}
    assert {key: event[key] for key in expected} == expected
    (again,) = load_files(store, settings, [path])
    assert (again.kept, again.duplicates) == (0, 1)


def test_captures_loaded_as_a_folder_and_as_lines_are_equal(
    store: Store, settings: Settings, load: Load
) -> None:
    paths = [captures() / f"{name}.json" for name in CAPTURES]
    assert sum(batch.kept for batch in load_files(store, settings, paths)) == 8
    bodies = [json.loads(path.read_bytes())["payload"]["body"] for path in paths]
    batch = load(ndjson(bodies))
    assert (batch.kept, batch.duplicates) == (0, 8)
