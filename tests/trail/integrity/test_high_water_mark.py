"""Data loss is detected: a truncated or missing log, a missing database, an older copy."""

import datetime as dt
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests import fixed_clock
from tests.segment_records import ndjson
from tests.trail.integrity.conftest import Trail, event
from trail.core.settings import Settings
from trail.integrity import high_water_mark, loss_monitor
from trail.runtime import startup

COMMITS = 50

# Loads one file per commit, prints when the mark is up to date, and waits to be killed.
CHILD = """
import sys, time
from pathlib import Path
from trail.core import settings
from trail.ingest.files import load_files
from trail.integrity import high_water_mark, mirror
from trail.runtime import startup

used = settings.load()
store = startup.open_real(used)
for number in range(int(sys.argv[1])):
    next(load_files(store, used, [Path(sys.argv[2]) / f"{number}.ndjson"]))
note = mirror.files(store.path, used).known
while high_water_mark.read(note).get("total") != int(sys.argv[1]):
    time.sleep(0.05)
print("done", flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a database whose process was killed after fifty commits."""
    folder = tmp_path_factory.mktemp("killed")
    for number in range(COMMITS):
        (folder / f"{number}.ndjson").write_bytes(ndjson([event(number, 1 + number % 5)]))
    script = folder / "child.py"
    script.write_text(textwrap.dedent(CHILD))
    root = Path(__file__).parents[3]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TRAIL_")},
        "TRAIL_STORE__PATH": str(folder / "trail.duckdb"),
        "PYTHONPATH": str(root),
    }
    child = subprocess.Popen(
        [sys.executable, str(script), str(COMMITS), str(folder)],
        env=environment,
        stdout=subprocess.PIPE,
        cwd=folder,
    )
    assert child.stdout
    try:
        assert child.stdout.readline() == b"done\n"
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    assert (folder / "trail.duckdb.wal").stat().st_size > 10_000
    return folder


def _copied(killed: Path, target: Path) -> Path:
    for name in ("trail.duckdb", "trail.duckdb.wal", "trail.known.json"):
        shutil.copy(killed / name, target / name)
    return target / "trail.duckdb.wal"


def _opened(settings: Settings) -> tuple[int, tuple[high_water_mark.Shortfall, ...]]:
    store = startup.open_real(settings)
    try:
        count = store.table("select count(*) as n from events")["n"][0].as_py()
    finally:
        store.close()
    return int(count), high_water_mark.shortfalls(settings.store.path.with_name("trail.known.json"))


def test_killed_process_loses_nothing(killed: Path, settings: Settings, tmp_path: Path) -> None:
    _copied(killed, tmp_path)
    assert _opened(settings) == (COMMITS, ())


@pytest.mark.parametrize("seed", range(10))
def test_a_truncated_log_is_detected(
    killed: Path, settings: Settings, tmp_path: Path, seed: int
) -> None:
    log = _copied(killed, tmp_path)
    size = log.stat().st_size
    # From the log's header on; past the last commit's rows a cut would take nothing.
    with log.open("r+b") as file:
        file.truncate(random.Random(seed).randrange(0, size - 2_000))
    count, lost = _opened(settings)
    assert count < COMMITS
    (result,) = lost
    assert (result.was, result.there) == (COMMITS, count)
    assert result.lost_from and result.lost_to and "Pull again the events from" in result.text()
    # It stays recorded until somebody resolves it.
    assert _opened(settings)[1] == lost
    assert high_water_mark.resolve(tmp_path / "trail.known.json") == 1
    assert _opened(settings)[1] == ()


def test_a_missing_log_is_detected(killed: Path, settings: Settings, tmp_path: Path) -> None:
    _copied(killed, tmp_path).unlink()
    count, (result,) = _opened(settings)
    assert (count, result.was, result.there) == (0, COMMITS, 0)


def test_a_missing_database_is_detected(killed: Path, settings: Settings, tmp_path: Path) -> None:
    _copied(killed, tmp_path).unlink()
    settings.store.path.unlink()
    assert startup.database(Settings(store=settings.store)) == (settings.store.path, False)
    assert _opened(settings)[1][0].was == COMMITS


def test_an_older_copy_is_detected_before_any_seal(trail: Trail) -> None:
    old = trail.copy("old.duckdb")
    trail.load([event(number, 8) for number in range(10)])
    shutil.copy(old, trail.path)
    assert trail.problems() == [(8, "rolled back", 10), (None, "ledger cut", 1)]
    assert "from 2026-11-08 00:00 to 2026-11-08 04:30 UTC" in trail.verify().problems[0].text


def test_rows_deleted_outside_the_product_are_detected_at_startup(trail: Trail) -> None:
    trail.sql("delete from events where occurred_at < '2026-11-01 02:00'")
    trail.open().close()
    (result,) = high_water_mark.shortfalls(trail.files.known)
    assert result.deleted and "deleted outside this product" in result.text()


def test_a_purge_is_not_a_loss(trail: Trail) -> None:
    store = trail.open()
    short = trail.settings.model_copy(
        update={"store": trail.settings.store.model_copy(update={"retention_days": 1})}
    )
    fixed_clock.retain(store, short, dt.datetime(2026, 12, 1))
    assert store.table("select count(*) as n from events")["n"][0].as_py() == 0
    assert store.table("select count(*) as n from batches")["n"][0].as_py() <= 1
    store.close()
    trail.open().close()
    assert high_water_mark.shortfalls(trail.files.known) == ()
    trail.load([event(number, 8) for number in range(10)])
    assert high_water_mark.shortfalls(trail.files.known) == ()


def test_the_mark_is_updated_soon_after_each_commit(trail: Trail) -> None:
    store = trail.open()
    try:
        before = json.loads(trail.files.known.read_text())["batch"]
        store.write(
            lambda cursor: cursor.execute("insert into batches (batch_id) values (77)") and None
        )
        for _ in range(100):
            if json.loads(trail.files.known.read_text())["batch"] != before:
                break
            time.sleep(0.05)
        assert json.loads(trail.files.known.read_text())["batch"] == 77
    finally:
        store.close()


def test_a_damaged_mark_is_recreated(trail: Trail) -> None:
    trail.files.known.write_text("{nothing")
    trail.open().close()
    assert json.loads(trail.files.known.read_text())["total"] == 160


def test_old_steps_are_merged() -> None:
    steps = [{"total": n, "at": "", "from": f"{n:03}", "to": f"{n:03}"} for n in range(101)]
    thinned = loss_monitor._thinned(steps)
    assert len(thinned) == 100
    assert thinned[0] == {"total": 1, "at": "", "from": "000", "to": "001"}
