"""One number, one source: figures of incidents agree wherever they appear, in any workspace."""

import csv
import datetime as dt
import io
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from tests.conftest import Load
from tests.trail.incidents.failures import AUDIENCE, at, change, line, run, text
from tests.trail.storage.test_event_flags import ingest
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.events import counts
from trail.incidents import csv_export, incident_text, queries
from trail.incidents.incident_json import records
from trail.incidents.listing import Listing
from trail.incidents.shown import GROUPS, Shown
from trail.ingest.files import load_files
from trail.storage import event_flags
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

DAY = 60 * 24
ACTIONS = ("Audience Run Failed", "Audience Destination Sync Failed", "Warehouse Run Failed")
# One target in both spellings, one without an id, and two that share a name.
TARGETS = (
    ("audience", "aud_1", "VIP"),
    ("audience", "spaces/s1/audiences/aud_1", "VIP"),
    ("audience", "aud_2", "VIP"),
    ("warehouse", "", "Lake"),
    ("warehouse", "", ""),
    *(("audience", f"aud_{number}", f"Audience {number}") for number in range(3, 9)),
)
runs = st.lists(
    st.tuples(
        st.sampled_from(ACTIONS),
        st.sampled_from(TARGETS),
        st.one_of(st.integers(0, 40), st.integers(0, 6 * DAY)),
        st.integers(1, 5),
    ),
    min_size=1,
    max_size=30,
)
windows = st.sampled_from(
    ["", "from=3d", "from=24h&tz=Europe/Oslo", "target=aud_1", "action=Audience+Run+Failed"]
)


@given(runs, windows, st.integers(0, 7 * DAY), st.integers(0, 3))
@profile(max_examples=10, deadline=None)
def test_figures_agree_everywhere(
    chosen: list[tuple[str, tuple[str, str, str], int, int]], query: str, end: int, ahead: int
) -> None:
    lines = [
        line(start + wait, action, target, event_id=f"e{number:03}-{wait:02}")
        for number, (action, target, start, size) in enumerate(chosen)
        for wait in (0, 1, 3, 7, 15)[:size]
    ]
    # Failures of today's clock, dated in the future: they count in no incident.
    future = dt.datetime.now(dt.UTC) + 2 * event_flags.AHEAD - at(0)
    lines += [
        line(future.total_seconds() / 60 + number, ACTIONS[0], TARGETS[0])
        for number in range(ahead)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "failures.ndjson"
        path.write_bytes(b"".join(item + b"\n" for item in (*lines, change(end))))
        settings = Settings(store=StoreSettings(path=Path(folder) / "trail.duckdb", memory="500MB"))
        store = Store.open(settings.store.path, settings)
        try:
            for _ in load_files(store, settings, [path]):
                pass
            _compare(store, Filter.parse(query), at(7 * DAY))
        finally:
            store.close()


def _compare(store: Store, filter_: Filter, now: dt.datetime) -> None:
    summary = queries.summary(store, filter_, now)
    listed = queries.incidents(store, filter_, now)
    assert summary.incidents == len(listed) == sum(summary.by_class.values())
    assert summary.open == sum(row.open for row in listed)
    assert summary.unknown == sum(row.state == "unknown" for row in listed)
    assert summary.attempts == sum(row.attempts for row in listed)
    shown = queries.incidents(store, filter_, now, fold=True)
    assert summary.incidents - summary.transient_closed == len(shown)

    parts = [Listing(store, filter_, Shown(group), now) for group in GROUPS]
    ids = [row.incident_id for part in parts for row in part.incidents()]
    assert sorted(ids) == sorted(row.incident_id for row in listed)
    assert sum(part.total.attempts for part in parts) == summary.attempts
    assert parts[2].total.incidents == summary.transient_closed
    totals = queries.target_totals(store, filter_, now)
    storms = sum(row.attempts for row in listed if row.class_ == "storm")
    assert sum(total.attempts for total in totals.values()) + storms == summary.attempts

    api = list(records(store, filter_, now))
    downloaded = b"".join(csv_export.stream(store, filter_, now)).decode()
    table = list(csv.DictReader(io.StringIO(downloaded)))
    first = next(name for name in table[0] if name.startswith("first_at")) if table else ""
    for row, record, cells in zip(listed, api, table, strict=True):
        assert queries.incident(store, row.incident_id, now) == row
        assert record["attempts"] == row.attempts == int(cells["attempts"])
        assert record["state"] == row.state == cells["state"]
        assert record["open"] is row.open
        start = row.first_at.replace(tzinfo=dt.UTC)
        assert dt.datetime.fromisoformat(record["first_at"]) == start
        assert dt.datetime.fromisoformat(cells[first]) == start
        assert len(record["event_ids"]) == row.attempts
        assert f"{row.attempts:,} failed attempt" in incident_text.headline(row, now, filter_.zone)
        _compare_link(store, filter_, row, now)


def _compare_link(store: Store, filter_: Filter, row: Any, now: dt.datetime) -> None:
    linked = Filter.parse(queries.attempts_filter(store, filter_, row, now).query())
    assert counts.count(store, linked, now) == row.attempts


def test_a_link_shows_the_attempts_of_both_spellings(store: Store, load: Load) -> None:
    spellings = [
        line(minute, ACTIONS[0], TARGETS[minute % 2], event_id=f"e{minute}") for minute in range(6)
    ]
    load(text(*spellings, change(9)))
    (row,) = queries.incidents(store, Filter(), at(10))
    assert row.attempts == 6
    _compare_link(store, Filter(), row, at(10))


def test_a_link_to_attempts_without_a_target_leaves_out_those_with_one(
    store: Store, load: Load
) -> None:
    targets = (*TARGETS[:2], *TARGETS[3:6])
    lines = [
        line(0, ACTIONS[0], target, event_id=f"e{number}") for number, target in enumerate(targets)
    ]
    load(text(*lines, change(9)))
    listed = queries.incidents(store, Filter(), at(10))
    assert "" in [row.target for row in listed]
    for row in listed:
        _compare_link(store, Filter(), row, at(10))


def test_a_link_leaves_out_unverified_attempts(store: Store, load: Load) -> None:
    load(text(*run(0, 5)))
    ingest(store, [line(2, "Audience Run Failed", AUDIENCE)], verified=False)
    (row,) = queries.incidents(store, Filter(), at(10))
    assert row.attempts == 5
    _compare_link(store, Filter(), row, at(10))
