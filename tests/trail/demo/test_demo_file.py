"""The demo file: number and order of lines, record formats, reproducibility."""

import hashlib
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from trail.core.catalogue import ROUTINE_KINDS, resolve
from trail.core.errors import InputError
from trail.demo import write
from trail.demo.actions import UNKNOWN

END = datetime(2026, 11, 24, tzinfo=UTC)
EVENTS = 5_000
API_KEYS = ["id", "timestamp", "type", "actor", "resourceId", "resourceType", "resourceName"]
FORWARDED_KEYS = (
    "channel context event integrations messageId originalTimestamp projectId properties "
    "receivedAt timestamp type userId version"
)
NEW_EVENT_KEYS = (
    "blocked message_id name planned resource_id resource_type source_id source_name source_slug "
    "target tracking_plan_connected tracking_plan_id type"
)
CHECK_KEYS = "action resource_id resource_type sso_connection_id subject_id subject_type"
COMMON = {"resource_id", "resource_type", "target"}
OWN_KEYS = {
    "integration": {"metadata_id", "source_id"},
    "source": {"source_id"},
    "warehouse": {"warehouse_id"},
}

Record = dict[str, Any]


def lines(folder: Path, *, events: int = 900, days: int = 30, seed: int = 1) -> list[bytes]:
    """Return the lines of a workspace with a fixed end."""
    out = folder / "demo.ndjson"
    write(out, events=events, days=days, seed=seed, end=END)
    return out.read_bytes().splitlines(keepends=True)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """One workspace, read as a loader would."""
    folder = tmp_path_factory.mktemp("demo")
    return [json.loads(line) for line in lines(folder, events=EVENTS, days=90)]


def forwarded(records: list[Record]) -> list[Record]:
    """Return the forwarded calls among *records*."""
    return [record for record in records if "event" in record]


def action(record: Record) -> str:
    """Return the type that the producer wrote."""
    return str(record["properties"]["type"] if "event" in record else record["type"])


def seconds(ksuid: str) -> int:
    """Return the Unix time that a KSUID carries."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number = 0
    for character in ksuid:
        number = number * 62 + alphabet.index(character)
    return (number >> 128) + 1_400_000_000


@pytest.mark.parametrize("days", [1, 7, 45])
@pytest.mark.parametrize("events", [0, 1, 2, 77, 1_234])
def test_line_count_equals_the_requested_events(tmp_path: Path, events: int, days: int) -> None:
    assert len(lines(tmp_path, events=events, days=days)) == events


def test_times_are_sorted_and_within_the_window(records: list[Record]) -> None:
    times = [datetime.fromisoformat(record["timestamp"]) for record in records]
    assert len(times) == EVENTS
    assert times == sorted(times)
    assert END - timedelta(days=90) <= times[0]
    assert times[-1] < END


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    digests = [
        hashlib.sha256(b"".join(lines(tmp_path, seed=seed))).hexdigest() for seed in (1, 1, 2)
    ]
    assert digests[0] == digests[1] != digests[2]


def test_end_is_truncated_to_midnight_utc(tmp_path: Path) -> None:
    late = END + timedelta(hours=23, minutes=5)
    write(tmp_path / "late", events=50, end=late)
    write(tmp_path / "bare", events=50, end=END.replace(tzinfo=None))
    write(tmp_path / "plain", events=50, end=END)
    assert (tmp_path / "late").read_bytes() == (tmp_path / "plain").read_bytes()
    assert (tmp_path / "bare").read_bytes() == (tmp_path / "plain").read_bytes()


def test_without_an_end_the_window_ends_today(tmp_path: Path) -> None:
    write(tmp_path / "today", events=200, days=2)
    text = (tmp_path / "today").read_text(encoding="utf-8").splitlines()
    newest = datetime.fromisoformat(json.loads(text[-1])["timestamp"])
    assert timedelta(0) <= datetime.now(UTC) - newest < timedelta(days=2)


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    seen: list[int] = []
    write(tmp_path / "demo", events=300, days=5, end=END, progress=seen.append)
    assert len(seen) == 5
    assert seen == sorted(seen)
    assert seen[-1] == 300


@pytest.mark.parametrize("wrong", [{"events": -1}, {"days": 0}, {"days": 4_000}, {"seed": -1}])
def test_out_of_range_numbers_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match="Cannot generate"):
        write(tmp_path / "demo", end=END, **wrong)  # type: ignore[arg-type]
    assert not (tmp_path / "demo").exists()


def test_ids_are_unique_ksuids_of_the_event_time(records: list[Record]) -> None:
    ids = [record.get("messageId") or record["id"] for record in records]
    assert len(set(ids)) == EVENTS
    for identity, record in zip(ids, records, strict=True):
        bare = identity.removeprefix("api-")
        assert len(bare) == 27
        assert seconds(bare) == int(datetime.fromisoformat(record["timestamp"]).timestamp())


def test_ksuid_time_of_a_real_id() -> None:
    captured = datetime(2019, 11, 24, 19, 37, 30, tzinfo=UTC)
    assert seconds("1U4mTc9ZEtxDQFd8ev0MFf2JcDz") == int(captured.timestamp())


def test_public_api_objects(records: list[Record]) -> None:
    listed = [record for record in records if "event" not in record]
    assert 0.25 < len(listed) / EVENTS < 0.35
    for record in listed:
        assert [key for key in record if key != "actorEmail"] == API_KEYS
        assert all(isinstance(value, str) for value in record.values())
        assert ("actorEmail" in record) == record["actor"].startswith("users/")


def test_forwarded_calls(records: list[Record]) -> None:
    for record in forwarded(records):
        assert list(record) == FORWARDED_KEYS.split()
        assert (record["event"], record["type"]) == ("Audit", "track")
        assert list(record["properties"]) == ["details", "type", "workspace_id"]
        assert record["receivedAt"] > record["timestamp"]
        original = datetime.fromisoformat(record["originalTimestamp"])
        assert original == datetime.fromisoformat(record["timestamp"])


def test_details_have_the_keys_of_their_resource_type(records: list[Record]) -> None:
    for record in forwarded(records):
        details = record["properties"]["details"]
        assert all(isinstance(value, str) for value in details.values())
        assert list(details) == sorted(details)
        match action(record):
            case "New Event Allowed":
                assert list(details) == NEW_EVENT_KEYS.split()
                assert record["userId"] == "__system__"
            case "Permission Check":
                assert list(details) == CHECK_KEYS.split()
                assert details["subject_id"] == record["userId"]
            case _:
                own = COMMON | OWN_KEYS.get(details["resource_type"], set())
                extra = {"description", "subject", "subject_email"}
                assert own <= set(details) <= own | extra


def test_forwarded_actors_come_in_every_form(records: list[Record]) -> None:
    details = [(r["userId"], r["properties"]["details"]) for r in forwarded(records)]
    subjects = Counter(d["subject"].split("/")[0] for _, d in details if "subject" in d)
    assert set(subjects) == {"users", "tokens"}
    assert any("subject_email" in d for _, d in details)
    # As in captured records: Segment's own userId with a user as the subject.
    assert any(u == "__system__" and "subject" in d for u, d in details)
    emails = {d["subject_email"] for _, d in details if "subject_email" in d}
    assert all(email.endswith("@example.com") and email.isascii() for email in emails)


def test_only_the_planted_actions_are_unknown(records: list[Record]) -> None:
    unknown = {action(r) for r in records if not resolve(action(r)).known}
    assert unknown == set(UNKNOWN)


def test_action_mix_is_realistic(records: list[Record]) -> None:
    actions = [resolve(action(record)) for record in records]
    routine = sum(a.kind in ROUTINE_KINDS for a in actions)
    assert 0.35 < routine / EVENTS < 0.45
    categories = Counter(a.category for a in actions if a.kind not in ROUTINE_KINDS)
    assert 0.2 < categories["Source"] / (EVENTS - routine) < 0.3
    for category in ("Integrations", "Protocols", "Engage", "Access Management", "Warehouses"):
        assert categories[category] > 0.04 * (EVENTS - routine)
    people = [r for r in records if "users/" in json.dumps(r)]
    weekend = [r for r in people if datetime.fromisoformat(r["timestamp"]).weekday() >= 5]
    assert len(weekend) < 0.1 * len(people)


def test_hostile_names_occur(records: list[Record]) -> None:
    targets = [r["properties"]["details"].get("target", "") for r in forwarded(records)]
    assert any('"' in target for target in targets)
    assert any(target != target.strip() for target in targets)
    assert any(not target.isascii() for target in targets)
