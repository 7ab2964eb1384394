"""The systemd units start a cluster, which a server can use, and do without."""

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.spark import local_cluster
from tests.cluster.conftest import PYTHON, SHORT, archived, require_spark
from tests.test_deploy import DEFAULTS, SPARK, options
from tests.trail.random_trail import NOW
from tests.trail.storage.test_tiers import answers
from trail.events import events
from trail.storage import tiers
from trail.storage.clustered import ClusteredStore
from trail.storage.filters import Filter

# Four JVMs of its own start, after those of the other tests.
pytestmark = pytest.mark.timeout(400)
SECRET = "of-the-test-0123456789"
ORDER = ("master", "worker", "worker", "connect")


@contextlib.contextmanager
def running(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Start what the units start, on free ports, with less memory.

    Give where it answers, and the processes in their `ORDER`.
    """
    ports = {number: str(local_cluster.free_port()) for number in ("7077", "7079", "15002")}
    changes = {**ports, "7078": "0", "8080": "0", "8081": "0", "7080": "0", "4g": "1g", "2g": "1g"}

    def changed(text: str) -> str:
        return re.sub(
            r"\b(7077|7078|7079|7080|8080|8081|15002|4g|2g)\b", lambda m: changes[m[0]], text
        )

    text = f"{changed(DEFAULTS.read_text())}spark.authenticate.secret {SECRET}\n"
    (folder / "spark-defaults.conf").write_text(text)
    processes = []
    try:
        for number, name in enumerate(ORDER):
            unit, own = options(SPARK[name]), folder / f"{number}-{name}"
            own.mkdir()
            environment = {"SPARK_WORKER_CORES": "1", "SPARK_WORKER_MEMORY": "1g"}
            for line in unit["Environment"]:
                key, _, value = line.partition("=")
                environment[key] = changed(value).replace("%d", str(folder))
            command = changed(
                re.sub(r"\$\{(\w+)\}", lambda m: environment[m[1]], unit["ExecStart"][0])
            )
            installed = {
                "/opt/audit-trail-spark": str(Path(PYTHON).parents[1]),
                f"/var/lib/audit-trail-spark-{name}": str(own),
            }
            for there, here in installed.items():
                command = command.replace(there, here)
                environment = {k: v.replace(there, here) for k, v in environment.items()}
            with (own / "log").open("wb") as log:
                processes.append(
                    subprocess.Popen(
                        command.split(),
                        cwd=own,
                        env={"HOME": "/", **environment, **SHORT},  # as systemd sets it
                        stdout=log,
                        stderr=log,
                    )
                )
        assert local_cluster.wait(int(ports["15002"]), processes)
        yield f"sc://127.0.0.1:{ports['15002']}", processes
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(30)


@pytest.fixture
def units(tmp_path: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Return where the cluster of the units answers, and the process that does."""
    require_spark()
    with running(tmp_path) as (url, processes):
        for process in processes:
            given = Path(f"/proc/{process.pid}/cmdline")
            assert not given.exists() or SECRET.encode() not in given.read_bytes(), "the secret"
        yield url, processes[-1]


def test_a_server_uses_the_cluster_of_the_units_and_does_without(
    units: tuple[str, "subprocess.Popen[bytes]"], tmp_path: Path
) -> None:
    url, connect = units
    store, whole = archived(tmp_path / "trail", url)
    try:
        both = tiers.both(store)
        assert isinstance(both, ClusteredStore)
        both.prepare()
        assert events.page(both, Filter(), NOW) == events.page(whole, Filter(), NOW)
        assert (both.problem(), both.cluster_queries > 0) == (None, True)
        connect.kill()
        connect.wait(30)
        started = time.monotonic()
        store.version += 1  # so that no result is shared
        assert answers(both, Filter(), set()) == answers(whole, Filter(), set())
        assert both.problem() is not None
        assert time.monotonic() - started < 20
    finally:
        store.close()
        whole.close()
