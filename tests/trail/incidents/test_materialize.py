"""Incidents in a real database: typical cases, and independence of arrival order."""

import datetime as dt
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from tests import fixed_clock
from tests.conftest import Load
from tests.trail.incidents.failures import AUDIENCE, START, WAREHOUSE, at, change, line, run, text
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.incidents import incident_text, materialize
from trail.incidents.incident import Incident
from trail.incidents.queries import incidents
from trail.ingest.files import load_files
from trail.storage import cursors, dimensions
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

LATER = at(60 * 24 * 10)


def open_and_closed(store: Store, now: dt.datetime = LATER, query: str = "") -> list[Incident]:
    return incidents(store, Filter.parse(query), now)


def tables(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Return the stored incidents without the numbers that depend on load order."""
    materialize.catch_up(store)
    return {
        "incidents": store.table(
            "select * exclude (action_key, target_key) from incidents order by incident_id"
        ).to_pylist(),
        "attempts": store.table(
            "select event_id, occurred_at, incident_id, onset from attempts order by event_id"
        ).to_pylist(),
        "storms": store.table("select * from storms order by all").to_pylist(),
    }


def audience(number: int) -> tuple[str, str, str]:
    return ("audience", f"aud_{number}", f"Audience {number}")


def test_five_attempts_then_silence(store: Store, load: Load) -> None:
    load(text(*run(0, 5), change(60 * 24 * 10)))
    one = open_and_closed(store)
    assert [(item.class_, item.open, item.attempts) for item in one] == [
        ("retries exhausted", False, 5)
    ]
    zone = Filter().zone
    assert (
        incident_text.current_state(one[0], at(24 * 60), zone) == "no failure since Tue 6 Oct 02:15"
    )
    assert (
        incident_text.headline(one[0], at(60), zone)
        == "Audience VIP: 5 failed attempts, Tue 6 Oct 02:00–02:15"
    )
    assert open_and_closed(store, at(60))[0].open


def test_hourly_failures_for_a_day_are_one_incident(store: Store, load: Load) -> None:
    hours = (item for hour in range(24) for item in run(60 * hour, 1, WAREHOUSE))
    load(text(*hours, change(60 * 26)))
    one = open_and_closed(store, at(60 * 23 + 30))
    assert len(one) == 1
    assert (one[0].attempts, one[0].open, one[0].cadence_s) == (24, True, 3600)
    assert not open_and_closed(store, at(60 * 26))[0].open


def test_two_targets_failing_at_once_are_two_incidents(store: Store, load: Load) -> None:
    load(text(*run(0, 3, audience(1)), *run(1, 3, audience(2))))
    assert [item.class_ for item in open_and_closed(store)] == ["transient", "transient"]


def test_forty_targets_failing_at_once_are_one_storm(store: Store, load: Load) -> None:
    # One of them also failed the night before; another one keeps failing for two days.
    load(
        text(
            *run(-600, 1, audience(3)),
            *(item for n in range(40) for item in run(0.2 * n, 2, audience(n))),
            *(item for hour in range(1, 48) for item in run(60 * hour, 5, audience(7))),
        )
    )
    by_class = {item.class_: item for item in open_and_closed(store)}
    assert len(open_and_closed(store)) == 3
    assert by_class["storm"].targets == 39
    assert by_class["persistent"].target_id == "aud_7"
    assert by_class["persistent"].first_at == at(1.4).replace(tzinfo=None)
    assert by_class["transient"].target_id == "aud_3"


def test_a_storm_appears_with_further_events(store: Store, load: Load) -> None:
    lines = [item for n in range(6) for item in run(n, 1, audience(n))]
    load(text(*lines[:4]))
    assert [item.class_ for item in open_and_closed(store)] == ["transient"] * 4
    load(text(*lines))
    assert [item.class_ for item in open_and_closed(store)] == ["storm"]


def test_actions_and_spellings(store: Store, load: Load) -> None:
    kinds = [
        ("Storage Destination Sync Partially Succeeded", ("storage_destination", "s1", "Lake")),
        ("Reverse ETL Sync Partial Success", ("model", "m1", "Orders")),
        ("Gizmo Sync Failed", ("gizmo", "g1", "Gizmo")),
        ("Computed Trait Run Failed", ("computed_trait", "t1", "Spend")),
        ("Computed Traits Run Failed", ("computed_trait", "spaces/x/traits/t1", "Spend")),
        ("Source Modified", ("source", "src", "Shop")),
    ]
    load(text(*(line(number, name, target) for number, (name, target) in enumerate(kinds))))
    assert sorted((item.action, item.attempts) for item in open_and_closed(store)) == [
        ("Computed Trait Run Failed", 2),
        ("Gizmo Sync Failed", 1),
        ("Reverse ETL Sync Partial Success", 1),
        ("Storage Destination Sync Partially Succeeded", 1),
    ]


def test_a_repeated_load_changes_nothing(store: Store, load: Load) -> None:
    lines = text(*run(0, 5), *run(500, 2, WAREHOUSE))
    load(lines)
    before = tables(store)
    load(lines, "again.ndjson")
    assert store.table("select * from touched").num_rows == 0
    assert tables(store) == before


def test_only_stale_series_are_recomputed(store: Store, load: Load) -> None:
    load(text(*run(0, 2), *run(0, 3, WAREHOUSE)))
    materialize.catch_up(store)
    load(text(*run(60, 2)), "more.ndjson")
    assert store.write(materialize.refresh) == 1
    assert store.write(materialize.refresh) == 0


def test_a_changed_catalogue_recomputes_incidents(store: Store, load: Load) -> None:
    load(text(*run(0, 2)))
    materialize.catch_up(store)
    store.write(lambda cursor: cursors.put(cursor, "catalogue", "older"))
    store.write(dimensions.refresh_if_changed)
    assert len(open_and_closed(store)) == 1
    assert cursors.get(store, "incidents").endswith(cursors.get(store, "catalogue"))


def test_retention_removes_old_incidents(store: Store, load: Load, settings: Settings) -> None:
    load(text(*run(0, 5), *run(60 * 24 * 45, 3), *run(60 * 24 * 2, 1, WAREHOUSE)))
    assert len(open_and_closed(store)) == 3
    now = START + dt.timedelta(days=settings.store.retention_days + 1)
    fixed_clock.retain(store, settings, now)
    left = open_and_closed(store, now)
    assert [(item.target_id, item.attempts) for item in left] == [("wh_prod", 1), ("aud_vip", 3)][
        ::-1
    ]
    kept = tables(store)
    store.write(lambda cursor: cursors.put(cursor, "incidents", ""))
    assert tables(store) == kept


ACTIONS = (
    "Audience Run Failed",
    "Audience Destination Sync Failed",
    "Storage Destination Sync Skipped",
)

attempts = st.lists(
    st.tuples(
        st.sampled_from(ACTIONS),
        st.integers(0, 9),
        st.one_of(
            st.integers(0, 40),  # at once: storms
            st.integers(0, 60 * 24 * 20),
            st.integers(0, 24 * 6).map(lambda hour: 60 * hour),
        ),
        st.integers(1, 5),
    ),
    min_size=1,
    max_size=25,
)


@given(attempts, st.integers(1, 5), st.randoms(use_true_random=False), st.booleans())
@profile(max_examples=8)
def test_any_split_and_order_gives_the_same(
    runs: list[tuple[str, int, int, int]], parts: int, dice: random.Random, each_time: bool
) -> None:
    lines = [
        line(start + wait, action, audience(target), event_id=f"e{number:03}-{wait:02}")
        for number, (action, target, start, size) in enumerate(runs)
        for wait in (0, 1, 3, 7, 15)[:size]
    ]
    shuffled = lines[:]
    dice.shuffle(shuffled)
    share = -(-len(lines) // parts)
    loads = [shuffled[start : start + share] for start in range(0, len(lines), share)]
    with tempfile.TemporaryDirectory() as folder:
        assert built(Path(folder) / "whole", [lines], False) == built(
            Path(folder) / "split", loads, each_time
        )


def built(folder: Path, loads: list[list[bytes]], each_time: bool) -> dict[str, Any]:
    """Return the incidents of *loads* in a new database; *each_time* updates after each load."""
    folder.mkdir()
    settings = Settings(store=StoreSettings(path=folder / "trail.duckdb", memory="500MB"))
    store = Store.open(settings.store.path, settings)
    try:
        for number, lines in enumerate(loads):
            path = folder / f"{number}.ndjson"
            path.write_bytes(text(*lines))
            for _ in load_files(store, settings, [path]):
                pass
            if each_time:
                materialize.catch_up(store)
        return tables(store)
    finally:
        store.close()


@pytest.mark.parametrize("timeout_s", [0.0, 5.0])
def test_a_reader_waits_only_for_the_timeout(store: Store, load: Load, timeout_s: float) -> None:
    load(text(*run(0, 2)))
    materialize.catch_up(store, timeout_s)
    store.write(lambda _: None)
    assert len(incidents(store, Filter(), LATER)) == 1
    assert AUDIENCE[1] == incidents(store, Filter(), LATER)[0].target
