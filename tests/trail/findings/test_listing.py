"""The list of findings: its order, and a CSV that equals the screen."""

import csv
import datetime as dt
import io
from zoneinfo import ZoneInfo

import pytest

from tests import detection
from trail.core.errors import InputError
from trail.core.settings import Settings
from trail.findings import csv_export, reviews
from trail.findings.columns import BY_NAME, COLUMNS, KEYS, Scene
from trail.findings.detector import daily, events, workdays
from trail.findings.listing import Listing, Shown
from trail.findings.refresh import refresh
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from trail.triage import records

NOW = detection.end_of_day(39)
NAMES = {"ana": "Ana Lima"}


@pytest.fixture(scope="module")
def filled(module_store: Store, module_settings: Settings) -> Store:
    """Return a scored store with three findings, one of them decided and one assigned."""
    detection.load(
        module_store,
        module_settings,
        (
            *daily(workdays(0, 40), "users/ana", "Source Modified", target="source-1"),
            *daily(workdays(0, 40), "users/ben", "Warehouses Modified", target="warehouse-1"),
            *events(36, "11:00", "users/ben", "Warehouses Disabled", "warehouse-1"),
            *events(37, "23:30", "users/ana", "Warehouses Disabled", "warehouse-1"),
            *events(38, "10:00", "users/ben", "Audience CSV Downloaded", "a", times=14),
        ),
    )
    refresh(module_store, NOW)
    findings = listing(module_store).queue.findings
    reviews.decide(module_store, findings[:1], reviews.DONE, "", "ana", frozenset())
    records.assign(module_store, records.subject("finding", findings[1].finding_id), "ana", "ana")
    return module_store


def listing(store: Store, zone: str = "UTC", **shown: object) -> Listing:
    filter_ = Filter(tz=zone)
    return Listing(store, filter_, Shown(True, **shown), NOW)  # type: ignore[arg-type]


def table(chunks: object) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(chunks).decode())))  # type: ignore[call-overload]


@pytest.mark.parametrize("order", ["", "-score", "title", "assignee", "-day"])
@pytest.mark.parametrize("names", [[*BY_NAME], ["title", "age", "assignee", "day"]])
def test_csv_has_the_rows_columns_and_order_of_the_screen(
    filled: Store, order: str, names: list[str]
) -> None:
    zone = ZoneInfo("Pacific/Kiritimati")
    listed = listing(filled, zone.key, order=order)
    scene = Scene(NOW, zone, NAMES)
    rows = table(csv_export.stream_columns(listed, names, NAMES))
    titles = {"day": f"Day ({zone.key})"}
    assert rows[0] == [titles.get(name, BY_NAME[name].title) for name in names]
    assert rows[1:] == [
        [BY_NAME[name].text(line, scene) for name in names] for line in listed.lines
    ]
    assert "Ana Lima" in {row[names.index("assignee")] for row in rows}
    every = table(csv_export.stream(filled, listed))
    ids = [line.finding.finding_id for line in listed.lines]
    assert [row[every[0].index("finding_id")] for row in every[1:]] == ids
    assert len(ids) == len(set(ids)) >= 3


def test_open_findings_come_first_and_each_column_sorts_both_ways(filled: Store) -> None:
    default = listing(filled).lines
    assert [line.finding.state for line in default][-1] == reviews.DONE
    assert [line.finding for line in default if line.finding.state == reviews.OPEN] == [
        finding for finding in listing(filled).queue.findings if finding.state == reviews.OPEN
    ]
    assert KEYS.keys() == BY_NAME.keys() == {column.name for column in COLUMNS}
    for name, key_of in KEYS.items():
        up, down = (
            [key_of(line) for line in listing(filled, order=order).lines if key_of(line) != ""]
            for order in (name, f"-{name}")
        )
        assert up == sorted(up)
        assert down == sorted(down, reverse=True)
    assert listing(filled, order="-assignee").lines[0].triage.assignee == "ana"
    assert listing(filled, order="assignee").lines[0].triage.assignee == "ana"


def test_the_day_is_that_of_the_viewer_as_in_the_title(filled: Store) -> None:
    [line] = [
        line for line in listing(filled).lines if line.finding.began_at.time() == dt.time(23, 30)
    ]
    utc, island = (
        BY_NAME["day"].text(line, Scene(NOW, ZoneInfo(zone), {}))
        for zone in ("UTC", "Pacific/Kiritimati")
    )
    day = line.finding.day
    assert f"{day:%a} {day.day}" in utc
    day += dt.timedelta(days=1)
    assert f"{day:%a} {day.day}" in island


def test_one_finding_is_found_outside_the_list(filled: Store) -> None:
    finding = listing(filled).queue.findings[0]
    later = Filter.parse(f"from={finding.day + dt.timedelta(days=1)}&actor={finding.actor_id}")
    elsewhere = Listing(filled, later, Shown(), NOW)
    line = elsewhere.line(finding.finding_id)
    assert line is not None
    assert line not in elsewhere.lines
    assert line.finding.state == reviews.DONE
    assert elsewhere.line("f-none") is None


def test_unknown_columns_and_orders_are_refused(filled: Store) -> None:
    with pytest.raises(InputError, match="Unknown column"):
        csv_export.stream_columns(listing(filled), ["secret"], NAMES)
    with pytest.raises(InputError, match="Unknown order"):
        Shown(order="-secret")
    assert Shown.parse([("all", "1"), ("order", "-day"), ("from", "7d")]).pairs() == [
        ("all", "1"),
        ("order", "-day"),
    ]
