"""The column mapping of a table: by name, by a mapping file, and the error when unclear."""

import datetime as dt
import tomllib

import orjson
import pytest

from loaders._columns import Columns
from trail.core.errors import InputError, MappingNeededError


def record(header: str, cells: str, mapping: dict[str, str] | None = None) -> dict[str, object]:
    columns = Columns(header.split(","), mapping or {}, "events.csv")
    return dict(orjson.loads(columns.record(cells.split(","))))


def mapping_error(header: list[str], mapping: dict[str, str] | None = None) -> MappingNeededError:
    with pytest.raises(MappingNeededError) as caught:
        Columns(header, mapping or {}, "events.csv")
    return caught.value


@pytest.mark.parametrize(
    "time", ["timestamp", "Time", "DATE", "Occurred at", "created-at", "event_time"]
)
@pytest.mark.parametrize("type_", ["type", "Event Type", "action", "EVENT", "activity"])
def test_time_and_type_columns_are_recognized_in_any_spelling(time: str, type_: str) -> None:
    result = record(f"{time},{type_}", "2026-01-01,Source Created")
    assert result == {"timestamp": "2026-01-01", "type": "Source Created"}


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Performed by", "actor"),
        ("Actor ID", "actor"),
        ("Subject", "actor"),
        ("User", "actor"),
        ("Resource Id", "resourceId"),
        ("target_id", "resourceId"),
        ("resource-type", "resourceType"),
        ("TargetType", "resourceType"),
        ("resource name", "resourceName"),
        ("target", "resourceName"),
        ("workspace_id", "workspaceId"),
        ("Event ID", "id"),
    ],
)
def test_columns_of_the_other_fields_are_recognized(name: str, field: str) -> None:
    assert record(f"time,type,{name}", "2026-01-01,X,it")[field] == "it"


def test_a_third_party_table_becomes_an_api_record() -> None:
    result = record(
        "timestamp,event_type,target,resource_type,user,user_email",
        "2026-01-01,Source Created,Web,source,Maya,maya@example.com",
    )
    assert result == {
        "timestamp": "2026-01-01",
        "type": "Source Created",
        "resourceName": "Web",
        "resourceType": "source",
        "actor": "Maya",
        "actorEmail": "maya@example.com",
    }


@pytest.mark.parametrize("name", ["user", "email", "performed by"])
def test_an_email_as_actor_fills_both_actor_fields(name: str) -> None:
    result = record(f"time,type,{name}", "2026-01-01,X,maya@example.com")
    assert result["actor"] == result["actorEmail"] == "maya@example.com"


def test_unmapped_columns_are_kept_without_empty_cells() -> None:
    result = record("time,type,IP address,note,user", "2026-01-01,X,10.0.0.1,,")
    assert result["columns"] == {"IP address": "10.0.0.1"}
    assert "actor" not in result


def test_columns_without_a_name_get_a_number() -> None:
    result = record("time,type,note,,", "2026-01-01,X,a,b,c")
    assert result["columns"] == {"note": "a", "column 4": "b", "column 5": "c"}


@pytest.mark.parametrize("name", ["type", "note", " note ", "Größe"])
def test_duplicate_column_names_are_an_error(name: str) -> None:
    with pytest.raises(InputError) as caught:
        Columns(["time", "type", name, "note", "Größe", name], {}, "events.csv")
    assert f'columns are named "{name.strip()}"' in caught.value.message
    assert "6)" in caught.value.message


@pytest.mark.parametrize(
    ("zone", "utc"), [("EST", "T15:00"), ("edt", "T14:00"), ("PDT", "T17:00"), ("UT", "T10:00")]
)
def test_a_zone_abbreviation_of_rfc_5322_in_the_header_is_a_fixed_offset(
    zone: str, utc: str
) -> None:
    text = str(record(f"Time ({zone}),type", "2026-07-01 10:00:00,X")["timestamp"])
    assert dt.datetime.fromisoformat(text).astimezone(dt.UTC).isoformat()[10:16] == utc


@pytest.mark.parametrize("zone", ["BST", "IST", "CET", "MSK", "AEST"])
def test_an_ambiguous_zone_abbreviation_in_the_header_is_an_error(zone: str) -> None:
    with pytest.raises(InputError, match=f"Ambiguous time zone {zone}"):
        Columns([f"Time ({zone})", "type"], {"timestamp": f"Time ({zone})"}, "events.csv")


@pytest.mark.parametrize("text", ["'=1", "''=1", "'", "''", "'a", "=1", "-", "'\t"])
def test_only_quotes_of_the_export_are_removed(text: str) -> None:
    exported = f"'{text}" if text.lstrip("'").startswith(("=", "-", "\t")) else text
    header = "event_id,occurred_at (UTC),action,target_name"
    assert record(header, f"e1,2026-01-01T00:00:00Z,X,{exported}")["resourceName"] == text


def test_a_zone_in_the_header_applies_to_times_without_an_offset() -> None:
    header = "Time (Europe/Oslo),type"
    assert record(header, "2026-01-01 12:00:00,X")["timestamp"] == "2026-01-01T12:00:00+01:00"
    assert record(header, "2026-07-01T12:00:00Z,X")["timestamp"] == "2026-07-01T12:00:00Z"


@pytest.mark.parametrize("fields", [("timestamp", "type"), ("occurred_at", "action")])
def test_a_mapping_has_priority_over_column_names(fields: tuple[str, str]) -> None:
    mapping = {fields[0]: "When", fields[1]: "what it was", "target_name": "type"}
    result = record("When,What it was,type", "2026-01-01,Source Created,Web", mapping)
    assert result == {"timestamp": "2026-01-01", "type": "Source Created", "resourceName": "Web"}


def test_a_missing_field_is_reported_with_a_mapping_line() -> None:
    error = mapping_error(["Date", "What", "Who"])
    assert error.message == "events.csv: Columns are missing or ambiguous."
    assert "Which column contains the event type?" in error.hint
    assert '`type = "What"`' in error.hint
    assert error.hint.endswith('Columns found: "Date", "What", "Who".')
    assert "timestamp = " not in error.hint


def test_each_suggested_mapping_line_is_toml_with_an_existing_column() -> None:
    header = ['a "b"', "c\td", "ø"]
    lines = mapping_error(header).hint.split("`")[1::2]
    assert [next(iter(tomllib.loads(line))) for line in lines] == ["timestamp", "type"]
    assert all(next(iter(tomllib.loads(line).values())) in header for line in lines)


def test_two_columns_for_one_field_are_ambiguous() -> None:
    hint = mapping_error(["timestamp", "type", "user", "actor"]).hint
    assert '"user" and "actor"' in hint
    assert '`actor = "user"`' in hint
    settled = record("timestamp,type,user,actor", "2026-01-01,X,a,b", {"actor": "actor"})
    assert settled["actor"] == "b"
    assert settled["columns"] == {"user": "a"}


def test_unknown_fields_and_columns_of_a_mapping_are_reported() -> None:
    hint = mapping_error(["time", "type"], {"actor": "Person", "color": "type"}).hint
    assert '`actor = "Person"`' in hint
    assert "This column does not exist." in hint
    assert 'Unknown field "color" in the mapping. Allowed: id, timestamp, type,' in hint


def test_the_error_for_many_columns_is_short() -> None:
    hint = mapping_error(["x" * 500, *(f"c{number}" for number in range(99))]).hint
    assert hint.endswith('"c28" and 70 more.')
    assert "…" in hint
    assert len(hint) < 2_000


def test_the_error_has_no_exclamation_mark_or_dash() -> None:
    error = mapping_error(["a", "b"])
    assert not set("!—") & set(str(error))


WAREHOUSE = (
    "id,user_id,event,event_text,received_at,timestamp,original_timestamp,type,workspace_id,"
    "details_resource_id,details_resource_type,details_subject,details_target,details_source_id,"
    "context_library_name"
)


def test_a_warehouse_table_becomes_a_forwarded_event() -> None:
    result = record(
        WAREHOUSE,
        "api-1,u1,audit,Audit,2026-01-01 00:00:01,2026-01-01 00:00:00,,Source Created,w1,"
        "s1,source,users/u1,Web,s1,unknown",
    )
    assert result == {
        "type": "track",
        "messageId": "api-1",
        "userId": "u1",
        "event": "Audit",
        "receivedAt": "2026-01-01 00:00:01",
        "timestamp": "2026-01-01 00:00:00",
        "properties": {
            "type": "Source Created",
            "workspace_id": "w1",
            "details": {
                "resource_id": "s1",
                "resource_type": "source",
                "subject": "users/u1",
                "target": "Web",
                "source_id": "s1",
            },
        },
        "columns": {"event": "audit", "context_library_name": "unknown"},
    }


@pytest.mark.parametrize("name", ["=1+1", "＝1+1", "＋1", "－1", "＠SUM(1)"])
def test_the_quote_before_a_formula_is_removed_only_from_an_export(name: str) -> None:
    header = "event_id,occurred_at (Europe/Oslo),action,action_raw,target_name"
    result = record(header, f"e1,2026-01-01T00:00:00+01:00,Source Created,source made,'{name}")
    assert result["id"] == "e1"
    assert result["type"] == "source made"
    assert result["resourceName"] == name
    other = record("time,type,target", f"2026-01-01,X,'{name}")
    assert other["resourceName"] == f"'{name}"


def test_an_export_with_added_columns_is_recognized() -> None:
    header = "occurred_at (UTC),action,action_raw,checked by"
    result = record(header, "2026-01-01T00:00:00Z,A,B,Maya")
    assert result["type"] == "B"
    assert result["columns"] == {"action": "A", "checked by": "Maya"}
