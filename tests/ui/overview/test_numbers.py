"""Each number of the Overview is that of the page to which it leads."""

import datetime as dt
import itertools
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from tests import fixed_clock
from tests.trail import random_trail
from trail.accounts.users import User
from trail.events import counts, overview, periods, timeline
from trail.findings import queries as findings
from trail.findings import reviews
from trail.incidents import queries as incidents
from trail.runtime.process import Runtime
from trail.storage import tiers
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from ui.overview.view import View
from ui.page import Context

NOW = random_trail.NOW
# A week, hours of two days around the end of daylight saving time, part of a day, and months.
WINDOWS = (
    "from=7d&tz=Europe/Oslo",
    "from=24h&compare=day&tz=Asia/Kolkata",
    "from=2026-10-24T10:30&to=2026-10-26T09:15&tz=Europe/Oslo&events=all",
    "from=2026-08-01&to=2026-11-01&tz=America/New_York&events=all",
    "from=2020-01-01&to=2020-02-01&tz=UTC",
)


def _parts(role: str) -> None:
    """Draw the parts of the page that have numbers; a script of its own."""
    from trail.accounts.users import User
    from trail.runtime import process
    from ui.overview import activity, destructive, most_active, tiles, view
    from ui.page import Context

    shown = view.current(Context(User("maya", "Maya Lind", "", role), process.current()))
    for part in (tiles, activity, destructive):
        part.draw(shown)
    most_active.people(shown)
    most_active.tokens(shown)


def drawn(query: str, role: str) -> tuple[AppTest, dict[str, Any]]:
    """Return the page at *query* and the data of its components by name."""
    app = AppTest.from_function(_parts, args=(role,))
    for name, value in parse_qsl(query):
        app.query_params[name] = value
    app.run(timeout=30)
    assert not app.exception
    nodes = [node.proto for node in app.main if node.type == "bidi_component"]
    result = {}
    for proto in nodes:
        data = json.loads(proto.json)
        result[data.get("title") or data.get("kind") or proto.component_name] = data
    return app, result


def led_to(address: str) -> Filter:
    query = urlsplit(address).query
    return Filter.parse(query.replace("group=open", ""))


def number_at(store: Store, tile: dict[str, Any]) -> int:
    """Return the number that the page has to which *tile* leads."""
    filter_ = led_to(tile["address"])
    match tile["name"]:
        case "Active people":
            return overview.active_actors(store, filter_, NOW, "user")
        case "Active tokens":
            return overview.active_actors(store, filter_, NOW, "token")
        case "Open incidents":
            return incidents.summary(store, filter_, NOW).open
        case "Findings to review":
            queue = findings.queue(store, filter_, NOW).findings
            return sum(finding.state == reviews.OPEN for finding in queue)
    return counts.count(store, filter_, NOW)


@pytest.fixture
def filled(runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return the store of the runtime with random events, at the moment `NOW`."""
    store = runtime.store
    rows = random_trail.random_rows(11, 400)
    random_trail.add(store, tmp_path, [row.raw for row in rows])
    monkeypatch.setattr(Store, "now", lambda _: NOW)
    return store


def test_every_number_is_that_of_the_page_it_leads_to(filled: Store) -> None:
    for query in WINDOWS:
        for role in ("owner", "manager"):
            _, parts = drawn(query, role)
            for tile in parts["trail_tiles"]["tiles"]:
                assert tile["value"] == f"{number_at(filled, tile):,}", (query, tile)
            listed = ("categories", "Most active people", "Most active tokens")
            for row in (row for name in listed for row in parts[name]["rows"]):
                assert row["count"] == counts.count(filled, led_to(row["address"]), NOW), query
            destroyed = parts["Destructive changes"]
            assert " ," not in destroyed["note"]
            assert destroyed["number"] == counts.count(filled, led_to(destroyed["address"]), NOW)
            chart = parts["trail_time_chart"]
            total = sum(sum(series["counts"]) for series in chart["series"])
            assert total == sum(row["count"] for row in parts["categories"]["rows"])
            assert f"{total:,}" == parts["trail_tiles"]["tiles"][0]["value"]


def test_archived_days_count_as_in_explore(filled: Store, runtime: Runtime) -> None:
    query = WINDOWS[3]
    _, before = drawn(query, "manager")
    limited = {"archive": True, "retention_days": 30}
    kept = runtime.settings.store.model_copy(update=limited)
    settings = runtime.settings.model_copy(update={"store": kept})
    assert fixed_clock.retain(filled, settings, NOW).archived > 0
    assert tiers.both(filled) is not filled
    _, after = drawn(query, "manager")
    for name in ("categories", "Most active people", "Most active tokens"):
        rows = [[(row["name"], row["count"]) for row in p[name]["rows"]] for p in (before, after)]
        assert rows[0] == rows[1]
    assert after["trail_time_chart"] == before["trail_time_chart"]
    tiles = [[tile["value"] for tile in p["trail_tiles"]["tiles"]] for p in (before, after)]
    assert tiles[0] == tiles[1]
    assert after["Destructive changes"]["number"] == before["Destructive changes"]["number"]


def test_bars_lead_to_what_they_count_and_have_the_earlier_number_at_their_phase(
    filled: Store, runtime: Runtime
) -> None:
    ctx = Context(User("maya", "Maya Lind", "", "manager"), runtime)
    for query in WINDOWS:
        _, parts = drawn(query, "manager")
        chart = parts["trail_time_chart"]
        filter_ = Filter.parse(re.sub("&(compare|events)=[a-z]+", "", query))
        counted = filter_ if "events=all" in query else overview.changes(filter_)
        window = timeline.bounded(filled, filter_.window(NOW), NOW)
        edges = [dt.datetime.fromtimestamp(edge, dt.UTC) for edge in chart["edges"]]
        compared = periods.compared(
            filled, filter_, NOW, "day" if "compare=day" in query else "week"
        )
        before = chart.get("before") or [None] * len(chart["labels"])
        for place, (start, end) in enumerate(itertools.pairwise(edges)):
            bar = timeline.Bar(start.replace(tzinfo=None), end.replace(tzinfo=None), 0)
            inside = View(ctx, filter_, counted, window, compared).within(bar.start, bar.end)
            number = sum(series["counts"][place] for series in chart["series"])
            assert number == counts.count(filled, inside, NOW), (query, bar)
            earlier = compared.earlier(bar, filter_.zone)
            expected = (
                counts.count(filled, periods.narrowed(counted, earlier), NOW) if earlier else None
            )
            assert before[place] == expected, (query, bar)


def test_a_switch_counts_routine_events_and_failed_attempts_too(filled: Store) -> None:
    app, parts = drawn(WINDOWS[0], "manager")
    assert parts["trail_tiles"]["tiles"][0]["name"] == "Changes"
    app.toggle[0].set_value(False).run(timeout=30)
    assert app.query_params["events"] in ("all", ["all"])
    _, parts = drawn(f"{WINDOWS[0]}&events=all", "manager")
    tile = parts["trail_tiles"]["tiles"][0]
    assert tile["name"] == "Events"
    every = counts.count(filled, Filter.parse("from=7d&tz=Europe/Oslo"), NOW)
    assert tile["value"] == f"{every:,}"


def test_what_was_not_covered_shows_no_change_and_time_without_data_is_unknown(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = NOW + dt.timedelta(days=3)
    monkeypatch.setattr(Store, "now", lambda _: late)
    _, parts = drawn("from=7d&tz=UTC", "owner")
    tile = parts["trail_tiles"]["tiles"][0]
    assert tile["unknown"] is True
    assert tile["note"].startswith("No data since Mon 2 Nov 1")
    assert tile["value"] != "No data"
    assert any(span["kind"] == "gap" for span in parts["trail_time_chart"]["spans"])
    _, parts = drawn("from=24h&tz=UTC", "owner")
    values = {tile["name"]: tile["value"] for tile in parts["trail_tiles"]["tiles"]}
    assert values["Changes"] == values["Open incidents"] == "No data"
    assert parts["categories"]["rows"] == []
    for name in ("categories", "Destructive changes", "Most active people"):
        assert parts[name]["empty"] == tile["note"]
    _, parts = drawn("from=90d&tz=UTC", "owner")
    for row in parts["categories"]["rows"]:
        assert row["delta"] == "–"
        assert row["hint"].startswith("No events before")
    assert "before" not in parts["trail_time_chart"]
