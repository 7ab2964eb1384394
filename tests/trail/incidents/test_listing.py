"""The list of incidents: groups, owners, totals, flaps, and its CSV."""

import csv
import io
from typing import Any

import pytest

from tests.conftest import Load
from tests.trail.incidents.failures import AUDIENCE, WAREHOUSE, at, change, line, run, text
from trail.core.errors import InputError
from trail.incidents import csv_export, queries
from trail.incidents.columns import BY_NAME, COLUMNS, Scene
from trail.incidents.kinds import KINDS, OTHER, kind_of
from trail.incidents.listing import Listing
from trail.incidents.owners import owners
from trail.incidents.shown import EVERYTHING, GROUPS, Shown
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.triage import records

DAY = 60 * 24
NOW = at(3 * DAY)
NAMES = {"ana": "Ana Lima"}


@pytest.fixture
def filled(store: Store, load: Load) -> Store:
    """Return a store with a running outage, one that ended, and two transients of a target."""
    load(
        text(
            *(item for hour in range(6) for item in run(3 * DAY - 60 * hour - 30, 5, WAREHOUSE)),
            *(item for hour in range(4) for item in run(60 * hour, 2, ("source", "s1", "Shop"))),
            *run(0, 1),
            *run(2 * DAY, 2),
            line(-DAY, "Warehouses Created", WAREHOUSE),
            line(-30, "Audience Modified", AUDIENCE),
            change(3 * DAY - 1),
        )
    )
    return store


def listing(store: Store, query: str = "", **shown: Any) -> Listing:
    return Listing(store, Filter.parse(query), Shown(**shown), NOW)


def test_groups_divide_all_incidents(filled: Store) -> None:
    whole = listing(filled, group=EVERYTHING)
    parts = [listing(filled, group=name) for name in GROUPS]
    assert [part.total.incidents for part in parts] == [2, 1, 1]
    for part in (*parts, whole, listing(filled)):
        incidents = part.incidents()
        assert part.total.incidents == len(incidents)
        assert part.total.attempts == sum(one.attempts for one in incidents)
    assert whole.total.incidents == sum(part.total.incidents for part in parts) == 4
    assert (listing(filled).hidden, listing(filled).total.incidents) == (1, 3)


def test_a_pattern_that_is_asked_for_is_not_hidden(filled: Store) -> None:
    chosen = listing(filled, classes=("transient",))
    assert (chosen.hidden, chosen.total.incidents, len(chosen.incidents())) == (0, 2, 2)


def test_an_owner_last_changed_or_created_the_target(filled: Store) -> None:
    found = owners(filled, ["wh_prod", "aud_vip", "s1", ""])
    assert {name: (one.actor_id, one.how) for name, one in found.items()} == {
        "wh_prod": ("users/ana", "created"),
        "aud_vip": ("users/ana", "last changed"),
    }


def test_owner_narrows_list_and_counts(filled: Store) -> None:
    chosen = listing(filled, group=EVERYTHING, owner="nobody")
    assert (chosen.incidents(), chosen.summary.incidents) == ([], 0)
    chosen = listing(filled, group=EVERYTHING, owner="users/ana")
    assert {one.target for one in chosen.incidents()} == {"wh_prod", "aud_vip"}
    assert chosen.total.incidents == len(chosen.incidents()) == 3


def test_flaps_are_recoveries_within_an_incident(store: Store, load: Load) -> None:
    sizes = (5, 2, 5, 1, 1, 5)
    load(
        text(*(item for hour, size in enumerate(sizes) for item in run(60 * hour, size, WAREHOUSE)))
    )
    (row,) = queries.incidents(store, Filter(), at(60 * 6))
    assert (row.runs, row.exhausted, row.flaps) == (6, 3, 3)


def test_a_run_that_recovered_last_is_no_flap_yet(store: Store, load: Load) -> None:
    load(text(*(item for hour in range(3) for item in run(60 * hour, 2, WAREHOUSE))))
    assert queries.incidents(store, Filter(), at(60 * 3))[0].flaps == 2


def test_time_to_recover_is_that_of_ended_incidents(filled: Store) -> None:
    by_target = {one.target: one for one in queries.incidents(filled, Filter(), NOW)}
    assert by_target["wh_prod"].recover_s is None
    assert by_target["s1"].recover_s == by_target["s1"].duration_s == (3 * 60 + 1) * 60


def test_totals_of_a_target(filled: Store) -> None:
    assert listing(filled).totals["aud_vip"] == queries.Total(2, 3)


def test_csv_has_the_rows_columns_and_order_of_the_screen(filled: Store) -> None:
    incident = queries.incidents(filled, Filter(), NOW, only_open=True)[0]
    name = records.subject("incident", incident.incident_id)
    records.assign(filled, name, "ana", "ana")
    names = ["target", "attempts", "assignee", "cause"]
    shown = Shown(order="-attempts")
    twice = [*names, "cause", "target"]
    chunks = csv_export.stream_columns(filled, Filter(), NOW, shown, twice, NAMES)
    table = list(csv.reader(io.StringIO(b"".join(chunks).decode())))
    assert table[0] == [BY_NAME[name].title for name in names]
    lines = listing(filled, order="-attempts")
    on_screen = lines.lines(lines.incidents())
    scene = Scene(NOW, Filter().zone, NAMES)
    assert table[1:] == [[BY_NAME[one].text(line, scene) for one in names] for line in on_screen]
    assert "Ana Lima" in {row[2] for row in table}
    with pytest.raises(InputError, match="Unknown column"):
        csv_export.stream_columns(filled, Filter(), NOW, shown, ["secret"], NAMES)


def test_every_column_has_a_text(filled: Store) -> None:
    lines = listing(filled, group=EVERYTHING)
    scene = Scene(NOW, Filter().zone, {})
    for one in lines.lines(lines.incidents()):
        assert all(column.text(one, scene) for column in COLUMNS)


def test_parameters_round_trip() -> None:
    shown = Shown("open", ("persistent", "storm"), "users/ana", "-flaps")
    assert Shown.parse(shown.pairs()) == shown
    assert Shown.parse([]) == Shown(EVERYTHING)
    assert Shown.parse([], "") == Shown()
    with pytest.raises(InputError, match="Unknown order"):
        Shown(order="secret")


def test_every_known_failure_has_one_kind() -> None:
    actions = [action for kind in KINDS for action in kind.actions]
    assert len(actions) == len(set(actions))
    assert kind_of("Gizmo Sync Failed") is OTHER
