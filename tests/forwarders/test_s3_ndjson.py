"""S3: objects by hour in an S3-compatible service, signed as botocore signs."""

import datetime as dt
import gzip
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer
from pyarrow import fs

from forwarders.s3_ndjson import FORWARDER, judge, request
from tests.conftest import Load
from tests.forwarders.siem_servers import SECRET, dead, stream_to, using
from tests.segment_records import forwarded, message_id, ndjson
from tests.trail.notifications.conftest import Clock, Make
from trail.core.errors import InputError
from trail.core.model import Notification, Request, Response
from trail.core.settings import Settings
from trail.notifications import delivery_log, test_message
from trail.notifications.destination import Destination
from trail.notifications.http_transport import HttpTransport
from trail.storage.duckdb import Store

AT = dt.datetime(2026, 11, 24, 11, 59)
NOW = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
ACCESS = "AKIDNOTREAL0001"
PLACE = {"bucket": "example-audit", "prefix": "trail/a b+c", "access_key": ACCESS}


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """Return the address of a running S3 service with an empty bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    urllib.request.urlopen(
        urllib.request.Request(f"http://{host}:{port}/example-audit", method="PUT")
    )
    yield f"http://{host}:{port}"
    server.stop()


def objects(service: str) -> dict[str, list[dict[str, Any]]]:
    """Return the events of all objects by key, read by the client of the loaders."""
    system = fs.S3FileSystem(
        access_key=ACCESS,
        secret_key=SECRET,
        endpoint_override=service.removeprefix("http://"),
        scheme="http",
        region="us-east-1",
    )
    found = system.get_file_info(fs.FileSelector("example-audit", recursive=True))
    result = {}
    for info in found:
        if info.type == fs.FileType.File:
            with system.open_input_stream(info.path, compression=None) as stream:
                lines = gzip.decompress(stream.read()).splitlines()
            result[info.path.removeprefix("example-audit/")] = [json.loads(line) for line in lines]
    return result


def test_events_are_objects_by_hour_also_if_answers_are_lost(
    store: Store, make: Make, clock: Clock, sending: Settings, load: Load, service: str
) -> None:
    transport = HttpTransport(loopback=True, timeout_s=5)
    attempts: list[str] = []

    def send(_: Destination, sent: Request) -> Response:
        response = transport.send(sent)
        attempts.append(sent.url)
        return response if len(attempts) % 2 else Response(0, error="No response.")

    stream_to(store, "s3_ndjson", {**PLACE, "endpoint": service}, "secret_key")
    load(ndjson(forwarded(n) for n in range(150)))  # one a minute
    outbox = make(send, using(sending))
    for _ in range(12):
        outbox.run_once(until_done=True)
        clock.move(100_000)
    assert delivery_log.counts(store) == {1: {"sent": 150}}
    assert len(attempts) > 3
    found = objects(service)
    folders = [key.rpartition("/")[0] for key in sorted(found)]
    assert folders == [f"trail/a b+c/day=2026-11-01/hour={hour:02}" for hour in (8, 9, 10)]
    ids = [line["metadata"]["uid"] for key in sorted(found) for line in found[key]]
    assert ids == [message_id(n) for n in range(150)], "a repeated attempt writes the same object"
    transport.close()


def test_events_of_a_minute_gather_in_one_object(
    store: Store, make: Make, clock: Clock, sending: Settings, load: Load
) -> None:
    sent: list[Request] = []
    stream_to(store, "s3_ndjson", PLACE, "secret_key")
    outbox = make(lambda _, one: sent.append(one) or Response(200), using(sending))
    for number in range(7):
        load(ndjson([forwarded(number)]))
        outbox.run_once(until_done=True)
        clock.move(15)
    assert [gzip.decompress(one.body).count(b"\n") for one in sent] == [1, 4]
    clock.move(30)
    outbox.run_once(until_done=True)
    assert gzip.decompress(sent[-1].body).count(b"\n") == 2


def test_missing_bucket_loses_nothing(
    store: Store, make: Make, sending: Settings, load: Load, service: str
) -> None:
    stream_to(store, "s3_ndjson", {**PLACE, "bucket": "missing", "endpoint": service}, "secret_key")
    load(ndjson(forwarded(n) for n in range(3)))
    make(using=using(sending)).run_once(until_done=True)
    rows = delivery_log.list_deliveries(store, state="waiting")
    assert len(rows) == 3
    assert rows[-1]["answer"] == "The service responded 404. NoSuchBucket"
    assert dead(store) == []


@given(
    name=st.text(max_size=20),
    prefix=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/."), max_size=20),
    region=st.sampled_from(["us-east-1", "eu-west-1"]),
    port=st.sampled_from(["", ":8443", ":443"]),
)
def test_signature_is_that_of_botocore(name: str, prefix: str, region: str, port: str) -> None:
    event = Notification("event", f"k{name}", AT, {"target_name": name})
    settings = {
        **PLACE,
        "prefix": prefix,
        "region": region,
        "endpoint": f"https://s3.example.com{port}",
    }
    made = request([event], settings, {"secret_key": SECRET}, NOW)
    headers = dict(made.headers)
    expected = AWSRequest("PUT", made.url, data=made.body, headers={})
    expected.context["timestamp"] = headers["x-amz-date"]
    expected.headers["X-Amz-Content-SHA256"] = headers["x-amz-content-sha256"]
    expected.headers["X-Amz-Date"] = headers["x-amz-date"]
    auth = S3SigV4Auth(Credentials(ACCESS, SECRET), "s3", region)
    signature = auth.signature(
        auth.string_to_sign(expected, auth.canonical_request(expected)), expected
    )
    assert headers["Authorization"].endswith(f",Signature={signature}")
    assert made == request([event], settings, {"secret_key": SECRET}, NOW)


def test_preview_shows_the_unpacked_event() -> None:
    event = Notification("event", "k1", AT, {"target_name": "Prod"})
    shown = test_message.preview(Destination(0, "s3_ndjson", "lake", PLACE), event)
    assert json.loads(shown)["entity"]["name"] == "Prod"


@pytest.mark.parametrize(
    "wrong",
    [
        {"bucket": "A/b"},
        {"bucket": "a..b"},
        {"prefix": "a//b"},
        {"prefix": "a/../b"},
        {"region": "eu/west"},
        {"endpoint": "https://s3.example.com:x"},
        {"endpoint": "https://s3.example.com?x="},
    ],
)
def test_invalid_setting_is_refused(wrong: dict[str, str]) -> None:
    event = Notification("event", "k", AT, {})
    with pytest.raises(InputError):
        FORWARDER.request(event, {**PLACE, **wrong}, {"secret_key": SECRET}, NOW)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (200, "", "ok"),
        (301, "PermanentRedirect", "retry"),
        (400, "AuthorizationHeaderMalformed", "refused"),
        (400, "RequestTimeout", "retry"),
        (403, "AccessDenied", "retry"),
        (403, "SignatureDoesNotMatch", "unauthorised"),
        (413, "", "retry"),
        (503, "SlowDown", "retry"),
    ],
)
def test_answer_is_judged_by_its_code(status: int, code: str, kind: str) -> None:
    body = f"<Error><Code>{code}</Code></Error>".encode()
    verdicts = judge(Response(status, {}, body), 2)
    assert [verdict.kind for verdict in verdicts] == [kind] * (2 if kind == "ok" else 1)
