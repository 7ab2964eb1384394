"""A bad record costs only itself in every entry of a real server."""

import hashlib
import hmac
import itertools
import json
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import boto3
import httpx2
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from tests.segment_records import forwarded
from tests.server.conftest import Running

pytestmark = pytest.mark.server

SECRET, KEY, BUCKET = "whsec-of-the-tests", "write-key-of-the-tests", "example-bad-records"
BAD = (
    b"null",
    b"17",
    b'"text"',
    b"{}",
    b'{"a": NaN}',
    b'{"a": tru}',
    b'{"a": 1,}',
    b'{"a": 01}',
    b'{"type": "track", "event": "Order Completed", "properties": {"total": 3}}',
    b'{"type": "page", "name": "Home", "properties": {"type": "Source Created"}}',
    b'{"name": "\xff\xfe"}',
    rb'{"name": "\ud83d"}',
)
_numbers = itertools.count(1)


def good() -> bytes:
    """Return a record that no other call returns."""
    return json.dumps(forwarded(next(_numbers))).encode()


def written(batch: Sequence[bytes | None]) -> list[bytes]:
    """Return *batch* with a good record for each None."""
    return [good() if item is None else item for item in batch]


def drawn(seed: int, count: int = 40) -> list[bytes | None]:
    """Return a batch with bad records at random positions."""
    dice = random.Random(seed)
    return [dice.choice(BAD) if dice.random() < 0.3 else None for _ in range(count)]


def _array(records: list[bytes]) -> bytes:
    return b"[" + b", ".join(records) + b"]"


ENVELOPES: dict[str, Callable[[list[bytes]], bytes]] = {
    "array": _array,
    "page": lambda records: b'{"data": {"events": ' + _array(records) + b', "pagination": {}}}',
    "batch": lambda records: b'{"batch": ' + _array(records) + b"}",
    "lines": b"\n".join,
}


def test_a_bad_record_costs_only_itself_in_every_entry(
    start_server: Callable[..., Running], tmp_path: Path
) -> None:
    service = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    service.start()
    try:
        host, port = service.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        bucket: Any = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id="access",
            aws_secret_access_key="secret",
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
        )
        bucket.create_bucket(Bucket=BUCKET)
        batches = [drawn(seed) for seed in range(8)]
        bodies = [written(batch) for batch in batches]
        bucket.put_object(Bucket=BUCKET, Key="a.json", Body=ENVELOPES["page"](bodies[0]))
        bucket.put_object(Bucket=BUCKET, Key="b.json", Body=ENVELOPES["lines"](bodies[1]))
        inbox = tmp_path / "inbox"
        inbox.mkdir()
        (inbox / "c.json").write_bytes(ENVELOPES["batch"](bodies[2]))
        (inbox / "d.json").write_bytes(ENVELOPES["array"](bodies[3]))
        server = start_server(
            TRAIL_PUSH__WEBHOOK_SECRETS=json.dumps([SECRET]),
            TRAIL_PUSH__WRITE_KEYS=json.dumps([KEY]),
            TRAIL_FOLDER__PATH=str(inbox),
            TRAIL_FOLDER__QUIET_SECONDS="0",
            TRAIL_FOLDER__EVERY_SECONDS="0.2",
            TRAIL_S3__URL=f"s3://{BUCKET}/",
            TRAIL_S3__ENDPOINT=endpoint,
            TRAIL_S3__ACCESS_KEY="access",
            TRAIL_S3__SECRET_KEY="secret",
            TRAIL_S3__REGION="us-east-1",
            AWS_EC2_METADATA_DISABLED="true",
        )
        for records in bodies[4:6]:
            body = ENVELOPES["array"](records)
            signature = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
            headers = {"X-Signature": signature}
            address = f"{server.url}/webhooks/segment"
            assert httpx2.post(address, content=body, headers=headers).status_code == 200
        for path, records in (("/v1/batch", bodies[6]), ("/v1/import", bodies[7])):
            body = ENVELOPES["batch"](records)
            answer = httpx2.post(f"{server.url}{path}", content=body, auth=(KEY, ""))
            assert answer.status_code == 200
        kept = sum(record is None for batch in batches for record in batch)
        total = sum(map(len, batches))
        deadline = time.monotonic() + 60
        counts = (0, 0)
        while counts != (kept, total - kept) and time.monotonic() < deadline:
            status = json.loads(server.command("status", "--json"))
            counts = status["events"], status["quarantined"]
            time.sleep(0.2)
        assert counts == (kept, total - kept)
    finally:
        service.stop()
