"""The table component: its messages; the columns that a user chose."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from trail.accounts.preferences import Preferences
from trail.events import export as exports
from trail.storage.duckdb import Store
from trail.storage.filters import Filter
from ui import column_layout
from ui.components import table
from ui.components.table import Message, Table
from ui.explore import columns

AT = dt.datetime(2026, 11, 27, 23, 30)
EXPLORE = columns.LAYOUT.columns
ROW: dict[str, Any] = {"id": "r1", "cells": ["x"] * len(EXPLORE)}
DRAWN = Table("Events", EXPLORE, [ROW], choices=EXPLORE, has_back=True)  # type: ignore[list-item]


@pytest.mark.parametrize(
    "message",
    [
        {"open": "r1"},
        {"close": True},
        {"reset": True},
        {"sort": "oldest"},
        {"sort": ""},
        {"page": "back"},
        {"columns": ["kind", "risk"]},
        {"widths": {"kind": 100}},
        {"filter": "action", "row": "r1", "mode": "exclude"},
    ],
)
def test_known_messages_are_accepted_without_extra_keys(message: dict[str, Any]) -> None:
    assert table._parse({**message, "n": 1, "other": "x"}, DRAWN) == message


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"open": "r2"},
        {"open": ["r1"]},
        {"sort": "raw"},
        {"sort": None},
        {"page": "forward"},
        {"page": ["back"]},
        {"columns": []},
        {"columns": ["kind", "raw"]},
        {"columns": [["kind"]]},
        {"widths": {"raw": 100}},
        {"widths": {"kind": True}},
        {"widths": [1]},
        {"filter": "event_id", "row": "r1", "mode": "include"},
        {"filter": "action", "row": "r2", "mode": "include"},
        {"filter": "action", "row": "r1", "mode": "or 1=1"},
    ],
)
def test_unknown_messages_are_dropped(message: dict[str, Any]) -> None:
    assert table._parse(message, DRAWN) is None


def test_widths_are_bounded_and_columns_named_once() -> None:
    assert table._parse({"widths": {"kind": 10**9, "risk": -1}}, DRAWN) == {
        "widths": {"kind": 900, "risk": 48}
    }
    assert table._parse({"columns": ["kind", "kind"]}, DRAWN) == {"columns": ["kind"]}


@pytest.fixture
def remembered(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Preferences]:
    class User:
        account = "maya"

    monkeypatch.setattr(column_layout, "current_user", User)
    monkeypatch.setattr(column_layout, "_preferences", lambda: Preferences(store))
    yield Preferences(store)


def test_columns_are_remembered_for_the_user(remembered: Preferences) -> None:
    layout = columns.LAYOUT
    assert columns.shown() == layout.default
    messages: list[Message] = [{"columns": ["kind", "risk"]}, {"widths": {"kind": 80}}]
    assert [layout.apply(message) for message in messages] == [True, False]
    assert (columns.shown(), layout.widths()) == (("kind", "risk"), {"kind": 80})
    assert layout.apply({"widths": {"risk": 60}}) is False
    assert layout.widths() == {"kind": 80, "risk": 60}
    assert layout.apply({"reset": True})
    assert (columns.shown(), layout.widths()) == (layout.default, {})
    assert layout.apply({"open": "r1"}) is False


def test_a_column_is_added_behind_the_others_and_the_last_one_stays(
    remembered: Preferences,
) -> None:
    layout = columns.LAYOUT
    layout.apply({"columns": ["kind", "risk"]})
    steps = (("actor_id", True), ("actor_id", True), ("kind", False), ("kind", False))
    changed = [layout.put(name, shown=shown) for name, shown in steps]
    assert (columns.shown(), changed) == (("risk", "actor_id"), [True, False, True, False])
    assert layout.put("risk", shown=False)
    assert not layout.put("actor_id", shown=False)
    assert columns.shown() == ("actor_id",)
    saved = remembered.get("maya", "columns:explore")
    assert isinstance(saved, dict)
    assert saved["names"] == ["actor_id"]


@pytest.mark.parametrize(
    "value",
    [["kind"], {"names": "kind", "widths": 5}, {"names": ["gone"]}, {"names": [["kind"]]}, 7],
)
def test_columns_of_another_release_fall_back(remembered: Preferences, value: Any) -> None:
    remembered.put("maya", "columns:explore", value)
    assert columns.shown() == columns.LAYOUT.default
    assert columns.LAYOUT.widths() == {}


def test_columns_have_the_names_of_exports() -> None:
    assert {column["name"] for column in EXPLORE} <= set(exports.COLUMNS)


def test_cells_and_the_filters_of_their_values() -> None:
    event = dict.fromkeys(exports.COLUMNS) | {
        "occurred_at": AT,
        "ingested_at": AT,
        "action": "Users Invited",
        "risk": 7,
        "category": "Other",
        "outcome": "failure",
        "kind": "create",
        "actor_id": "tokens/t1",
        "actor_type": "token",
        "target_id": "t",
        "target_name": "Ana",
        "unverified": True,
        "future_dated": False,
        "verified": False,
    }
    filter_ = Filter(tz="Europe/Oslo")
    cells = {column["name"]: columns.cell(column["name"], event, filter_) for column in EXPLORE}
    year = "" if dt.datetime.now(dt.UTC).year == 2026 else " 2026"
    assert cells["occurred_at"] == f"Sat 28 Nov{year} 00:30:00"
    assert cells["risk"] == {"text": "7 High", "glyph": "▲", "tone": "red"}
    assert cells["action"] == {"text": "Users Invited", "note": "(unverified)"}
    assert cells["actor"] == {"text": "t1", "note": "(token)"}
    assert cells["actor_email"] == ""
    renamed = event | {"actor": "Ana", "recorded_as": "ana.old@example.com"}
    note = "(token, recorded as ana.old@example.com)"
    assert columns.cell("actor", renamed, filter_) == {"text": "Ana", "note": note}
    assert cells["verified"] == "No"
    for column in EXPLORE:
        if column.get("filter"):
            changed = columns.narrowed(filter_, column["name"], event, "exclude")
            assert (changed == filter_) == (cells[column["name"]] == "")
    target = columns.narrowed(filter_, "target", event, "include")
    assert target.choice("target").include == ("t",)


def _drawn() -> None:
    from ui.components import table

    column: table.Column = {"name": "a", "title": "A", "width": 100}
    drawn = table.Table("Things", [column], [{"id": "1", "cells": ["<b>"]}])
    table.draw(drawn, "things", lambda messages: None)


def test_table_mounts() -> None:
    app = AppTest.from_function(_drawn)
    app.run()
    assert not app.exception
    assert '"cells": ["<b>"]' in app.main[0].proto.json.replace('":["', '": ["')
