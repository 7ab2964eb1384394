"""A server that answers as S3 does. What is stored in it is that of the process, on any port."""

import contextlib
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

ACCESS, SECRET = "AKIDNOTREAL0001", "not-a-real-secret-0002"


@contextlib.contextmanager
def running(port: int = 0) -> Iterator[str]:
    """Give the address of a running service, at a free *port* by default."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    host, at = server.get_host_and_port()
    try:
        yield f"http://{host}:{at}"
    finally:
        server.stop()


def reset(service: str) -> None:
    """Delete all buckets."""
    urllib.request.urlopen(urllib.request.Request(f"{service}/moto-api/reset", method="POST"))


def client(service: str) -> Any:
    """Return another client than the product's."""
    return boto3.client(
        "s3",
        endpoint_url=service,
        aws_access_key_id=ACCESS,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )
