"""A bucket, asked over HTTP of a server that answers as S3 does."""

import datetime as dt
import http.server
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from pydantic import SecretStr

from loaders import s3
from loaders.s3 import LOADER, S3Settings
from tests import s3_service
from tests.conftest import quarantine, rows
from tests.s3_service import ACCESS, SECRET, client
from tests.segment_records import forwarded, gz, ndjson
from trail.core import s3_client
from trail.core.errors import InputError, TrailError, UnavailableError
from trail.core.model import Arrived, Batch
from trail.core.settings import Settings
from trail.ingest import files
from trail.ingest.files import load_drop
from trail.storage.duckdb import Store

DAY, NEXT_DAY = "1793491200000", "1793577600000"
LOGS = "trail/segment-logs/LAn9KpdvNZ"

Put = Callable[..., None]


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """Return the address of a running S3 service."""
    with s3_service.running() as address:
        yield address


@pytest.fixture
def bucket(
    service: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Settings:
    """Return settings for a new, empty bucket; copies of objects go below tmp_path."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / "copies").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "copies"))
    s3_service.reset(service)
    client(service).create_bucket(Bucket="example-logs")
    return placed(settings, url="s3://example-logs/trail", endpoint=service)


@pytest.fixture
def put(service: str, bucket: Settings) -> Put:
    """Return `put(key, data)`: bytes, or the numbers of the events that the object holds."""
    asked = client(service)

    def stored(key: str, data: bytes | list[int], **more: Any) -> None:
        body = data if isinstance(data, bytes) else packed(*data)
        asked.put_object(Bucket="example-logs", Key=key, Body=body, **more)

    return stored


def packed(*numbers: int) -> bytes:
    return gz(ndjson([forwarded(number) for number in numbers]))


def placed(settings: Settings, **given: Any) -> Settings:
    keys = {"access_key": SecretStr(ACCESS), "secret_key": SecretStr(SECRET)}
    section = {**keys, "region": "us-east-1", **settings.s3.model_dump(exclude_defaults=True)}
    return settings.model_copy(update={"s3": S3Settings(**{**section, **given})})


def look(store: Store, settings: Settings) -> list[Batch]:
    return list(load_drop(store, settings, LOADER))


def waiting(settings: Settings) -> list[Arrived]:
    return list(LOADER.waiting(settings, lambda *_: False))


def written_at(key: str, seconds: int) -> None:
    """Make the object *key* as old as if it had been written *seconds* after the epoch."""
    result = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_object("example-logs", key)
    result.last_modified = dt.datetime.fromtimestamp(seconds, dt.UTC).replace(tzinfo=None)


def refusal(settings: Settings) -> TrailError:
    """Return the error that looking raises; it holds no secret, however it is printed."""
    with pytest.raises(TrailError) as message:
        waiting(settings)
    text = f"{message.getrepr(style='long', chain=True)} {message.value!r} {message.value}"
    assert SECRET not in text.replace(repr(SECRET), "")
    assert message.value.__suppress_context__ or message.value.__context__ is None
    assert ACCESS not in str(message.value)
    assert SECRET not in str(message.value)
    assert "curl" not in str(message.value)
    assert "AWS Error" not in str(message.value)
    assert message.value.hint
    return message.value


def test_an_address_configures_s3(settings: Settings) -> None:
    assert not LOADER.configured(settings)
    assert LOADER.configured(placed(settings, url="s3://example-logs"))
    assert LOADER.every_s(settings) == 900


def test_objects_in_the_layout_of_segment_are_loaded_once(
    store: Store, bucket: Settings, put: Put, tmp_path: Path
) -> None:
    put(f"{LOGS}/{NEXT_DAY}/c.gz", [3])
    put(f"{LOGS}/{DAY}/a.gz", [1, 2])
    put("trail/segment-logs/dummy-object.txt", b"test")
    put(f"{LOGS}/empty.gz", b"")
    put(f"{LOGS}/", b"")
    put("trail/copied by hand/ä+%41.ndjson", ndjson([forwarded(4)]))
    put("trailing/other.gz", [5])
    batches = look(store, bucket)
    assert [(batch.source, batch.kept) for batch in batches if "hand" not in batch.source] == [
        (f"{LOGS}/{DAY}/a.gz", 2),
        (f"{LOGS}/{NEXT_DAY}/c.gz", 1),
    ]
    assert ("trail/copied by hand/ä+%41.ndjson", 1) in [(b.source, b.kept) for b in batches]
    assert {batch.error for batch in batches} == {""}
    assert list((tmp_path / "copies").iterdir()) == []
    assert look(store, bucket) == []
    assert len(rows(store)) == 4


def test_an_empty_prefix_loads_nothing(bucket: Settings) -> None:
    assert waiting(bucket) == []
    assert waiting(placed(bucket, url="s3://example-logs")) == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://example-logs", ["p/q/a", "p/b", "pq/c"]),
        ("s3://example-logs/", ["p/q/a", "p/b", "pq/c"]),
        ("s3://example-logs/p", ["p/q/a", "p/b"]),
        ("s3://example-logs/p/", ["p/q/a", "p/b"]),
        ("s3://example-logs//p/q//", ["p/q/a"]),
    ],
)
def test_only_objects_under_the_prefix_are_loaded(
    bucket: Settings, put: Put, url: str, expected: list[str]
) -> None:
    for number, key in enumerate(("p/q/a", "p/b", "pq/c")):
        put(key, b"{}")
        written_at(key, number)
    assert [arrived.key for arrived in waiting(placed(bucket, url=url))] == expected


def test_objects_are_ordered_by_day_then_time_then_key(bucket: Settings, put: Put) -> None:
    later, sooner = f"trail/{DAY}/later", f"trail/{DAY}/sooner"
    keys = [f"trail/{NEXT_DAY}/early", later, sooner, f"trail/{DAY}/again", "trail/no-day"]
    for key, at in zip(keys, (10, 500, 400, 500, int(NEXT_DAY) // 1000 + 5), strict=True):
        put(key, b"{}")
        written_at(key, at)
    assert [arrived.key for arrived in waiting(bucket)] == [
        sooner,
        f"trail/{DAY}/again",
        later,
        f"trail/{NEXT_DAY}/early",
        "trail/no-day",
    ]


def test_a_late_object_of_an_old_day_is_loaded(store: Store, bucket: Settings, put: Put) -> None:
    put(f"{LOGS}/{NEXT_DAY}/b.gz", [2])
    look(store, bucket)
    put(f"{LOGS}/{DAY}/late.gz", [1])
    assert [batch.source for batch in look(store, bucket)] == [f"{LOGS}/{DAY}/late.gz"]
    assert len(rows(store)) == 2


def test_a_changed_object_is_loaded_and_counts_duplicates(
    store: Store, bucket: Settings, put: Put
) -> None:
    put(f"{LOGS}/{DAY}/a.gz", [1, 2])
    look(store, bucket)
    put(f"{LOGS}/{DAY}/a.gz", [1, 2, 3])
    (batch,) = look(store, bucket)
    assert (batch.kept, batch.duplicates) == (1, 2)
    written_at(f"{LOGS}/{DAY}/a.gz", 1_900_000_000)  # rewritten with the same length
    (batch,) = look(store, bucket)
    assert (batch.kept, batch.duplicates) == (0, 3)
    assert look(store, bucket) == []


def test_compression_is_detected_by_content_and_not_by_name(
    store: Store, bucket: Settings, put: Put
) -> None:
    put(f"{LOGS}/{DAY}/a.gz", [1], ContentEncoding="gzip")
    put(f"{LOGS}/{DAY}/b.gz", ndjson([forwarded(2)]), ContentEncoding="gzip")
    assert [(batch.kept, batch.error) for batch in look(store, bucket)] == [(1, "")] * 2


def test_a_damaged_object_is_reported_and_not_retried_forever(
    store: Store, bucket: Settings, put: Put
) -> None:
    put(f"{LOGS}/{DAY}/cut.gz", packed(*range(40))[:-9])
    put(f"{LOGS}/{DAY}/magic.gz", b"\x1f\x8b" + b"not gzip" * 9)
    put(f"{LOGS}/{DAY}/picture.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    put(f"{LOGS}/{DAY}/lines.gz", gz(ndjson([forwarded(90), b"{"])))
    message = {batch.source.rpartition("/")[2]: batch for batch in look(store, bucket)}
    assert (message["cut.gz"].kept, "cut short" in message["cut.gz"].error) == (40, True)
    assert message["magic.gz"].error
    assert message["picture.png"].error.startswith("picture.png: not a kind of file")
    assert (message["lines.gz"].kept, message["lines.gz"].error) == (1, "")
    assert len(quarantine(store, message["lines.gz"])) == 1
    assert look(store, bucket) == []


def test_an_interrupted_load_resumes(
    store: Store, bucket: Settings, put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_FILES", 1)
    for number in range(6):
        put(f"{LOGS}/{DAY}/{number}.gz", [number])
    first = load_drop(store, bucket, LOADER)
    next(first)
    next(first)
    first.close()  # type: ignore[attr-defined]
    assert list((tmp_path / "copies").iterdir()) == []
    # Killed after an object's events were kept, and before that was noted.
    store.write(lambda cursor: cursor.execute("delete from arrivals where key like '%/1.gz'"))
    rest = look(store, bucket)
    assert [(batch.kept, batch.duplicates) for batch in rest] == [(0, 1), *[(1, 0)] * 4]
    assert len(rows(store)) == 6
    assert look(store, bucket) == []


def test_a_local_copy_is_deleted_when_finished_or_at_the_next_object(
    bucket: Settings, put: Put, tmp_path: Path
) -> None:
    for number in range(3):
        put(f"{LOGS}/{DAY}/{number}.gz", [number])
    result = LOADER.waiting(bucket, lambda *_: False)
    first = next(result)
    assert (first.path.name, first.path.read_bytes()) == ("0.gz", packed(0))
    first.finish(Batch("", ""))
    assert not first.path.exists()
    second = next(result)
    assert second.path.exists()
    third = next(result)
    assert (second.path.exists(), third.path.exists()) == (False, True)
    result.close()  # type: ignore[attr-defined]
    assert list((tmp_path / "copies").iterdir()) == []


def test_an_object_that_disappears_is_skipped(bucket: Settings, put: Put, service: str) -> None:
    for number in range(3):
        put(f"{LOGS}/{DAY}/{number}.gz", [number])
    result = LOADER.waiting(bucket, lambda *_: False)
    next(result)
    client(service).delete_object(Bucket="example-logs", Key=f"{LOGS}/{DAY}/1.gz")
    assert [arrived.path.name for arrived in result] == ["2.gz"]


def test_a_key_longer_than_a_file_name_is_loaded(
    store: Store, bucket: Settings, put: Put, tmp_path: Path
) -> None:
    key = "trail/" + "ä" * 400
    put(key, [2])
    (arrived,) = waiting(bucket)
    assert (arrived.key, arrived.path.name) == (key, "ä" * 100)
    assert [(batch.source, batch.kept) for batch in look(store, bucket)] == [(key, 1)]


@pytest.mark.parametrize("key", ["trail//a.gz", "trail/../trail/b.gz", "trail/."])
def test_an_unreadable_object_is_reported_after_the_others_are_loaded(
    store: Store, bucket: Settings, put: Put, key: str
) -> None:
    put(key, [1])
    put("trail/z.gz", [2])
    with pytest.raises(InputError) as message:
        look(store, bucket)
    assert message.value.message.startswith(f"{key}: Unsupported key: it has an empty")
    assert len(rows(store)) == 1


def test_all_pages_are_listed_and_known_objects_are_not_requested(
    bucket: Settings, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    for number in range(2_300):
        backend.put_object("example-logs", f"{LOGS}/{DAY}/{number:05}.gz", b"{}")
    monkeypatch.setattr(s3, "_copy", lambda *_: pytest.fail("was copied"))
    known: set[str] = set()
    assert list(LOADER.waiting(bucket, lambda key, _: bool(known.add(key)) or True)) == []
    assert len(known) == 2_300


# --- what cannot be read ------------------------------------------------------------------------


def test_a_wrong_bucket_is_reported(bucket: Settings) -> None:
    error = refusal(placed(bucket, url="s3://no-such-example"))
    assert isinstance(error, InputError)
    assert str(error) == "The bucket no-such-example does not exist. Check s3.url and s3.endpoint."


def test_wrong_keys_are_reported(bucket: Settings, service: str, put: Put) -> None:
    put("trail/a.gz", [1])

    def checks(after: str) -> None:
        ask = urllib.request.Request(
            f"{service}/moto-api/reset-auth", data=after.encode(), method="POST"
        )
        ask.add_header("Content-Type", "text/plain")
        urllib.request.urlopen(ask)

    checks("0")
    try:
        error = refusal(bucket)
    finally:
        checks("Infinity")
    assert isinstance(error, InputError)
    assert str(error) == "Unknown access key. Check s3.access_key."


def test_without_keys_the_role_of_the_machine_is_used(
    bucket: Settings, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("trail/a.gz", [1])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    own = placed(bucket, access_key=SecretStr(""), secret_key=SecretStr(""), region="")
    assert len(waiting(own)) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"url": "example-logs/trail"},
        {"url": "https://example-logs.s3.example.com/"},
        {"url": "s3://"},
        {"url": f"s3://{ACCESS}:{SECRET}@example-logs"},
        {"url": "s3://example-logs/a//b"},
        {"endpoint": "ftp://s3.example.com"},
        {"endpoint": "http://"},
        {"endpoint": f"http://{ACCESS}:{SECRET}@s3.example.com"},
        {"endpoint": "http://s3.example.com/example-logs"},
        {"endpoint": "http://[::1"},
        {"secret_key": SecretStr("")},
    ],
)
def test_invalid_settings_are_errors(settings: Settings, given: dict[str, Any]) -> None:
    error = refusal(placed(settings, **{"url": "s3://example-logs", **given}))
    assert isinstance(error, InputError)
    assert "s3." in error.hint


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ("https", "")),
        ("s3.example.com", ("https", "s3.example.com")),
        ("https://s3.example.com/", ("https", "s3.example.com")),
        ("http://127.0.0.1:9000", ("http", "127.0.0.1:9000")),
    ],
)
def test_endpoint_urls_are_resolved(given: str, expected: tuple[str, str]) -> None:
    assert s3_client.address_of(given, "s3") == expected


def test_an_endpoint_without_a_server_is_reported(bucket: Settings) -> None:
    error = refusal(placed(bucket, endpoint="http://127.0.0.1:1"))
    assert isinstance(error, UnavailableError)
    assert error.message == "The S3 service cannot be reached."


def test_a_silent_endpoint_times_out(bucket: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert s3_client.TRIES * max(s3_client.RESPONSE_S, s3_client.CONNECT_S) <= 12
    monkeypatch.setattr(s3_client, "RESPONSE_S", 1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.monotonic()
        error = refusal(placed(bucket, endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}"))
    assert time.monotonic() - started < 8
    assert isinstance(error, UnavailableError)
    assert error.message == "The S3 service timed out."


class _Answers(http.server.BaseHTTPRequestHandler):
    """Answers everything as `server.answer` says, or as `server.later` from the second on."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status, body = self.server.answer  # type: ignore[attr-defined]
        self.server.answer = self.server.later or self.server.answer  # type: ignore[attr-defined]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def answers() -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.later = None  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def failure(code: str) -> bytes:
    return (
        f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{ACCESS} {SECRET}</Message>"
        f"<AWSAccessKeyId>{ACCESS}</AWSAccessKeyId></Error>"
    ).encode()


@pytest.mark.parametrize(
    ("status", "body", "words", "kind"),
    [
        (403, failure("AccessDenied"), "Access to the bucket example-logs is denied", InputError),
        (403, failure("SignatureDoesNotMatch"), "The secret key does not match", InputError),
        (403, failure("SomethingNew"), "could not be read", UnavailableError),
        (403, b"", "is denied", InputError),
        (301, failure("PermanentRedirect"), "in another region", InputError),
        (400, failure("AuthorizationHeaderMalformed"), "in another region", InputError),
        (400, failure("ExpiredToken"), "credentials have expired", UnavailableError),
        (403, failure("RequestTimeTooSkewed"), "clock of this machine", UnavailableError),
        (503, failure("SlowDown"), "busy", UnavailableError),
        (500, failure("InternalError"), "could not be read", UnavailableError),
        (404, b"<html>no</html>", "No S3 service", InputError),
        (200, b"<html>hello", "No S3 service", InputError),
    ],
)
def test_error_responses_are_reported_with_a_remedy(
    bucket: Settings, answers: Any, status: int, body: bytes, words: str, kind: type[TrailError]
) -> None:
    answers.answer = (status, body)
    error = refusal(placed(bucket, endpoint=f"http://127.0.0.1:{answers.server_address[1]}"))
    assert words in error.message
    assert isinstance(error, kind)


LISTING = (
    "<?xml version='1.0'?><ListBucketResult><Name>example-logs</Name><KeyCount>2</KeyCount>"
    "<IsTruncated>false</IsTruncated>"
    + "".join(
        f"<Contents><Key>trail/{name}</Key><LastModified>2026-11-01T08:00:00.000Z</LastModified>"
        "<Size>9</Size></Contents>"
        for name in ("a", "b")
    )
    + "</ListBucketResult>"
).encode()


@pytest.mark.parametrize(
    ("later", "words", "kind"),
    [
        (
            (403, failure("AccessDenied")),
            "trail/a: Access to the bucket example-logs is denied. 1 more failed.",
            InputError,
        ),
        ((200, b"short"), "trail/a: Download truncated. 1 more failed.", InputError),
        ((404, b""), "", None),
        ((503, b""), "The S3 service is busy.", UnavailableError),
    ],
)
def test_listed_objects_that_cannot_be_downloaded_are_reported(
    bucket: Settings, answers: Any, later: tuple[int, bytes], words: str, kind: Any
) -> None:
    answers.answer, answers.later = (200, LISTING), later
    there = placed(bucket, endpoint=f"http://127.0.0.1:{answers.server_address[1]}")
    if kind is None:
        assert waiting(there) == []
        return
    error = refusal(there)
    assert isinstance(error, kind)
    assert error.message.startswith(words)


def test_a_full_disk_is_reported(
    bucket: Settings, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("trail/a.gz", [1])

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device", "/somewhere")

    monkeypatch.setattr(s3, "_copy", full)
    error = refusal(bucket)
    assert isinstance(error, UnavailableError)
    assert error.message == "A temporary file could not be written: No space left on device."
    monkeypatch.setattr("tempfile.tempdir", "/nowhere/at/all")
    assert isinstance(refusal(bucket), UnavailableError)


def test_a_process_that_used_s3_ends_promptly(bucket: Settings, put: Put) -> None:
    for number in range(3):
        put(f"trail/{number}.gz", [number])
    code = (
        "from loaders.s3 import LOADER, S3Settings\n"
        "from trail.core.settings import Settings\n"
        f"s3 = S3Settings(url={bucket.s3.url!r}, endpoint={bucket.s3.endpoint!r},"
        f" region='us-east-1', access_key={ACCESS!r}, secret_key={SECRET!r})\n"
        "found = LOADER.waiting(Settings(s3=s3), lambda *_: False)\n"
        "print(next(found).path.name)\n"  # and `found` is left open
    )
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "0.gz\n", "")
