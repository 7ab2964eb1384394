"""Each story of the demo workspace that is about a change is in the queue, for the right reason."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import detection
from trail import demo
from trail.findings import queries
from trail.findings.model import Finding
from trail.findings.refresh import refresh
from trail.ingest.files import load_files
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

END = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
NOW = END - dt.timedelta(seconds=1)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[str, Finding]]]:
    """Return the findings of the last nine days that the budget lets through, with names."""
    folder: Path = tmp_path_factory.mktemp("demo")
    demo.write(folder / "demo.ndjson", 20_000, 90, 1, end=END)
    store, settings = detection.open_store(folder)
    for batch in load_files(store, settings, [folder / "demo.ndjson"]):
        assert not batch.error
    refresh(store, NOW)
    result = queries.queue(store, Filter.parse("from=9d"), NOW).findings
    yield [(_name(store, item.actor_id), item) for item in result]
    store.close()


def _name(store: Store, actor_id: str) -> str:
    row = store.table(
        "select actor_email, actor_id from actors where actor_id = $id", {"id": actor_id}
    ).to_pylist()[0]
    return f"{row['actor_email']} {row['actor_id']}"


@pytest.mark.parametrize(
    ("story", "who", "detector"),
    [
        ("dormant-return", "ingrid", "dormant"),
        ("token-strays", "nightly_export", "unfamiliar"),
        ("filter-then-egress", "marcus", "chain"),
        ("leaving-downloads", "tomasz", "burst"),
        ("removed-acts", "priya", "rule:removed-user-acts"),
        ("weekend-disconnect", "luca", "hours"),
    ],
)
def test_a_story_is_found(
    shown: list[tuple[str, Finding]], story: str, who: str, detector: str
) -> None:
    assert story in {story.name for story in demo.STORIES}
    reasons = {reason.detector for name, item in shown if who in name for reason in item.reasons}
    assert detector in reasons, shown
