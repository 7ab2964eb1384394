"""The archive in a bucket, of a server that answers as S3 does: as the folder, and when away."""

import datetime as dt
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from tests import fixed_clock, s3_service
from tests.conftest import Load
from tests.s3_service import ACCESS, SECRET
from tests.trail import random_trail
from tests.trail.random_trail import event
from tests.trail.retention.test_adoption import LATER, answers
from tests.trail.retention.test_archive import shown
from tests.trail.retention.test_policy import (
    CUTOFF,
    DAY,
    NOW,
    assert_consistent,
    text,
    with_archive,
)
from trail.core.errors import TrailError, UnavailableError
from trail.core.sections import Archive
from trail.core.settings import Settings
from trail.events.export import Export, stream
from trail.ingest.files import load_files
from trail.integrity import cold_verification, verification
from trail.retention import adoption
from trail.runtime import installation_checks
from trail.storage import archive_bucket, cold_changes, cold_tier, tiers
from trail.storage.archive_bucket import Bucket
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

PREFIX = "kept/years"


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


@pytest.fixture(scope="module")
def service(port: int) -> Iterator[str]:
    with s3_service.running(port) as address:
        yield address


@pytest.fixture
def settings(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Settings:
    """Return settings with an archive in a new bucket."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(archive_bucket, "_shared", {})
    monkeypatch.setattr(archive_bucket, "FAILED_S", 0.2)
    s3_service.reset(service)
    s3_service.client(service).create_bucket(Bucket="example-archive")
    return in_bucket(with_archive(tmp_path), service)


def in_bucket(settings: Settings, service: str, **given: str) -> Settings:
    values = {"url": f"s3://example-archive/{PREFIX}/", "endpoint": service, "region": "us-east-1"}
    keys = {"access_key": ACCESS, "secret_key": SECRET}
    archive = Archive.model_validate({**values, **keys, **given})
    return settings.model_copy(update={"archive": archive})


def objects(service: str) -> dict[str, bytes]:
    """Return the objects below the prefix."""
    asked = s3_service.client(service)
    listed = asked.list_objects_v2(Bucket="example-archive").get("Contents", [])
    return {
        item["Key"].removeprefix(f"{PREFIX}/"): asked.get_object(
            Bucket="example-archive", Key=item["Key"]
        )["Body"].read()
        for item in listed
        if not item["Key"].endswith("/")  # an empty folder, as the client has it
    }


def parts(service: str) -> list[str]:
    return [name for name in objects(service) if name.endswith(".parquet")]


def test_both_tiers_answer_as_the_database_did(
    store: Store, settings: Settings, load: Load, service: str, tmp_path: Path
) -> None:
    load(text(*(row.raw for row in random_trail.random_rows(7, 24))))
    expected = answers(store)
    assert fixed_clock.retain(store, settings, LATER).archived == 24
    both = tiers.both(store)
    assert answers(both) == expected
    assert_consistent(both)
    assert not settings.store.archive_path.exists()
    stored = objects(service)
    days = {name.partition("/")[0] for name in stored}
    assert {f"{day}/_manifest.json" for day in days} <= stored.keys()
    (tmp_path / "again").write_bytes(text(*(row.raw for row in random_trail.random_rows(7, 24))))
    again = next(iter(load_files(store, settings, [tmp_path / "again"])))
    assert (again.kept, again.duplicates) == (0, 24)
    report = cold_verification.verify(store, settings)
    assert (report.problems, report.checked_days) == ((), len(days))
    assert verification.verify(store, settings, full=True).problems == ()
    # Another database, which may have keys of its own, reads the same.
    other = Store.open(tmp_path / "other.duckdb", settings)
    assert adoption.adopt(other, settings) == 24
    assert answers(tiers.both(other)) == expected
    other.close()


def test_a_query_of_one_day_asks_for_that_day_only(
    store: Store, settings: Settings, load: Load
) -> None:
    load(text(*(event(f"e{n}", CUTOFF - (n + 1) * DAY) for n in range(6))))
    fixed_clock.retain(store, settings, NOW)
    start = CUTOFF - 3 * DAY
    both = tiers.both(store)
    with both.snapshot() as inside:
        plan = inside.table(
            "explain select event_id from events "
            f"where occurred_at >= timestamp '{start}' and occurred_at < timestamp '{start + DAY}'"
        ).to_pylist()[0]["explain_value"]
    assert "ARROW_SCAN" in plan
    assert "TIMESTAMP '2026-08-01" in plan, "the limits reach the files"
    bucket = store.archive
    assert isinstance(bucket, Bucket)
    fragments = [fragment for _, fragment in bucket._fragments.values()]
    span = archive_bucket._times(f"day={start.date()}/part-x.parquet")
    dataset = ds.FileSystemDataset(
        fragments, fragments[0].physical_schema, fragments[0].format, fragments[0].filesystem
    )
    assert len(list(dataset.get_fragments(span))) == 1


def test_expired_days_are_deleted(
    store: Store, settings: Settings, load: Load, service: str
) -> None:
    load(text(*(event(f"e{n}", CUTOFF - (n + 1) * DAY) for n in range(6))))
    fixed_clock.retain(store, settings, NOW)
    assert len(objects(service)) == 12
    shorter = settings.store.model_copy(update={"archive_days": 93})
    expired = fixed_clock.retain(store, settings.model_copy(update={"store": shorter}), NOW)
    assert expired.expired.days == 3
    assert len(objects(service)) == 6
    # Deleting the empty days would delete what another process writes there meanwhile.
    listed = s3_service.client(service).list_objects_v2(Bucket="example-archive")["Contents"]
    empty = [item["Key"] for item in listed if item["Key"].startswith(f"{PREFIX}/day=")]
    assert sum(key.endswith("/") for key in empty) == 3
    assert [row["event_id"] for row in shown(tiers.both(store))] == ["e2", "e1", "e0"]
    assert verification.verify(store, settings, full=True).problems == ()


def test_damage_is_named(store: Store, settings: Settings, load: Load, service: str) -> None:
    load(text(*(event(f"e{n}", CUTOFF - (n + 1) * DAY) for n in range(3))))
    fixed_clock.retain(store, settings, NOW)
    names = parts(service)
    whole = objects(service)[names[1]]
    put = s3_service.client(service).put_object
    put(Bucket="example-archive", Key=f"{PREFIX}/{names[1]}", Body=b"x" * len(whole))
    (problem,) = cold_verification.verify(store, settings).problems
    assert names[1] in problem.text
    both = tiers.both(store)
    with pytest.raises(UnavailableError, match=names[1].replace("+", ".")):
        shown(both)
    assert [row["event_id"] for row in shown(both)] == ["e2", "e0"]
    assert cold_tier.missing(store) == [names[1]]
    put(Bucket="example-archive", Key=f"{PREFIX}/{names[1]}", Body=whole)
    changed = json.loads(objects(service)[f"{names[0].partition('/')[0]}/_manifest.json"])
    put(
        Bucket="example-archive",
        Key=f"{PREFIX}/{names[0].partition('/')[0]}/_manifest.json",
        Body=json.dumps({**changed, "events": 7}).encode(),
    )
    (problem,) = cold_verification.verify(store, settings).problems
    assert (problem.problem, problem.day) == ("manifest", dt.date.fromisoformat(names[0][4:14]))


def test_an_upload_that_differs_removes_nothing(
    store: Store,
    settings: Settings,
    load: Load,
    service: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load(text(*(event(f"e{n}", CUTOFF - (n + 1) * DAY) for n in range(2))))
    store_whole = Bucket._store

    def cut(self: Bucket, file: str, path: Path) -> None:
        short = path.with_name("short")
        short.write_bytes(path.read_bytes()[:-9])
        store_whole(self, file, short)

    with monkeypatch.context() as patched:
        patched.setattr(Bucket, "_store", cut)
        with pytest.raises(UnavailableError, match="differs from what was written"):
            fixed_clock.retain(store, settings, NOW)
    assert objects(service) == {}
    assert len(shown(store)) == 2
    assert fixed_clock.retain(store, settings, NOW).archived == 2


def test_a_bucket_that_is_away(settings: Settings, tmp_path: Path, port: int) -> None:
    """Recent days are shown at once, and the archive is back once the service is."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    away = in_bucket(with_archive(tmp_path / "away"), f"http://127.0.0.1:{port}")
    with s3_service.running(port):
        other = Store.open(away.store.path, away)
        (tmp_path / "rows").write_bytes(
            text(*(event(f"e{n}", CUTOFF - (n - 1) * DAY) for n in range(5)))
        )
        next(iter(load_files(other, away, [tmp_path / "rows"])))
        fixed_clock.retain(other, away, NOW)
        both = tiers.both(other)
        assert len(shown(both)) == 5
    bucket = other.archive
    assert isinstance(bucket, Bucket)
    began = time.monotonic()
    with pytest.raises(UnavailableError, match="The archive cannot be reached"):
        shown(both)
    assert [row["event_id"] for row in shown(both)] == ["e1", "e0"]
    files = cold_tier.missing(other)
    said = cold_tier.missing_text(files, bucket)
    assert time.monotonic() - began < 8
    assert len(files) == 3
    assert "3 archived days (2026-08-01 to 2026-08-03)" in said
    assert "The S3 service cannot be reached. Check archive.endpoint, and the network." in said
    with pytest.raises(UnavailableError, match="The archive cannot be reached"):
        stream(both, Export(Filter.parse("")), NOW)
    (tmp_path / "late").write_bytes(text(event("late", CUTOFF - 2 * DAY)))
    next(iter(load_files(other, away, [tmp_path / "late"])))
    with pytest.raises(TrailError, match="cannot be reached"):
        fixed_clock.retain(other, away, NOW)
    assert [row["event_id"] for row in shown(other)] == ["late", "e1", "e0"]
    with pytest.raises(UnavailableError, match="cannot be reached"):
        cold_verification.verify(other, away)
    (problem,) = verification.verify(other, away).problems
    assert (problem.problem, problem.count) == ("archive unreachable", 3)
    assert "cannot be reached, so that 3 files were not verified. The S3 service" in problem.text
    (check,) = [c for c in installation_checks.archive(away) if "cannot be reached" in c.text]
    assert SECRET not in repr(check) + said
    time.sleep(archive_bucket.FAILED_S)
    with s3_service.running(port):
        assert cold_tier.missing(other) == []
        assert len(shown(both)) == 6
        assert fixed_clock.retain(other, away, NOW).archived == 1
        assert cold_changes.unstated(other) == []
    # Away again, which nobody has noticed: events that arrive are kept all the same.
    (tmp_path / "early").write_bytes(text(event("early", CUTOFF - DAY)))
    assert next(iter(load_files(other, away, [tmp_path / "early"]))).kept == 1
    assert len(shown(both)) == 3
    time.sleep(archive_bucket.FAILED_S)
    with s3_service.running(port):
        assert cold_tier.missing(other) == []
    # Gone between the listing and the files.
    (problem,) = verification.verify(other, away).problems
    assert problem.problem == "archive unreachable"
    bucket._problem, bucket._until = "", time.monotonic() + 60
    with pytest.raises(UnavailableError, match="cannot be reached"):
        cold_verification.verify(other, away)
    other.close()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": "s3://no-such-example/x"}, "The bucket no-such-example does not exist."),
        ({"access_key": ""}, "Only one of the two S3 keys is set."),
        ({"endpoint": "ftp://example.com"}, "Set archive.endpoint to https://host"),
    ],
)
def test_settings_that_cannot_work(
    settings: Settings, service: str, given: dict[str, str], words: str
) -> None:
    wrong = in_bucket(settings, given.pop("endpoint", service), **given)
    said = [check.text for check in installation_checks.archive(wrong)]
    assert any(words in line for line in said)
    assert not any(SECRET in line or ACCESS in line for line in said)
