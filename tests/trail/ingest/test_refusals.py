"""Quarantined records are explained: reasons, samples, and the product they look like."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.segment_records import api_event, api_page, forwarded
from trail.core.model import Batch, Reject
from trail.ingest import refusals

OTHER_LOGS: dict[str, list[object]] = {
    "AWS CloudTrail": [
        {"eventVersion": "1.08", "eventSource": "iam.amazonaws.com", "eventName": "CreateUser"},
        {"Records": [{"eventVersion": "1.05", "eventSource": "s3", "eventName": "GetObject"}]},
    ],
    "Okta": [{"uuid": "u", "published": "2026-01-01T00:00:00Z", "eventType": "policy.evaluate"}],
    "GitHub": [
        {"@timestamp": 1, "action": "repo.create", "actor": "octo", "org": "acme"},
        {"_document_id": "d", "action": "org.invite_member", "created_at": 1},
    ],
    "Elasticsearch": [
        {"type": "audit", "event.type": "rest", "event.action": "authentication_success"},
        {"type": "server", "node.name": "n", "cluster.name": "c", "message": "started"},
    ],
    "Datadog": [{"type": "audit", "attributes": {"attributes": {"evt": {"name": "Monitor"}}}}],
    "GitLab": [{"id": 1, "author_id": 2, "entity_id": 3, "entity_type": "Group", "details": {}}],
    "Google Cloud": [{"protoPayload": {"methodName": "SetIamPolicy"}, "timestamp": "t"}],
    "Kubernetes": [{"kind": "Event", "auditID": "a", "stage": "ResponseComplete", "verb": "get"}],
    "Stripe": [{"id": "evt_2", "object": "event", "type": "payout.paid", "created": 1}],
    "application log": [{"level": 50, "time": 1, "msg": "failed", "pid": 1}],
    "Segment tracking": [{"type": "page", "messageId": "m", "context": {}, "properties": {}}],
}


@pytest.mark.parametrize(("product", "records"), OTHER_LOGS.items())
def test_other_logs_are_recognized(product: str, records: list[object]) -> None:
    for record in records:
        for text in (json.dumps(record), json.dumps([record, record], indent=2)):
            assert refusals.looks_like(text.encode()) == product


def test_cut_records_and_plain_text_are_recognized() -> None:
    document = json.dumps({"Records": OTHER_LOGS["AWS CloudTrail"] * 1_000}).encode()
    assert refusals.looks_like(document[:10_000]) == "AWS CloudTrail"
    line = b"Nov 20 10:00:00 host sshd[1]: Accepted publickey for root"
    assert refusals.looks_like(line) == "syslog"
    line = b'192.0.2.1 - - [20/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5'
    assert refusals.looks_like(line) == "web server access log"


@pytest.mark.parametrize("record", [api_event(1), forwarded(1), api_page([api_event(2)]), {}, []])
def test_segment_audit_events_are_not_taken_for_other_logs(record: object) -> None:
    assert refusals.looks_like(json.dumps(record).encode()) == ""


@given(st.binary(max_size=200))
def test_any_bytes_can_be_examined(raw: bytes) -> None:
    batch = Batch("f", "json")
    refusals.note(batch, [Reject(1, "Not JSON", raw)])
    assert batch.reasons["Not JSON"].count == 1
    json.dumps(batch.report(), ensure_ascii=False).encode()


@given(st.lists(st.integers(0, 60), max_size=80))
def test_counts_of_reasons_add_up(numbers: list[int]) -> None:
    rejects = [Reject(line, f"Reason {number}", b"x") for line, number in enumerate(numbers)]
    batch = Batch("f", "json", read=len(rejects), quarantined=len(rejects))
    refusals.note(batch, rejects)
    assert sum(reason.count for reason in batch.reasons.values()) == len(rejects)
    assert len(batch.reasons) <= refusals.MAX_REASONS + 1
    total = refusals.merged([batch, batch])
    assert sum(reason.count for reason in total.reasons.values()) == 2 * len(rejects)
    if numbers:
        first = batch.reasons[f"Reason {numbers[0]}"]
        assert (first.line, first.sample) == (0, "x")


def test_values_and_positions_do_not_make_a_new_reason() -> None:
    batch = Batch("f", "json", quarantined=6)
    refusals.note(
        batch,
        [
            Reject(1, "Not JSON: unexpected character, column 5", b"{bad"),
            Reject(2, "Not JSON: unexpected character, column 9", b'{"a":bad'),
            Reject(3, "Not UTF-8 at byte 7", b"\xff"),
            Reject(4, "Not UTF-8 at byte 8", b"\xff"),
            Reject(5, "Time not understood: yesterday", b"{}"),
            Reject(6, "Time not understood: 1\n2", b"{}"),
        ],
    )
    counts = {name: reason.count for name, reason in batch.reasons.items()}
    assert counts == {
        "Not JSON: unexpected character": 2,
        "Not UTF-8": 2,
        "Time not understood": 2,
    }
