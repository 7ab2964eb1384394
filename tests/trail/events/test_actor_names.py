"""Each actor has one display name, wherever it is shown; records stay as they are."""

import csv
import datetime as dt
import io
import json
import random
from collections import defaultdict
from typing import Any

import pytest

from tests.conftest import Load
from tests.segment_records import ndjson
from trail.core import event_text
from trail.core.clock import utc_text
from trail.core.model import Directory, Person
from trail.events import actor_names, counts, events, export, lanes, people, suggestions
from trail.events.question_names import Directory as Names
from trail.ingest import directory
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from ui.people import actor_list

NOW = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)
ALL = Filter(start="2026-09-01", end="2026-11-27")
IDS = ("users/u1", "users/u2", "users/u3", "tokens/t1", "tokens/t2", "usr9")
# Few, so that an address moves from one person to another.
EMAILS = ("", "", "ana@example.com", "bo@example.com", "cy@example.com")


def _event(number: int, dice: random.Random) -> dict[str, Any]:
    actor = dice.choice(IDS)
    at = NOW - dt.timedelta(minutes=dice.randrange(60 * 24 * 60))
    if dice.random() < 0.1:
        at = dt.datetime(2099, 1, 1, number % 24, tzinfo=dt.UTC)
    record = {
        "id": f"e{number}",
        "timestamp": utc_text(at),
        "type": "Source Modified",
        "actor": actor,
        "resourceId": "s1",
        "resourceType": "Sources",
        "resourceName": "Web",
    }
    email = "" if actor == "usr9" else dice.choice(EMAILS)
    return record | ({"actorEmail": email} if email else {})


def _expected(records: list[dict[str, Any]], listed: list[Person]) -> dict[str, str]:
    """Return the display name of each actor: name, else latest e-mail of the past, else id."""
    known = {person.actor_id: person.name or person.email for person in listed}
    for record in sorted(records, key=lambda record: str(record["timestamp"])):
        if record.get("actorEmail") and record["timestamp"] < "2099":
            known.setdefault(record["actor"], "")
    latest = {
        record["actor"]: record["actorEmail"]
        for record in sorted(records, key=lambda record: str(record["timestamp"]))
        if record.get("actorEmail") and record["timestamp"] < "2099"
    }
    return {
        id_: known.get(id_) or latest.get(id_) or id_.removeprefix("tokens/")
        for id_ in {record["actor"] for record in records}
    }


def _places(store: Store) -> dict[str, dict[str, set[str]]]:
    """Return by actor and place what the place calls the actor."""
    shown: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    everything = Filter(start="1900-01-01", end="9999-12-31")
    page = events.page(store, everything, NOW, rows=200).rows
    for row in page:
        shown[row["actor_id"]]["table"].add(event_text.actor(row))
        opened = events.get(store, row["event_id"])
        assert opened
        shown[row["actor_id"]]["panel"].add(event_text.actor(opened))
        for related in events.related(store, opened)["target"][1]:
            shown[related["actor_id"]]["related"].add(event_text.actor(related))
    chosen = export.Export(everything, "csv", ("actor_id", "actor"))
    data = b"".join(export.stream(store, chosen, NOW)).decode()
    for actor_id, name in list(csv.reader(io.StringIO(data, newline="")))[1:]:
        shown[actor_id]["csv"].add(name)
    lines = b"".join(
        export.stream(store, export.Export(everything, "ndjson", ("actor_id", "actor")), NOW)
    )
    for line in lines.decode().splitlines():
        shown[json.loads(line)["actor_id"]]["ndjson"].add(json.loads(line)["actor"])
    for value in counts.facets(store, everything, NOW).values["actor"]:
        shown[value.value]["facet"].add(value.label)
    for value in counts.actors(store, everything, NOW, 50):
        shown[value.value]["overview"].add(value.label)
    for lane in lanes.lanes(store, ALL, NOW, "actor", dt.timedelta(days=1), 50).lanes:
        shown[lane.value]["timeline"].add(lane.label)
    for activity in people.actor_activity(store, ALL, NOW):
        shown[activity.actor_id]["people"].add(actor_list.label(activity))
    for actor_id, name in actor_names.display_names(store, list(shown)).items():
        shown[actor_id]["lookup"].add(name)
        for hit in suggestions.suggest(store, "actor", actor_id.rpartition("/")[2], NOW):
            if hit.value == actor_id:
                shown[actor_id]["suggestion"].add(hit.label)
        for named in Names(store, [actor_id]).find(actor_id):
            shown[actor_id]["question"] |= {
                label for value, label in named.values if value == actor_id
            }
    return shown


@pytest.mark.parametrize("seed", range(4))
def test_an_actor_has_one_name_everywhere(store: Store, load: Load, seed: int) -> None:
    dice = random.Random(seed)
    records = [_event(number, dice) for number in range(40)]
    listed = [
        Person(id_, dice.choice(("", f"Name {id_}")), dice.choice(EMAILS))
        for id_ in ("users/u1", "users/u3", "users/u7")
        if dice.random() < 0.6
    ]
    load(ndjson(records[:20]))
    directory.keep(store, Directory("w", "Example", "example", tuple(listed)))
    load(ndjson(records[20:]), "later.ndjson")
    expected = _expected(records, listed)
    shown = _places(store)
    assert set(expected) <= set(shown)
    for actor_id, name in expected.items():
        assert {place: names for place, names in shown[actor_id].items() if names != {name}} == {}
        assert len(shown[actor_id]) >= 9


def test_a_record_keeps_what_it_says(store: Store, load: Load) -> None:
    old, new = "dana.old@example.com", "dana.new@example.com"
    records = [
        {"id": "m-1", "timestamp": "2026-10-01T10:00:00Z", "actorEmail": old},
        {"id": "m-2", "timestamp": "2026-11-01T10:00:00Z", "actorEmail": new},
        {"id": "m-3", "timestamp": "2026-11-02T10:00:00Z"},
        {"id": "m-4", "timestamp": "2099-01-01T00:00:00Z", "actorEmail": "ceo@example.com"},
    ]
    load(ndjson([{"type": "Source Deleted", "actor": "users/usr1", **r} for r in records]))
    rows = {row["event_id"]: row for row in events.page(store, Filter(), NOW).rows}
    rows |= {id_: events.get(store, id_) or {} for id_ in ("m-3", "m-4")}
    assert {row["actor"] for row in rows.values()} == {new}
    assert {id_: (row["actor_email"], row["recorded_as"]) for id_, row in rows.items()} == {
        "m-1": (old, old),
        "m-2": (new, None),
        "m-3": (None, None),
        "m-4": ("ceo@example.com", "ceo@example.com"),
    }
    assert rows["m-3"]["recorded_actor"] == "users/usr1"
    ids = ["users/usr1", "users/nobody", "tokens/x"]
    assert actor_names.display_names(store, ids) == dict(zip(ids, (new, ids[1], "x"), strict=True))


def test_names_of_former_ids_and_of_people_without_events(store: Store, load: Load) -> None:
    load(ndjson([{"id": "a", "timestamp": "2026-10-01T10:00:00Z", "type": "X", "actor": "usr1"}]))
    listed = (Person("users/usr1", "Kim Ode", ""), Person("users/usr2", "", "lee@example.com"))
    directory.keep(store, Directory("w", "Example", "example", listed))
    assert actor_names.display_names(store, ["usr1", "users/usr1", "users/usr2"]) == {
        "usr1": "Kim Ode",
        "users/usr1": "Kim Ode",
        "users/usr2": "lee@example.com",
    }
