"""Jobs that collect: what they record when a source has never delivered, and when a check fails."""

import threading
from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import SecretStr

from loaders.folder import FolderSettings
from tests.segment_records import api_event, ndjson
from trail.core.clock import utc_now
from trail.core.errors import SettingError
from trail.core.settings import Settings
from trail.events import coverage
from trail.ingest import nodes, parts, source_health
from trail.runtime import collection
from trail.runtime.job import Job, JobContext
from trail.storage.duckdb import Store
from trail.web import product_metrics


def job(name: str, store: Store, settings: Settings) -> Job:
    context = JobContext(settings, lambda: store, lambda: store, threading.Event())
    return next(job for job in collection.jobs(context) if job.health.name == name)


def test_listening_covers_time_only_for_a_receiver_that_has_delivered(
    store: Store, settings: Settings
) -> None:
    secrets = {"webhook_secrets": (SecretStr("a"),), "write_keys": (SecretStr("b"),)}
    push = settings.push.model_copy(update=secrets)
    now = utc_now()
    for source in ("webhook", "segment_api"):  # as earlier versions recorded each receiver
        store.write(lambda c, source=source: coverage.note(c, source, "watched", now, now))  # type: ignore[misc]
    listening = job("listen", store, settings.model_copy(update={"push": push}))
    assert listening.run(listening) == "0 of 2 have received events"
    watched = store.table("select distinct source from watches")
    assert watched["source"].to_pylist() == ["segment_api"]
    store.write(
        lambda cursor: (
            cursor.execute(
                "insert into batches (batch_id, loader, read, started_at) "
                "values (1, 'webhook', 5, now()::timestamp)"
            )
            and None
        )
    )
    assert listening.run(listening) == "1 of 2 have received events"
    watched = store.table("select distinct source from watches order by source")
    assert watched["source"].to_pylist() == ["segment_api", "webhook"]


def test_a_folder_that_is_a_file_fails_until_it_is_one(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    inbox = tmp_path / "inbox"
    inbox.write_text("not a folder")
    folder = FolderSettings(path=inbox, quiet_seconds=0)
    watching = settings.model_copy(update={"folder": folder})
    checking = job("folder", store, watching)
    with pytest.raises(SettingError):
        checking.run(checking)
    (failing,) = source_health.sources(store, watching, utc_now())
    assert (failing.state, failing.last_success) == ("failing", None)
    assert "folder.path" in failing.message
    inbox.unlink()
    inbox.mkdir()
    (inbox / "events.ndjson").write_bytes(ndjson([api_event(1)]))
    checking.run(checking)
    (well,) = source_health.sources(store, watching, utc_now())
    assert (well.state, well.message) == ("ok", "")


def test_parts_of_ingest_processes_are_stored_once_there_are_any(
    store: Store, settings: Settings
) -> None:
    context = JobContext(settings, lambda: store, lambda: store, threading.Event())
    taking = collection.take_parts(context)
    assert taking.run(taking) == "No ingest process"
    folder = settings.store.incoming / "a"
    folder.mkdir(parents=True)
    record = {"receiver": "webhook", "verified": True, "named": False, "refusal": ""}
    rows = pa.Table.from_pylist([{**record, "raw": ndjson([api_event()])}], parts.SCHEMA)
    assert parts.write(folder, parts.About("a", "process", 1, 1), iter([(rows, 1, 0)]))
    measured = {
        sample.name.removeprefix("audit_trail_ingest_"): sample.value
        for family in product_metrics.ingest_nodes(nodes.nodes(store, settings))
        for sample in family.samples
    }
    assert measured["waiting_parts"] == 1
    assert measured["waiting_bytes"] > 0
    assert taking.run(taking) == "1 part stored"
    assert store.table("select count(*) as n from events")["n"].to_pylist() == [1]
