"""The browser components: they mount, hand their data over, and take each act once and checked."""

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ui.components import bridge, event_panel, facets, ranked_list

HERE = Path(bridge.__file__).parent
SCRIPTS = sorted(HERE.glob("*.js"))
STYLES = sorted(HERE.glob("*.css"))
HOSTILE = [
    '<img src=x onerror="alert(1)">',
    "\u202egnp.exe",
    "x" * 500,
    "مرحبا",
    "👩‍👩‍👧",
    "",
    "a\nb\x00",
]
# Anything that turns text into elements or code, or that fetches.
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|DOMParser|setHTML"
    r"|document\.write|\beval\b|new Function|\bfetch\b|XMLHttpRequest|\bimport\b"
    r"|localStorage|sessionStorage|\.(?:src|href|srcdoc)\s*=|setTimeout\(\s*[\"'`]"
)

Check = Callable[[Mapping[str, Any]], dict[str, Any] | None]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_never_make_markup_or_code_from_text(path: Path) -> None:
    assert FORBIDDEN.search(path.read_text(encoding="utf-8")) is None


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_styles_fetch_nothing(path: Path) -> None:
    assert re.search(r"url\(|@import|expression\(", path.read_text(encoding="utf-8")) is None


def test_there_is_something_to_look_at() -> None:
    names = {"common.js", "facets.js", "event_panel.js", "json_text.js", "ranked_list.js"}
    assert names | {"undo.js"} <= {path.name for path in SCRIPTS}


def _panels() -> None:
    """Draw every component; runs as a script of its own, so it imports what it needs."""
    from typing import Any

    import streamlit as st

    from ui.components.event_panel import event_panel
    from ui.components.facets import facet_panel
    from ui.components.ranked_list import bars, category_table, sentences

    names: list[str] = st.session_state["names"]
    values: Any = [
        {"value": name, "label": name, "count": 10**place, "state": "", "square": str(place)}
        for place, name in enumerate(names)
    ]
    part: Any = [{"text": name, "strong": True} for name in names]
    kind: Any = {"name": names[0], "square": "red"}
    near: Any = [
        {"offset": "+1 s", "label": name, "target": name, "event_id": name} for name in names
    ]
    with st.sidebar:
        group: Any = {"field": "actor", "title": "Actor", "values": values, "total_values": 5_000}
        group["searchable"] = True
        assert facet_panel([group], "facets") == []
    event: Any = {
        "event_id": "e1",
        "risk": {"level": "high", "label": "High · risk 8"},
        "category": kind,
        "outcome": {"state": "success", "label": "Success"},
        "link": "?event=e1",
        "sentence": part,
        "time": "now",
        "fields": [{"label": "Actor", "value": name, "field": "actor"} for name in names],
        "raw": names[0] * 100,
        "undo": {
            "title": names[0],
            "lines": [{"label": "Check", "points": names}, {"label": "Undo", "text": names[0]}],
            "call": names[0],
            "note": names[0],
        },
        "related": {"actor": {"total": 7, "rows": near}},
    }
    assert event_panel(event, "panel") == []
    rows: Any = [
        {"value": name, "name": name, "count": 1, "share": "1 %", "square": "0", "delta": "0 %"}
        for name in names
    ]
    assert bars(rows, "bars", title="Most active") == []
    for row in rows:
        row["trend"] = [1, 2.5]
    assert category_table(rows) == []
    lines: Any = [
        {"event_id": name, "time": "t", "sentence": part, "category": kind} for name in names
    ]
    assert sentences(lines, "sentences", link="Explore") == []


def _mounted(app: AppTest) -> dict[str, dict[str, Any]]:
    nodes = [*app.main, *app.sidebar]
    protos = [node.proto for node in nodes if node.type == "bidi_component"]
    return {
        f"{proto.component_name} {place}": json.loads(proto.json)
        for place, proto in enumerate(protos)
    }


def test_every_component_mounts_and_gets_hostile_data_unchanged() -> None:
    app = AppTest.from_function(_panels)
    app.session_state["names"] = HOSTILE
    app.run()
    assert not app.exception
    data = _mounted(app)
    assert len(data) == 5
    panel = next(value for name, value in data.items() if name.startswith("trail_facets"))
    assert [row["label"] for row in panel["groups"][0]["values"]] == HOSTILE
    event = next(value for name, value in data.items() if name.startswith("trail_event"))
    assert [line["value"] for line in event["event"]["fields"]] == HOSTILE
    assert event["event"]["undo"]["lines"][0]["points"] == HOSTILE
    assert event["event"]["undo"]["call"] == HOSTILE[0]
    app.run()
    assert not app.exception


def test_acts_are_taken_once_and_in_order() -> None:
    def check(act: Mapping[str, Any]) -> dict[str, Any] | None:
        return {"value": act["value"]} if "value" in act else None

    first = [{"n": 1, "value": "a"}, {"n": 2, "value": "b"}]
    acts, last = bridge.fresh({"acts": first}, 0, check)
    assert ([act["value"] for act in acts], last) == (["a", "b"], 2)
    # The browser repeats what it does not know to be taken; a refused act is not asked for again.
    again = [*first, {"n": 3}, {"n": 4, "value": "c"}]
    acts, last = bridge.fresh({"acts": again}, last, check)
    assert ([act["value"] for act in acts], last) == (["c"], 4)


@pytest.mark.parametrize(
    "payload",
    [None, [], "x", {"acts": None}, {"acts": "x"}, {"acts": [None, 1, {"n": True}, {"n": "1"}]}]
    + [{"acts": [{"n": number, "value": "a"}]} for number in (-1, 0, 1.5, 2**60, None)],
)
def test_a_payload_of_another_shape_is_nothing(payload: object) -> None:
    assert bridge.fresh(payload, 0, dict) == ([], 0)


FACET: Check = partial(facets._check, fields=frozenset({"actor"}))
EVENT: Check = partial(event_panel._check, fields=frozenset({"actor"}))


@pytest.mark.parametrize(
    ("check", "act"),
    [
        (FACET, {"field": "actor", "value": "a", "state": "exclude"}),
        (FACET, {"field": "actor", "search": "maya"}),
        (FACET, {"field": "actor", "more": 105}),
        (EVENT, {"close": True}),
        (EVENT, {"step": -1}),
        (EVENT, {"open": "e2"}),
        (EVENT, {"related": "target"}),
        (EVENT, {"field": "actor", "value": "", "mode": "include"}),
        (ranked_list._check, {"open": "e2"}),
        (ranked_list._check, {"value": "a"}),
        (ranked_list._check, {"all": True}),
    ],
)
def test_known_acts_pass_without_their_number(check: Check, act: dict[str, Any]) -> None:
    assert check({**act, "n": 1, "other": "x"}) == act


@pytest.mark.parametrize(
    ("check", "act"),
    [
        (FACET, {"field": "raw; drop table", "value": "a", "state": "include"}),
        (FACET, {"field": "actor", "value": "a", "state": "or 1=1"}),
        (FACET, {"field": "actor", "value": 1, "state": ""}),
        (FACET, {"field": ["actor"], "search": "x"}),
        (FACET, {"field": "actor", "more": True}),
        (FACET, {"field": "actor", "more": -1}),
        (EVENT, {"close": "yes"}),
        (EVENT, {"step": 5}),
        (EVENT, {"step": [1]}),
        (EVENT, {"related": ["actor"]}),
        (EVENT, {"open": ""}),
        (EVENT, {"field": ["actor"], "value": "a", "mode": "include"}),
        (EVENT, {"field": "other", "value": "a", "mode": "include"}),
        (EVENT, {"field": "actor", "value": "a", "mode": "x"}),
        (ranked_list._check, {"open": 1}),
        (ranked_list._check, {"all": 1}),
    ],
)
def test_other_acts_are_dropped(check: Check, act: dict[str, Any]) -> None:
    assert check(act) is None


def test_a_search_and_a_wish_for_more_are_bounded() -> None:
    search = FACET({"field": "actor", "search": "x" * 10_000})
    more = FACET({"field": "actor", "more": 10**9})
    assert search is not None
    assert more is not None
    assert (len(search["search"]), more["more"]) == (200, 5_000)
