"""A damaged database is answered with 503 and reported by `/healthz`, without a traceback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.segment_records import api_event, ndjson
from trail.core.errors import UnavailableError
from trail.core.settings import Settings
from trail.ingest.files import load_files
from trail.runtime import process, startup
from trail.storage.duckdb import Store
from trail.web import api, health

HEADERS, BLOCK = 3 * 4096, 262_144
EVERYTHING = "select * from events order by event_id"


@contextmanager
def damaged(path: Path, at: int) -> Iterator[None]:
    """Overwrite 99 bytes of the file while the block runs."""
    with path.open("r+b") as file:
        file.seek(at)
        before = file.read(99)
        file.seek(at)
        file.write(bytes(byte ^ 255 for byte in before))
    yield
    with path.open("r+b") as file:
        file.seek(at)
        file.write(before)


def test_damage_is_reported(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Every data block is damaged once; those that the events need are noticed by queries."""
    monkeypatch.setattr(process, "_current", [])
    monkeypatch.setenv("TRAIL_STORE__DEMO", "never")
    path = settings.store.path
    store = Store.open(path, settings)
    source = tmp_path / "events.ndjson"
    # Random text, which cannot be compressed away.
    events = [api_event(n, details={"note": os.urandom(900).hex()}) for n in range(1_500)]
    source.write_bytes(ndjson(events))
    list(load_files(store, settings, [source]))
    expected = store.table(EVERYTHING)
    assert store.damage() is None
    store.close()
    noticed = []
    for at in range(HEADERS + 500, path.stat().st_size, BLOCK):
        with damaged(path, at):
            try:
                store = Store.open(path, settings)
            except UnavailableError as error:
                assert "damaged" in error.message
                continue
            try:
                assert store.table(EVERYTHING) == expected
            except UnavailableError as error:
                noticed.append(at)
                assert store.damage() == error
            store.close()
    with damaged(path, noticed[-1]):
        startup.start(settings)
        try:
            client = TestClient(Starlette(routes=[*api.ROUTES, *health.ROUTES]))
            for address in ("/export.ndjson", "/export.parquet", "/healthz"):
                answer = client.get(address, params={"from": "2000-01-01"})
                assert answer.status_code == 503, address
                assert "trail.duckdb is damaged: parts of it cannot be read." in answer.text
            assert not [record for record in caplog.records if record.exc_info]
        finally:
            startup.stop()


def test_truncated_or_replaced_file_is_noticed_without_a_query(store: Store) -> None:
    store.write(lambda cursor: cursor.execute("create table numbers as from range(200_000)"))
    store.checkpoint()
    assert store.damage() is None
    size = store.path.stat().st_size
    os.truncate(store.path, size - 1)
    assert str(store.damage()).startswith("trail.duckdb is damaged")
    os.truncate(store.path, size)
    assert store.damage() is None
    aside = store.path.rename(store.path.with_suffix(".aside"))
    assert store.damage()
    store.path.write_bytes(aside.read_bytes())
    assert store.damage()
    aside.rename(store.path)
    assert store.damage() is None


def test_asking_for_damage_keeps_the_lock_of_the_database(store: Store) -> None:
    """Closing any descriptor of a file ends the locks that its process has on it (POSIX)."""
    assert store.damage() is None
    code = f"import duckdb; duckdb.connect({str(store.path)!r})"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert "Could not set lock" in done.stderr
