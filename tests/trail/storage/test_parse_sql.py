"""What a record says: times, names, actors and targets of both shapes, read as people expect."""

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Load
from tests.trail.plain_records import (
    SOURCE,
    USER,
    WORKSPACE,
    Record,
    api_event,
    forwarded,
    ndjson,
)
from trail.ingest import quarantine
from trail.storage.duckdb import Store

ROW = "select * exclude (recorded_actor_id, ingested_at, batch_id) from event_rows"


@pytest.fixture
def read(load: Load, store: Store) -> Any:
    """A function that loads one record and returns its row, or the reason why there is none."""

    def row(record: Record | bytes) -> Any:
        batch = load(ndjson([record]))
        assert batch.read == 1
        if batch.quarantined:
            return store.table("select reason from quarantine")["reason"][0].as_py()
        return store.table(ROW).to_pylist()[0]

    return row


@pytest.fixture
def read_all(load: Load, store: Store) -> Any:
    """A function that loads records in one file and returns a row or a reason for each."""

    def rows(records: list[Record]) -> list[Any]:
        named = [
            {**record, "id" if "id" in record else "messageId": f"r{number:03d}"}
            for number, record in enumerate(records)
        ]
        load(ndjson(named))
        result = {row["event_id"]: row for row in store.table(ROW).to_pylist()}
        reasons = {
            row["line"]: row["reason"]
            for row in store.table("select line, reason from quarantine").to_pylist()
        }
        return [
            result.get(f"r{number:03d}", reasons.get(number + 1)) for number in range(len(named))
        ]

    return rows


def test_a_forwarded_event_is_parsed(read: Any) -> None:
    record = forwarded(7, "Source Modified", details={"subject_email": "maya@example.com"})
    row = read(record)
    assert json.loads(row.pop("raw")) == record
    assert row == {
        "event_id": record["messageId"],
        "occurred_at": dt.datetime(2026, 3, 2, 10, 15, 30, 250_000),
        "action": "Source Modified",
        "action_raw": "Source Modified",
        "category": "Source",
        "kind": "modify",
        "outcome": "success",
        "risk": 3,
        "actor_id": f"users/{USER}",
        "actor_type": "user",
        "actor_email": "maya@example.com",
        "actor_name": None,
        "target_type": "source",
        "target_id": SOURCE,
        "target_name": "Web shop",
        "workspace_id": WORKSPACE,
        "verified": None,
    }


def test_an_event_of_the_public_api_is_parsed(read: Any) -> None:
    row = read(
        api_event(
            8,
            "Tracking Plan Modified",
            actor="Ab3",
            actorEmail="jon@example.com",
            resourceType="Tracking Plans",
            resourceId="rs_1",
            resourceName="Checkout",
        )
    )
    assert row["event_id"] == "evt000000000000000000000008"
    assert (row["actor_id"], row["actor_type"]) == ("users/Ab3", "user")
    assert row["actor_email"] == "jon@example.com"
    assert (row["target_type"], row["target_id"], row["target_name"]) == (
        "tracking_plan",
        "rs_1",
        "Checkout",
    )
    assert (row["action"], row["category"]) == ("Tracking Plan Modified", "Protocols")
    assert row["workspace_id"] is None


TIMES = [
    ("2026-03-02T10:15:30Z", "2026-03-02T10:15:30"),
    ("2026-03-02T10:15:30.9Z", "2026-03-02T10:15:30.900000"),
    ("2026-03-02T10:15:30.91Z", "2026-03-02T10:15:30.910000"),
    ("2026-03-02T10:15:30.123456Z", "2026-03-02T10:15:30.123456"),
    ("2026-03-02T10:15:30.123456789Z", "2026-03-02T10:15:30.123456"),
    ("2026-03-02T10:15Z", "2026-03-02T10:15:00"),
    ("2026-03-02T05:00:00+05:00", "2026-03-02T00:00:00"),
    ("2026-03-02T05:00:00-03:30", "2026-03-02T08:30:00"),
    ("2026-03-02 10:15:30+00", "2026-03-02T10:15:30"),
    ("2026-03-02T10:15:30", "2026-03-02T10:15:30"),
    ("2026-07-02 10:15:30 EST", "2026-07-02T15:15:30"),
    ("2026-01-02 10:15:30 EDT", "2026-01-02T14:15:30"),
    ("2026-07-02T10:15:30.25CST", "2026-07-02T16:15:30.250000"),
    ("2026-07-02 10:15 cdt", "2026-07-02T15:15:00"),
    ("2026-07-02 10:15:30 MST", "2026-07-02T17:15:30"),
    ("2026-07-02 10:15:30 MDT", "2026-07-02T16:15:30"),
    ("2026-12-31 20:15:30 PST", "2027-01-01T04:15:30"),
    (" 2026-07-02 10:15:30  PDT ", "2026-07-02T17:15:30"),
    ("2026-07-02 10:15:30 UT", "2026-07-02T10:15:30"),
    ("2026-07-02 10:15:30 GMT", "2026-07-02T10:15:30"),
    ("2026-07-02 10:15:30 UTC", "2026-07-02T10:15:30"),
    ("2026-07-02 10:15:30 Z", "2026-07-02T10:15:30"),
    ("2026-07-02T10:15:30z", "2026-07-02T10:15:30"),
    ("2026-07-02 10:15:30 UTC+2", "2026-07-02T08:15:30"),
    ("2026-07-02 10:15:30 GMT-0330", "2026-07-02T13:45:30"),
    ("2026-07-02 10:15:30 Europe/London", "2026-07-02T09:15:30"),
    ("2026-03-02", "2026-03-02T00:00:00"),
    (1_772_446_530, "2026-03-02T10:15:30"),
    ("1772446530", "2026-03-02T10:15:30"),
    (1_772_446_530_250, "2026-03-02T10:15:30.250000"),
    ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00"),
    ("2099-12-31T23:59:59Z", "2099-12-31T23:59:59"),
]


@pytest.mark.parametrize("of", ["api", "forwarded"])
def test_each_time_format_is_parsed(read_all: Any, of: str) -> None:
    rows = read_all(
        [
            api_event(timestamp=message) if of == "api" else forwarded(at=message)
            for message, _ in TIMES
        ]
    )
    read = {
        message: row if isinstance(row, str) else row["occurred_at"].isoformat()
        for (message, _), row in zip(TIMES, rows, strict=True)
    }
    assert read == dict(TIMES)


NO_TIMES = [
    "infinity",
    "-infinity",
    "epoch",
    "20000-01-01T00:00:00Z",
    "-290000-01-01T00:00:00Z",
    "1999-12-31T23:59:59Z",
    "2026-02-30T00:00:00Z",
    "2026-03-02T25:00:00Z",
    "yesterday",
    "0000000000",
]


def test_invalid_times_are_refused_with_their_text(read_all: Any) -> None:
    reasons = read_all([api_event(timestamp=no_time) for no_time in NO_TIMES])
    assert reasons == [f"Time not understood: {no_time}" for no_time in NO_TIMES]


AMBIGUOUS = {
    "2026-07-02 10:15:30 BST": "BST",
    "2026-07-02T10:15:30.5 IST": "IST",
    "2026-07-02 10:15CET": "CET",
    "2026-07-02 10:15:30 cest": "cest",
    "2026-07-02 10:15:30 NZ": "NZ",
    "2026-07-02 10:15:30 EST5EDT": "EST5EDT",
    "2026-07-02 10:15:30 A": "A",
    "2026-07-02 10:15:30 BST+1": "BST+1",
}


def test_zones_without_a_fixed_offset_are_refused_by_name(read_all: Any) -> None:
    reasons = read_all([api_event(timestamp=text) for text in AMBIGUOUS])
    assert reasons == [
        f"Ambiguous time zone {zone}: use an offset such as +01:00" for zone in AMBIGUOUS.values()
    ]


def test_am_and_pm_are_not_time_zones(read_all: Any) -> None:
    texts = ["2026-07-02 10:15:30 PM", "2026-07-02 10:15 am"]
    assert read_all([api_event(timestamp=text) for text in texts]) == [
        f"Time not understood: {text}" for text in texts
    ]


def test_a_record_without_a_time_is_refused(read_all: Any) -> None:
    assert read_all([api_event(timestamp=None), api_event(timestamp="")]) == ["No time"] * 2


def test_a_missing_timestamp_falls_back_to_original_and_arrival_times(
    load: Load, store: Store
) -> None:
    load(
        ndjson(
            [
                forwarded(1, timestamp=None, originalTimestamp="2026-03-01T00:00:00Z"),
                forwarded(2, timestamp=None, originalTimestamp=None),
            ]
        )
    )
    times = store.table("select occurred_at from events order by event_id")["occurred_at"]
    assert times.to_pylist() == [
        dt.datetime(2026, 3, 1),
        dt.datetime(2026, 3, 2, 10, 15, 30, 250_000),
    ]


ACTION_NAMES = [
    (forwarded(event="Audit"), "Source Modified"),
    (forwarded(event="Source Modified"), "Source Modified"),
    (forwarded(event="audit"), "Source Modified"),
    # Renamed by a function, the type left out of the properties.
    (
        forwarded(
            event="Source Deleted",
            properties={"details": {"resource_id": "x", "subject": "users/a"}},
        ),
        "Source Deleted",
    ),
    (
        forwarded(event="Brand New", properties={"workspace_id": "w1", "type": "Brand New"}),
        "Brand New",
    ),
    (forwarded(event="Brand New", properties={"workspace_id": "w1"}), "Brand New"),
    (forwarded(event="AUDIT", properties={"type": "Brand New"}), "Brand New"),
    (forwarded(properties={"type": "Brand New", "details": "text"}), "Brand New"),
    (api_event(action="Brand New"), "Brand New"),
    (api_event(action="Source Deleted"), "Source Deleted"),
    (
        {"id": "1", "timestamp": "2026-03-02T10:15:30Z", "type": "Source Deleted"},
        "Source Deleted",
    ),
    (
        {
            "id": "1",
            "timestamp": "2026-03-02T10:15:30Z",
            "type": "Brand New",
            "actor": {"id": "u1"},
            "resource": {"id": "s1"},
        },
        "Brand New",
    ),
    # An API event whose type is a tracking word is still that type.
    (api_event(action="page"), "page"),
]


def test_each_name_of_the_action_field_is_read(read_all: Any) -> None:
    rows = read_all([record for record, _ in ACTION_NAMES])
    assert [row["action_raw"] for row in rows] == [action for _, action in ACTION_NAMES]


NO_EVENTS = [
    forwarded(event="Order Completed", properties={"total": 5}),
    forwarded(event="Order Completed", properties={"total": 5, "type": "Source Deleted"}),
    forwarded(event="Source Deleted", properties={"type": "Source Deleted"}),
    forwarded(event="Order Completed", properties={"type": "x", "details": "two shoes"}),
    forwarded(event="Order Completed", properties={"type": "x", "details": ["a", "b"]}),
    forwarded(event="Order Completed", properties={"type": "x", "workspace_id": ""}),
    forwarded(event="Order Completed", properties={"type": "x", "details": {"sku": 7}}),
    forwarded(event="Order Completed", properties="text"),
    *(
        {
            "messageId": "m1",
            "type": call,
            "timestamp": "2026-03-02T10:15:30Z",
            "properties": {"type": "Source Deleted", "workspace_id": "w1", "details": {}},
        }
        for call in ("page", "screen", "identify", "group", "alias", "Page")
    ),
    {"messageId": "m1", "type": "page", "properties": {"type": "landing"}},
    {"anonymousId": "a", "type": "screen", "timestamp": "2026-03-02T10:15:30Z"},
    {"type": "audit", "timestamp": "2026-03-02T10:15:30Z", "user.name": "elastic"},
    {"type": "invoice.paid", "timestamp": "2026-03-02T10:15:30Z", "resource": "r1"},
    forwarded(event="Audit", properties={"details": {"target": "x"}}),
    forwarded(properties=None),
    {"messageId": "m1", "type": "identify", "timestamp": "2026-03-02T10:15:30Z"},
    {"messageId": "m1", "type": "page", "name": "x", "timestamp": "2026-03-02T10:15:30Z"},
    api_event(type=None),
    api_event(type=""),
]


def test_records_that_are_not_audit_events_are_refused(read_all: Any) -> None:
    reasons = read_all(NO_EVENTS)
    assert all(str(reason).startswith("Not an audit event: ") for reason in reasons), reasons


def test_skipped_records_of_a_mixed_source_are_counted_by_type(load: Load, store: Store) -> None:
    product = {"timestamp": "2026-03-02T10:15:30Z", "properties": {"type": "vip"}}
    counts = {"page": 4, "screen": 2, "identify": 3, "group": 1, "alias": 1}
    batch = load(
        ndjson(
            [
                *({**product, "type": call} for call in counts for _ in range(counts[call])),
                *({**product, "type": "track", "event": f"Viewed {n}"} for n in range(5)),
                forwarded(1),
            ]
        )
    )
    assert (batch.read, batch.kept, batch.quarantined) == (17, 1, 16)
    skipped = {row["reason"]: row["records"] for row in quarantine.reasons(store)}
    assert skipped == {
        **{f"Not an audit event: {call} call": count for call, count in counts.items()},
        "Not an audit event: product track call": 5,
    }


ACTORS = [
    (forwarded(), (f"users/{USER}", "user")),
    # The tracking-plan capture: the system by userId, a person by subject.
    (forwarded(userId="__system__"), (f"users/{USER}", "user")),
    (
        forwarded(subject=None, details={"subject_id": "Zz9", "subject_type": "user"}),
        ("users/Zz9", "user"),
    ),
    (
        forwarded(subject=None, details={"subject_id": "tk1", "subject_type": "token"}),
        ("tokens/tk1", "token"),
    ),
    (forwarded(subject=None, details={"subject_id": "Zz8"}), ("Zz8", "unknown")),
    (forwarded(subject=None), (f"users/{USER}", "user")),
    (forwarded(subject=""), (f"users/{USER}", "user")),
    (forwarded(subject=None, userId="__system__"), ("system", "system")),
    (forwarded(subject=None, userId=None), ("unknown", "unknown")),
    (forwarded(subject="tokens/tk1"), ("tokens/tk1", "token")),
    (forwarded(subject="user/Zz9"), ("users/Zz9", "user")),
    (forwarded(subject="token/tk1"), ("tokens/tk1", "token")),
    (forwarded(subject="the moon"), ("the moon", "unknown")),
    (api_event(type="Space Modified", actor="Zz8"), ("Zz8", "unknown")),
    (
        api_event(type="Space Modified", actor="Zz9", actorEmail="z@example.com"),
        ("users/Zz9", "user"),
    ),
    (api_event(type="Space Modified", actor="tokens/tk1"), ("tokens/tk1", "token")),
    (api_event(type="Space Modified", actor=None), ("unknown", "unknown")),
]


def test_actors_are_parsed(read_all: Any) -> None:
    rows = read_all([record for record, _ in ACTORS])
    assert [(row["actor_id"], row["actor_type"]) for row in rows] == [actor for _, actor in ACTORS]


TARGET_TYPES = [
    ("tracking_plan", "tracking_plan"),
    ("Tracking Plans", "tracking_plan"),
    ("Sources", "source"),
    ("WAREHOUSE", "warehouse"),
    ("destination_filter", "destination_filter"),
    ("", None),
]


def test_target_types_are_normalized(read_all: Any) -> None:
    rows = read_all([api_event(resourceType=message) for message, _ in TARGET_TYPES])
    read = {
        message: row["target_type"] for (message, _), row in zip(TARGET_TYPES, rows, strict=True)
    }
    assert read == dict(TARGET_TYPES)


def test_target_names_are_kept_unchanged(read: Any) -> None:
    assert read(forwarded(target='Drop "Noise" '))["target_name"] == 'Drop "Noise" '


def test_the_source_is_the_target_of_an_event_without_one(read: Any) -> None:
    record = forwarded(
        action="New Event Allowed", target=None, subject=None, details={"source_name": "Web"}
    )
    assert read(record)["target_name"] == "Web"


def test_a_permission_check_has_no_target_name(read: Any) -> None:
    row = read(
        forwarded(
            action="Permission Check",
            target=None,
            subject=None,
            details={
                "action": "source:debugger-view",
                "sso_connection_id": "",
                "subject_id": "Zz9",
                "subject_type": "user",
            },
        )
    )
    assert (row["target_name"], row["actor_id"]) == (None, "users/Zz9")


def test_the_first_of_two_equal_keys_is_used(read: Any) -> None:
    row = read(
        b'{"id":"first","id":"second","timestamp":"2026-03-02T00:00:00Z","type":"Source Created",'
        b'"type":"Source Deleted"}'
    )
    assert (row["event_id"], row["action"]) == ("first", "Source Created")


@pytest.mark.parametrize("form", ["array on a line", "page on a line", "array over lines"])
def test_the_first_of_two_equal_keys_is_used_in_wrappers(
    load: Load, store: Store, form: str
) -> None:
    twice = (
        b'{"id":"first","id":"second","timestamp":"2026-03-02T00:00:00Z","type":"Source Created",'
        b'"type":"Source Deleted"}'
    )
    other = ndjson([api_event()])
    load(
        {
            "array on a line": other + b"[" + twice + b"]\n",
            "page on a line": other + b'{"data":{"events":[' + twice + b"]}}\n",
            "array over lines": b"[\n" + other + b",\n" + twice + b"\n]\n",
        }[form]
    )
    rows = store.table("select event_id, action_raw from event_rows order by 1 desc").to_pylist()
    assert rows[0] == {"event_id": "first", "action_raw": "Source Created"}


def test_a_blank_first_id_is_not_an_identity(load: Load, store: Store) -> None:
    line = '{"id":"","id":"x%d","timestamp":"2026-03-02T00:00:00Z","type":"Source Created"}\n'
    batch = load("".join(line % number for number in (1, 2)).encode())
    assert (batch.kept, batch.duplicates) == (2, 0)
    assert (
        store.table("select event_id from events where coalesce(event_id, '') = ''").num_rows == 0
    )


def test_blank_ids_are_not_identities(load: Load) -> None:
    batch = load(
        ndjson([api_event(id="  ", resourceName="One"), api_event(id="  ", resourceName="Two")])
    )
    assert (batch.kept, batch.duplicates) == (2, 0)


# Spellings that the fast parser takes and that no encoder writes; looking for them in each record
# is expected to cost about a tenth of a load. The raw record keeps them as they came.
TAKEN = ['"x":nan}', '"x":-inf}', '"x":Inf}', '"x":1, }', '"x":[1, ]}', '"x":[1,\t]}']
NEARLY_JSON = [
    '"x":NaN}', '"x":Infinity}', '"x":-Infinity}', '"x":1,}', '"x":[1,]}', '"x":1} // note',
    '"x":1 /* note */}', '"x":tRue}',
    '"x":01}', '"x":.5}', '"x":+1}', '"x":0x1F}', '"x":"\t"}', "'x':1}",
]  # fmt: skip


def test_almost_valid_json_is_refused(load: Load, store: Store) -> None:
    good = ndjson([api_event(number) for number in range(len(NEARLY_JSON) + 5)])
    bad = [
        b'{"id":"bad","timestamp":"2026-03-02T00:00:00Z","type":"Source Created",' + end.encode()
        for end in NEARLY_JSON
    ]
    taken = [
        b'{"id":"%d","timestamp":"2026-03-02T00:00:00Z","type":"Source Created",%s'
        % (number, end.encode())
        for number, end in enumerate(TAKEN)
    ]
    assert load(b"\n".join(taken), "taken.ndjson").kept == len(TAKEN)
    batch = load(good + b"\n".join(bad))
    reasons = {
        bytes(row["raw"]): row["reason"]
        for row in store.table("select raw, reason from quarantine").to_pylist()
    }
    kept = [end for end, line in zip(NEARLY_JSON, bad, strict=True) if line not in reasons]
    assert not kept
    assert all(reason.startswith("Not JSON: ") for reason in reasons.values())
    assert batch.quarantined == len(NEARLY_JSON)


def test_strings_that_look_like_broken_json_are_kept(read: Any) -> None:
    assert read(api_event(resourceName="NaN,} ,] Infinity"))["target_name"] == "NaN,} ,] Infinity"


# Written out from reading the files, so that no code of this project stands on both sides.
CAPTURED = {
    "audience.json": (
        ("users/MNxxtIRCbe", "user", "Audience Created", "Engage"),
        ("audience", "spaces/default/audiences/aud_1U3E4PKTj08xZcWmTkQpvvTlI2V"),
        "order completed",
        "2019-11-24T06:24:46.877",
    ),
    "computedTrait.json": (
        ("users/MNxxtIRCbe", "user", "Computed Trait Modified", "Engage"),
        ("computed_trait", "spaces/default/traits/tra_1U3BEICYoNvLBLTpMs8TRoXL8QH"),
        "Test Computed Trait",
        "2019-11-24T19:37:30.179",
    ),
    "destinationFilter.json": (
        ("users/MNxxtIRCbe", "user", "Destination Filter Disabled", "Destination Filters"),
        (
            "destination_filter",
            "workspaces/james9446/sources/audit_forwarding/destinations/webhooks/filters/"
            "df_1U0MEMv1mox9rloD2Jq2sc2Y2qW",
        ),
        'Drop "Permission Check" Audit Events ',
        "2019-11-24T06:48:56",
    ),
    "integration.json": (
        ("users/MNxxtIRCbe", "user", "Integrations Modified", "Integrations"),
        ("integration", "5dd8dc3618a12651f66fb8ed"),
        "Audit Function - Slack",
        "2019-11-24T06:18:07.896",
    ),
    "personasWarehouse.json": (
        ("users/MNxxtIRCbe", "user", "Engage Warehouse Source Modified", "Engage"),
        (
            "personas_warehouse_source",
            "spaces/default/warehouse-sources/whs_1U34CpJKr1BiqO933sY0y2Y4wT7",
        ),
        "Postgres Warehouse",
        "2019-11-24T19:42:03.977",
    ),
    "source.json": (
        ("users/MNxxtIRCbe", "user", "Source Function Modified", "Functions"),
        ("source", "LAn9KpdvNZ"),
        "Audit Function",
        "2019-11-24T06:27:28",
    ),
    "space.json": (
        ("users/MNxxtIRCbe", "user", "Space Modified", "Engage"),
        ("space", "spa_1U3CcdsPUbEhRudvj0HorhJodwJ"),
        "test space",
        "2019-11-24T06:18:17.910",
    ),
    "warehouse.json": (
        ("users/MNxxtIRCbe", "user", "Warehouses Disabled", "Warehouses"),
        ("warehouse", "HpLcqdFbPX"),
        "postgres",
        "2019-11-24T19:50:51.744",
    ),
}


@pytest.fixture
def captures() -> Path:
    named = os.environ.get("TRAIL_CORPORA")
    folder = Path(named or ".").parent / "segment" / "captures"
    if not named or not folder.is_dir():
        pytest.skip("TRAIL_CORPORA names no folder with the live captures beside it")
    return folder


def test_live_captures_are_parsed(captures: Path, load: Load, store: Store) -> None:
    assert {path.name for path in captures.glob("*.json")} == set(CAPTURED)
    for name, message in CAPTURED.items():
        batch = load((captures / name).read_bytes(), name)
        assert (batch.read, batch.kept, batch.error) == (1, 1, ""), name
        row = store.table(f"{ROW} where batch_id = $id", {"id": batch.batch_id}).to_pylist()[0]
        (actor_id, actor_type, action, category), (kind, target_id), target_name, at = message
        assert (row["actor_id"], row["actor_type"]) == (actor_id, actor_type)
        assert (row["action"], row["category"]) == (action, category)
        assert (row["target_type"], row["target_id"]) == (kind, target_id)
        assert row["target_name"] == target_name
        assert row["occurred_at"] == dt.datetime.fromisoformat(at)
        assert row["workspace_id"] == "VWDxzzIpI5"
        assert row["event_id"].startswith("api-1U")


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        ({"type": "audit", "event.action": "access_granted"}, False),
        ({"id": "a", "type": "request", "msg": "GET /"}, False),
        ({"type": "audit", "details": {"actor": "a"}}, False),
        ({"id": "a", "type": "Source Created"}, True),
        ({"id": "a", "type": "Something New", "actor": "users/u1"}, True),
        ({"id": "a", "type": "Something New", "resourceId": "r1"}, True),
        ({"id": "a", "type": "Something New", "workspaceId": "w1"}, True),
        (
            {
                "messageId": "a",
                "type": "track",
                "properties": {"type": "Something New", "workspace_id": "w1"},
            },
            True,
        ),
    ],
)
def test_a_record_without_actor_target_and_workspace_is_kept(
    read: Any, record: Record, kept: bool
) -> None:
    """Other logs also have a type and a time; a type of Segment's is enough on its own."""
    row = read({**record, "timestamp": "2026-11-20T10:00:00Z"})
    if kept:
        assert row["event_id"] == "a"
    else:
        assert row == "Not an audit event: no actor, target or workspace"
