"""Loading of one-event files and objects: `python -m bench.drops [--files 2000] [--objects 400]`.

The files lie in a watched folder, the objects in a local S3 service (moto) in a process of its own.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import boto3  # type: ignore[import-untyped]
from pydantic import SecretStr

from loaders import folder, s3
from trail.core.model import Drop
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.ingest.files import load_drop
from trail.storage.duckdb import Store

_KEY = "not-a-real-key"


def event(number: int) -> bytes:
    """Return one event as a line of JSON."""
    record = {
        "id": f"e{number}",
        "timestamp": "2026-11-20T10:00:00.000Z",
        "type": "Source Modified",
        "actor": f"users/u{number % 9}",
        "resourceId": f"s{number % 99}",
        "resourceType": "Sources",
    }
    return json.dumps(record).encode() + b"\n"


def rate(drop: Drop, settings: Settings, count: int) -> float:
    """Load the *count* events of *drop*; return how many in a second."""
    store = Store.open(settings.store.path, settings)
    start = time.perf_counter()
    kept = sum(batch.kept for batch in load_drop(store, settings, drop))
    seconds = time.perf_counter() - start
    store.close()
    if kept != count:
        raise SystemExit(f"{kept:,} of {count:,} events were kept.")
    return count / seconds


def files(place: Path, count: int) -> float:
    """Return the rate of one-event files in a watched folder."""
    root = place / "in"
    root.mkdir()
    then = time.time() - 3600
    for number in range(count):
        path = root / f"{number}.json"
        path.write_bytes(event(number))
        os.utime(path, (then, then))
    settings = Settings(
        store=StoreSettings(path=place / "folder.duckdb"),
        folder=folder.FolderSettings(path=root),  # type: ignore[call-arg]
    )
    return rate(folder.LOADER, settings, count)


def objects(place: Path, count: int) -> float:
    """Return the rate of one-event objects in a bucket."""
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-p", str(port)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as service:
        try:
            while True:
                with socket.socket() as probe:
                    if not probe.connect_ex(("127.0.0.1", port)):
                        break
                time.sleep(0.2)
            client = boto3.client(
                "s3",
                endpoint_url=url,
                region_name="us-east-1",
                aws_access_key_id=_KEY,
                aws_secret_access_key=_KEY,
            )
            client.create_bucket(Bucket="example-logs")
            for number in range(count):
                client.put_object(
                    Bucket="example-logs", Key=f"trail/{number}.json", Body=event(number)
                )
            given = s3.S3Settings(
                url="s3://example-logs/trail",
                endpoint=url,
                access_key=SecretStr(_KEY),
                secret_key=SecretStr(_KEY),
            )
            settings = Settings(
                store=StoreSettings(path=place / "s3.duckdb"),
                s3=given,  # type: ignore[call-arg]
            )
            return rate(s3.LOADER, settings, count)
        finally:
            service.terminate()


def main() -> None:
    """Measure both and print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--objects", type=int, default=400)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        print(f"{files(Path(place), given.files):,.0f} one-event files/s")
        print(f"{objects(Path(place), given.objects):,.0f} one-event objects/s")


if __name__ == "__main__":
    main()
