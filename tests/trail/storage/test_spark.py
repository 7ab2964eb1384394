"""A cluster that is not there, or does not answer, costs a bounded time."""

import socket
import time
from pathlib import Path

import pytest

from tests.cluster.conftest import archived
from tests.trail.storage.test_tiers import answers
from trail.core.errors import UnavailableError
from trail.core.sections import Cluster
from trail.storage import spark, tiers
from trail.storage.clustered import ClusteredStore
from trail.storage.filters import Filter
from trail.storage.spark import SparkCluster


def test_a_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "_VIEW_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        cluster = SparkCluster(Cluster(url=f"sc://127.0.0.1:{port}"), "/archive")
        started = time.monotonic()
        for _ in range(3):  # the second and third do not wait
            with pytest.raises(UnavailableError, match="did not answer"):
                cluster.table("select 1")
        assert time.monotonic() - started < 5
        assert cluster.problem is not None
        assert not cluster.may_answer
        cluster.close()


def test_nobody_waits_for_a_cluster_that_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark, "_OPEN_S", 20.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store, whole = archived(tmp_path, f"sc://127.0.0.1:{silent.getsockname()[1]}")
        try:
            both = tiers.both(store)
            assert isinstance(both, ClusteredStore)
            tiers.prepare(store)
            silent.accept()[0].close()  # it has come so far
            expected = answers(whole, Filter(), set())
            started = time.monotonic()
            assert answers(both, Filter(), set()) == expected
            assert time.monotonic() - started < 10
            assert both.problem() is None
        finally:
            store.close()
            whole.close()


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    cluster = SparkCluster(Cluster(url=f"sc://127.0.0.1:{port}"), "/archive")
    with pytest.raises(UnavailableError, match="did not answer"):
        cluster.view({}, None)
    cluster.close()
