"""A Spark cluster of two workers on this machine, and the random trail on it.

Needs Java 17 or later, and the package `pyspark` in the environment that `TRAIL_SPARK_PYTHON`
names; `make test-cluster` installs it. Without them these tests are skipped.
"""

import datetime as dt
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import fixed_clock
from tests.trail import random_trail
from tests.trail.random_trail import NOW
from trail.core.sections import Cluster as ClusterSettings
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.storage import tiers
from trail.storage.clustered import ClusteredStore
from trail.storage.duckdb import Store

ROOT = Path(__file__).parents[2]
# Lets the JVMs start faster, and be slower then.
SHORT = {"JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
PYTHON = os.environ.get("TRAIL_SPARK_PYTHON", "")
ROWS = random_trail.random_rows(11, flagged=True)


class Cluster:
    """The processes of a cluster: `url` is where it answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._restarted: list[subprocess.Popen[bytes]] = []
        self._killed: dict[str, tuple[list[str], dict[str, str]]] = {}
        script = str(ROOT / "deploy" / "spark" / "local_cluster.py")
        self.process = subprocess.Popen(
            [PYTHON, script, str(folder)],
            env={**os.environ, **SHORT},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()
        assert self.url, "the cluster did not start"

    def kill(self, name: str) -> None:
        """Kill one of its processes, such as worker-0, with the JVM that it became."""
        pid = int((self.folder / f"{name}.pid").read_text())
        command, environment = (
            Path(f"/proc/{pid}/{part}").read_text().rstrip("\0").split("\0")
            for part in ("cmdline", "environ")
        )
        self._killed[name] = command, dict(one.split("=", 1) for one in environment)
        os.kill(pid, signal.SIGKILL)

    def start(self, name: str) -> None:
        """Start a process that was killed."""
        command, environment = self._killed.pop(name)
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=log, stderr=log
            )
        self._restarted.append(process)
        (self.folder / f"{name}.pid").write_text(str(process.pid))

    def stop(self) -> None:
        """Stop all processes."""
        for process in self._restarted:
            process.kill()
            process.wait()
        self.process.terminate()
        self.process.wait(30)
        if self.process.stdout:
            self.process.stdout.close()


def require_spark() -> None:
    """Skip the test where Spark cannot run."""
    if not shutil.which("java"):
        pytest.skip("Java is not installed")
    if not PYTHON:
        pytest.skip("TRAIL_SPARK_PYTHON names no Python with pyspark; run: make test-cluster")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return a running cluster."""
    require_spark()
    started = Cluster(tmp_path_factory.mktemp("cluster"))
    yield started
    started.stop()


def archived(folder: Path, url: str) -> tuple[Store, Store]:
    """Return a database of which the cluster at *url* reads a half, and one that has all."""
    random_trail.store_of_rows(folder, ROWS, 80).close()
    path = random_trail.settings(folder).store.path
    copy = folder / "whole.duckdb"
    shutil.copy(path, copy)
    whole = Store.open(copy, Settings(store=StoreSettings(path=copy)))
    middle: dt.datetime = sorted(row.occurred_at for row in ROWS)[len(ROWS) // 2]
    settings = Settings(
        cluster=ClusterSettings(url=url, least_events=0),
        store=StoreSettings(
            path=path,
            retention_days=(NOW.date() - middle.date()).days,
            archive=True,
            archive_path=folder / "archive",
        ),
    )
    store = Store.open(path, settings)
    done = fixed_clock.retain(store, settings, NOW)
    assert len(ROWS) / 4 < done.archived < len(ROWS)
    return store, whole


@pytest.fixture(scope="module")
def stores(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ClusteredStore, Store]]:
    """Return a database whose archive the cluster reads, and one that has all events itself."""
    store, whole = archived(tmp_path_factory.mktemp("archived"), cluster.url)
    both = tiers.both(store)
    assert isinstance(both, ClusteredStore)
    both.prepare()
    assert both.problem() is None
    yield both, whole
    store.close()
    whole.close()
