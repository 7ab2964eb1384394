"""Documents for SIEMs: valid for the published schema, for every action and for hostile text."""

import datetime as dt
import json
import re
from typing import Any

import jsonschema
import ocsf_json_schema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.core import catalogue
from trail.core.model import ACTOR_TYPES, OUTCOMES
from trail.events import cef, document, ecs, ocsf
from trail.events.document import Notice

ROW: dict[str, Any] = {
    "event_id": "evt-1",
    "occurred_at": dt.datetime(2026, 11, 24, 11, 58, 0, 250_123),
    "ingested_at": dt.datetime(2026, 11, 24, 11, 59),
    "action": "Warehouses Disabled",
    "action_raw": "Warehouse Disabled",
    "category": "Warehouses",
    "kind": "disable",
    "outcome": "success",
    "risk": 8,
    "actor_id": "users/abc",
    "actor_type": "user",
    "actor_email": "mara@example.com",
    "actor_name": None,
    "actor": "Mara",
    "target_type": "warehouse",
    "target_id": "WH1",
    "target_name": "Prod",
    "workspace_id": "ws1",
    "verified": True,
    "raw": '{"id":"evt-1"}',
}
_ANY = (
    st.none() | st.text(max_size=30) | st.text(st.characters(categories=["Cs", "Cc"]), max_size=3)
)
_TIMES = st.none() | st.text(max_size=8) | st.datetimes() | st.datetimes().map(str)
_ACTIONS = catalogue.ACTIONS
# Fields that are not just any text.
_OTHERS = (
    *("action", "category", "kind", "risk", "occurred_at", "ingested_at"),
    *("outcome", "actor_type", "verified"),
)
ROWS = st.builds(
    lambda action, **fields: {
        **fields,
        "action": action.name,
        "action_raw": fields["action_raw"] or action.name,
        "category": action.category,
        "kind": action.kind,
        "outcome": fields["outcome"] or action.outcome,
        "risk": action.risk,
        "target_type": fields["target_type"] or action.target_type,
    },
    action=st.sampled_from(_ACTIONS),
    **{name: _ANY for name in ROW if name not in _OTHERS},
    occurred_at=_TIMES,
    ingested_at=_TIMES,
    outcome=st.none() | st.sampled_from(OUTCOMES),
    actor_type=st.sampled_from(ACTOR_TYPES) | _ANY,
    verified=st.none() | st.booleans(),
)
NOTICES = st.builds(
    Notice,
    st.sampled_from(["alert", "finding", "incident", "notice", "seal", "digest", "test"]),
    st.text(min_size=1, max_size=20),
    st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2100, 1, 1)),
    st.text(max_size=20),
    st.text(max_size=20),
    st.sampled_from(["info", "warning", "critical", "?"]),
)


@pytest.fixture(scope="module", params=["1.5.0", "1.8.0"])
def validators(request: pytest.FixtureRequest) -> dict[int, Any]:
    """Return validators of the published schema by `class_uid`; they refuse unknown attributes."""
    schema = ocsf_json_schema.OcsfJsonSchemaEmbedded(
        ocsf_json_schema.get_ocsf_schema(request.param)
    )
    return {
        uid: jsonschema.Draft202012Validator(schema.get_class_schema(name))
        for uid, name in (
            (3004, "entity_management"),
            (2004, "detection_finding"),
            (0, "base_event"),
        )
    }


def check(found: dict[str, Any], validators: dict[int, Any]) -> None:
    """Fail with the first error of the schema; also after a trip through JSON."""
    assert json.loads(document.line(found)) == found
    errors = [error.message for error in validators[found["class_uid"]].iter_errors(found)]
    assert not errors, errors[0]


@pytest.mark.parametrize("action", _ACTIONS, ids=lambda action: action.name)
def test_every_action_has_a_valid_ocsf_event(action: catalogue.Action, validators: Any) -> None:
    row = {
        **ROW,
        **{
            name: getattr(action, name)
            for name in ("category", "kind", "outcome", "risk", "target_type")
        },
        "action": action.name,
    }
    found = ocsf.event(row)
    check(found, validators)
    assert (found["metadata"]["event_code"], found["unmapped"]["kind"]) == (
        action.name,
        action.kind,
    )
    assert found["activity_id"] != 0


def test_ocsf_event_has_the_fields_of_the_row(validators: Any) -> None:
    found = ocsf.event(ROW)
    check(found, validators)
    assert found == {
        "category_uid": 3,
        "category_name": "Identity & Access Management",
        "class_uid": 3004,
        "class_name": "Entity Management",
        "activity_id": 9,
        "activity_name": "Disable",
        "type_uid": 300409,
        "type_name": "Entity Management: Disable",
        "time": 1_795_521_480_250,
        "severity_id": 4,
        "severity": "High",
        "status_id": 1,
        "status": "Success",
        "message": "Mara disabled the warehouse Prod.",
        "actor": {
            "user": {
                "uid": "users/abc",
                "name": "Mara",
                "display_name": "Mara",
                "email_addr": "mara@example.com",
                "type_id": 1,
                "type": "User",
            }
        },
        "entity": {"uid": "WH1", "name": "Prod", "type_id": 99, "type": "warehouse"},
        "metadata": {
            "version": "1.5.0",
            "product": {"name": "Segment", "vendor_name": "Twilio"},
            "log_name": "segment.audit",
            "log_provider": "segment-audit-trail",
            "uid": "evt-1",
            "event_code": "Warehouses Disabled",
            "tenant_uid": "ws1",
            "original_time": "2026-11-24T11:58:00.250123Z",
            "logged_time": 1_795_521_540_000,
        },
        "unmapped": {
            "action_raw": "Warehouse Disabled",
            "category": "Warehouses",
            "kind": "disable",
            "risk": 8,
            "actor_type": "user",
            "verified": True,
        },
        "raw_data": '{"id":"evt-1"}',
    }


@given(row=ROWS)
def test_any_event_is_valid_ocsf(row: dict[str, Any], validators: Any) -> None:
    check(ocsf.event(row), validators)


@given(item=NOTICES)
def test_any_notice_is_valid_ocsf(item: Notice, validators: Any) -> None:
    check(ocsf.notice(item), validators)


# The values that ECS 8.17 and 9 allow, and the types that are expected of these categories.
ECS_TYPES = {
    "configuration": {"access", "change", "creation", "deletion", "info"},
    "iam": {"admin", "change", "creation", "deletion", "group", "info", "user"},
}
ECS_FIELDS = {
    *("@timestamp", "ecs.version", "message", "observer.vendor", "observer.product"),
    *(f"event.{name}" for name in ("kind", "category", "type", "outcome", "severity", "module")),
    *(f"event.{name}" for name in ("dataset", "provider", "created", "id", "action", "code")),
    *("event.original", "event.url", "user.id", "user.name", "user.email", "user.full_name"),
    *("user.target.id", "user.target.name", "related.user", "organization.id", "rule.name"),
}


def flat(found: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the values by the dotted names of their fields."""
    result: dict[str, Any] = {}
    for name, value in found.items():
        if isinstance(value, dict):
            result |= flat(value, f"{prefix}{name}.")
        else:
            result[prefix + name] = value
    return result


def check_ecs(found: dict[str, Any]) -> dict[str, Any]:
    """Fail for a field or a value that ECS does not have; return the fields by name."""
    assert json.loads(document.line(found)) == found
    fields = flat(found)
    assert {name for name in fields if not name.startswith("segment.audit.")} <= ECS_FIELDS
    assert fields["event.kind"] in ("event", "alert")
    for category in fields.get("event.category", ()):
        assert set(fields["event.type"]) <= ECS_TYPES[category]
        assert fields["event.outcome"] in OUTCOMES
    dt.datetime.fromisoformat(fields["@timestamp"])
    return fields


@given(row=ROWS)
def test_any_event_is_valid_ecs(row: dict[str, Any]) -> None:
    fields = check_ecs(ecs.event(row))
    assert fields["event.action"] == row["action"]
    assert fields["event.category"]


@given(item=NOTICES)
def test_any_notice_is_valid_ecs(item: Notice) -> None:
    check_ecs(ecs.notice(item))


def test_ecs_of_a_change_of_access() -> None:
    action = next(one for one in _ACTIONS if one.name == "User Policy Updated")
    row = {**ROW, "action": action.name, "category": action.category, "kind": action.kind}
    fields = check_ecs(ecs.event({**row, "target_type": "user", "target_id": "users/2"}))
    assert fields["event.category"] == ["iam"]
    assert fields["event.type"] == ["change", "user"]
    assert fields["user.target.id"] == "users/2"
    assert fields["related.user"] == ["Mara", "mara@example.com", "users/abc"]


def read_cef(line: str) -> tuple[list[str], dict[str, str]]:
    """Return the seven fields of the header and the extension, as a receiver reads them."""
    found = re.fullmatch(r"CEF:0" + r"\|((?:[^\\|]|\\.)*)" * 6 + r"\|(.*)", line)
    assert found, line
    *header, extension = found.groups()
    pairs = re.findall(r"(?:^| )([A-Za-z0-9]+)=((?:[^\\=]|\\.)*?)(?=$| [A-Za-z0-9]+=)", extension)
    assert " ".join(f"{name}={value}" for name, value in pairs) == extension
    plain = {
        name: re.sub(r"\\(.)", lambda one: "\n" if one[1] == "n" else one[1], value)
        for name, value in pairs
    }
    return [re.sub(r"\\(.)", r"\1", part) for part in header], plain


@given(row=ROWS, name=st.text(st.sampled_from("a|=\\\n\r \0\x1b\u2028\ud800b"), min_size=1))
def test_any_event_is_one_cef_line_without_foreign_fields(row: dict[str, Any], name: str) -> None:
    line = cef.event({**row, "target_name": name, "action_raw": name})
    assert line.isprintable()
    header, fields = read_cef(line)
    assert header[:3] == ["Twilio", "Segment", "1"]
    assert header[4:] == [row["action"], str(row["risk"])]
    known = {"rt", "externalId", "act", "outcome", "suid", "suser", "msg"}
    assert fields.keys() - known <= {f"cs{n}{more}" for n in range(1, 7) for more in ("", "Label")}
    shown = "".join(letter for letter in name if letter.isprintable() and letter != " ")
    assert shown in re.sub("[\\s\ufffd]", "", fields.get("cs3", ""))


def test_cef_of_an_event() -> None:
    assert cef.event({**ROW, "target_name": "a=b|c\\d\ne"}) == (
        "CEF:0|Twilio|Segment|1|Warehouse Disabled|Warehouses Disabled|8|"
        "rt=1795521480250 externalId=evt-1 act=disable outcome=success suid=users/abc "
        "suser=mara@example.com msg=Mara disabled the warehouse a\\=b|c\\\\d e. "
        "cs1=warehouse cs1Label=targetType cs2=WH1 cs2Label=targetId "
        "cs3=a\\=b|c\\\\d\\ne cs3Label=targetName cs4=ws1 cs4Label=workspaceId "
        "cs5=Warehouses cs5Label=category cs6=user cs6Label=actorType"
    )


@given(item=NOTICES)
def test_any_notice_is_one_cef_line(item: Notice) -> None:
    line = cef.notice(item)
    assert line.isprintable()
    assert read_cef(line)[1]["rt"]
