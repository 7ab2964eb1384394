"""Spotlights: targets by kind with their state, and days without data."""

from tests.conftest import Load
from tests.trail.incidents.failures import AUDIENCE, WAREHOUSE, at, change, line, run, text
from trail.incidents import queries
from trail.incidents.spotlight import DAYS, spotlights
from trail.storage.duckdb import Store
from trail.storage.filters import Filter

DAY = 60 * 24


def test_kinds_that_fail_with_their_most_urgent_targets(store: Store, load: Load) -> None:
    now = at(20 * DAY)
    load(
        text(
            change(0),
            *run(15 * DAY, 2, ("warehouse", "wh_2", "Old")),
            *(item for hour in range(8) for item in run(20 * DAY - 60 * hour - 20, 5, WAREHOUSE)),
            *(item for n in range(6) for item in run(20 * DAY - 9 + n, 1, ("source", f"s{n}", ""))),
            line(20 * DAY - 1, "Gizmo Sync Failed", ("gizmo", "g", "G")),
            *run(1 * DAY, 1, AUDIENCE),
        )
    )
    panels = spotlights(store, now, "UTC")
    assert [panel.kind.name for panel in panels] == ["warehouse", "sync", "source", "other"]
    warehouses, syncs, sources, _ = panels
    assert [target.strip.target for target in warehouses.targets] == ["wh_prod", "wh_2"]
    assert warehouses.open == 1
    assert warehouses.targets[0].strip.exhausted[-1]
    assert not warehouses.targets[1].strip.exhausted[-5]
    # The attempt is older than the days shown.
    assert (syncs.targets, syncs.open) == ([], 0)
    # A storm is one incident of many targets.
    assert len({target.incident.incident_id for target in sources.targets}) == sources.open == 1
    assert len(sources.targets) == 6
    shown = queries.summary(store, sources.filter, now)
    assert shown.open == sources.open


def test_days_without_data_are_marked(store: Store, load: Load) -> None:
    load(text(*run(10 * DAY, 5, WAREHOUSE), change(15 * DAY)))
    (panel, *_) = spotlights(store, at(18 * DAY), "UTC")
    assert len(panel.strips.no_data) == DAYS
    # Not known before the first event, and after the last one, at 02:00.
    known = [index for index, lost in enumerate(panel.strips.no_data) if not lost]
    assert known == [5, 6, 7, 8, 9]
    (target,) = panel.targets
    assert target.incident.state == "quiet"
    assert queries.summary(store, Filter(), at(18 * DAY)).open == 0
    assert (panel.open, panel.unknown) == (0, 0)


def test_incidents_at_the_end_of_data_are_unknown(store: Store, load: Load) -> None:
    load(text(*run(10 * DAY, 5, WAREHOUSE), change(10 * DAY + 60)))
    (panel, *_) = spotlights(store, at(12 * DAY), "UTC")
    assert (panel.open, panel.unknown) == (1, 1)
