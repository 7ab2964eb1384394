"""Parts of the archive that a database does not list are read like its own, as they are."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests import fixed_clock
from tests.conftest import Load
from tests.trail import random_trail
from tests.trail.random_trail import event
from tests.trail.retention.test_archive import LATER, files, shown
from tests.trail.retention.test_policy import (
    CUTOFF,
    DAY,
    NOW,
    assert_consistent,
    text,
    with_archive,
)
from trail.core.errors import UnavailableError
from trail.core.settings import Settings
from trail.events import counts, timeline
from trail.ingest.files import load_files
from trail.retention import adoption
from trail.storage import cold_files, cold_tier, tiers
from trail.storage.duckdb import Store
from trail.storage.filters import Filter


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return with_archive(tmp_path)


def as_earlier_release(settings: Settings) -> None:
    """Write the parts as releases did that gave them no keys."""
    for file in files(settings):
        path = settings.store.archive_path / file
        pq.write_table(
            pq.read_table(path, columns=cold_files.SCHEMA.names).cast(cold_files.SCHEMA), path
        )


def answers(store: Store, moment: dt.datetime = NOW) -> list[Any]:
    given: list[Any] = [shown(store)]
    for query in ("", "actor=users/ana", "q=target:källa", "kind=create", "q=50%25"):
        filter_ = Filter.parse(query)
        # Parts do not say how their events were collected.
        given.append(counts.facets(store, filter_, moment, leave_out={"source"}))
        given.append(timeline.histogram(store, filter_, moment))
    return given


def manifests(settings: Settings) -> list[tuple[int, str]]:
    """Return events and digest of each archived day."""
    found = sorted(settings.store.archive_path.glob("*/_manifest.json"))
    stated = [json.loads(path.read_bytes()) for path in found]
    return [(day["events"], day["digest"]) for day in stated]


@pytest.mark.parametrize("earlier", [False, True])
def test_another_database_reads_the_archive(
    store: Store, settings: Settings, load: Load, tmp_path: Path, earlier: bool
) -> None:
    load(text(*(row.raw for row in random_trail.random_rows(7, 100))))
    fixed_clock.retain(store, settings, LATER)
    expected, digests = answers(tiers.both(store)), manifests(settings)
    if earlier:
        as_earlier_release(settings)
    written = {file: (settings.store.archive_path / file).read_bytes() for file in files(settings)}
    other = Store.open(tmp_path / "other.duckdb", settings)
    assert adoption.adopt(other, settings) == 100
    assert adoption.adopt(other, settings) == 0
    assert answers(tiers.both(other)) == expected
    assert_consistent(tiers.both(other))
    assert manifests(settings) == digests
    assert {f: (settings.store.archive_path / f).read_bytes() for f in files(settings)} == written
    other.close()


def test_events_that_are_there_already_are_read_once(
    store: Store, settings: Settings, load: Load, tmp_path: Path
) -> None:
    """A copy of a day that was loaded again, and two parts with the same event."""
    rows = [event(f"e{n}", CUTOFF - (n + 1) * DAY) for n in range(4)]
    load(text(*rows))
    fixed_clock.retain(store, settings, NOW)
    first = settings.store.archive_path / files(settings)[0]
    first.with_name("part-copy.parquet").write_bytes(first.read_bytes())
    other = Store.open(tmp_path / "other.duckdb", settings)
    (tmp_path / "again.ndjson").write_bytes(text(rows[0], event("new", CUTOFF - DAY)))
    assert next(iter(load_files(other, settings, [tmp_path / "again.ndjson"]))).kept == 2
    assert adoption.adopt(other, settings) == 3
    both = tiers.both(other)
    assert_consistent(both)
    assert sorted(row["event_id"] for row in shown(both)) == ["e0", "e1", "e2", "e3", "new"]
    other.close()


def test_a_damaged_part_is_named_and_costs_no_other(
    store: Store, settings: Settings, load: Load, tmp_path: Path
) -> None:
    load(text(*(event(f"e{n}", CUTOFF - (n + 1) * DAY) for n in range(3))))
    fixed_clock.retain(store, settings, NOW)
    damaged = settings.store.archive_path / files(settings)[1]
    damaged.write_bytes(damaged.read_bytes()[:-20])
    other = Store.open(tmp_path / "other.duckdb", settings)
    with pytest.raises(UnavailableError, match=f"{damaged.parent.name}/{damaged.name} cannot"):
        adoption.adopt(other, settings)
    assert [row["event_id"] for row in shown(tiers.both(other))] == ["e2", "e0"]
    assert len(cold_tier.parts(other)) == 2
    other.close()
