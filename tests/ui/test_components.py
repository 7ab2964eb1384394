"""Browser components: mounting, passing data, and validation of each message once."""

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ui.components import event_panel, facets, lane_chart, messages, time_chart

HERE = Path(messages.__file__).parent
STYLES = sorted(HERE.glob("*.css"))
COMPONENTS = [path.stem for path in STYLES if path.with_suffix(".py").exists()]
HOSTILE = [
    '<img src=x onerror="alert(1)">',
    "\u202egnp.exe",
    "x" * 500,
    "مرحبا",
    "👩‍👩‍👧",
    "",
    "a\nb\x00",
]
# Everything that turns text into elements or code, or loads a resource.
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|DOMParser|setHTML"
    r"|document\.write|\beval\b|new Function|\bfetch\b|XMLHttpRequest|\bimport\b"
    r"|localStorage|sessionStorage|\.(?:src|href|srcdoc)\s*=|setTimeout\(\s*[\"'`]"
)

# What a script asks, from this server only.
ASKED = {"search_box": "/api/complete?", "time_control": "/api/time?"}
ASKED |= {"new_events": "/api/new-events?", "upload": "/uploads$"}

Check = Callable[[Mapping[str, Any]], dict[str, Any] | None]


@pytest.mark.parametrize("stem", COMPONENTS)
def test_scripts_never_turn_text_into_markup_or_code(stem: str) -> None:
    script = _without_comments(messages.bundle(f"{stem}.js"))
    if asked := ASKED.get(stem):
        assert script.count("fetch(") == script.count(f"fetch(`{asked}") == 1
        script = script.replace(f"fetch(`{asked}", "")
    assert FORBIDDEN.search(script) is None
    assert script.count("export default") == 1


def test_every_script_is_part_of_a_bundle() -> None:
    bundles = "".join(messages.bundle(f"{stem}.js") for stem in COMPONENTS)
    for path in HERE.glob("*.js"):
        assert path.read_text(encoding="utf-8").splitlines()[-2] in bundles


def _without_comments(script: str) -> str:
    # The types in JSDoc comments name modules by `import("./x.js")`.
    return re.sub(r"/\*\*.*?\*/", "", script, flags=re.DOTALL)


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_styles_load_no_external_resources(path: Path) -> None:
    assert re.search(r"url\(|@import|expression\(", path.read_text(encoding="utf-8")) is None


def test_all_components_are_tested() -> None:
    names = {"attention", "chips", "day_strip", "event_panel", "facets", "ranked_list", "tiles"}
    names |= {"new_events", "search_box", "share_menu", "shortcuts", "status_rows", "time_control"}
    names |= {"day_bars", "digest", "ranges", "setup_steps", "upload", "view_menu"}
    assert set(COMPONENTS) == names | {"lane_chart", "table", "time_chart", "week_grid"}


def _panels() -> None:
    """Draw every component; runs as a separate script, so it has its own imports."""
    from typing import Any

    import streamlit as st

    from ui.components.event_panel import event_panel
    from ui.components.facets import facet_panel
    from ui.components.ranges import ranges
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
        facet_panel([group], "facets")
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
    event_panel(event, "panel")
    rows: Any = [
        {"value": name, "name": name, "count": 1, "share": "1 %", "square": "0", "delta": "0 %"}
        for name in names
    ]
    bars(rows, "bars", title="Most active")
    for row in rows:
        row["trend"] = [1, 2.5]
    category_table(rows)
    lines: Any = [
        {"event_id": name, "time": "t", "sentence": part, "category": kind} for name in names
    ]
    sentences(lines, "sentences", link="Explore")
    usual: Any = [
        {"name": name, "low": 0, "high": 2, "seen": 3, "expected": name, "hint": name}
        for name in names
    ]
    ranges(names[0], usual, names[0], "ranges")


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
    assert len(data) == 6
    panel = next(value for name, value in data.items() if name.startswith("trail_facets"))
    assert [row["label"] for row in panel["groups"][0]["values"]] == HOSTILE
    event = next(value for name, value in data.items() if name.startswith("trail_event"))
    assert [line["value"] for line in event["event"]["fields"]] == HOSTILE
    assert event["event"]["undo"]["lines"][0]["points"] == HOSTILE
    assert event["event"]["undo"]["call"] == HOSTILE[0]
    usual = next(value for name, value in data.items() if name.startswith("trail_ranges"))
    assert [row["name"] for row in usual["rows"]] == HOSTILE
    app.run()
    assert not app.exception


def test_messages_are_processed_once_and_in_order() -> None:
    def check(act: Mapping[str, Any]) -> dict[str, Any] | None:
        return {"value": act["value"]} if "value" in act else None

    first = [{"n": 1, "value": "a"}, {"n": 2, "value": "b"}]
    acts, last = messages.new_messages({"messages": first}, 0, check)
    assert ([act["value"] for act in acts], last) == (["a", "b"], 2)
    # The browser repeats unacknowledged messages; a rejected one is not processed again.
    again = [*first, {"n": 3}, {"n": 4, "value": "c"}]
    acts, last = messages.new_messages({"messages": again}, last, check)
    assert ([act["value"] for act in acts], last) == (["c"], 4)


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        "x",
        {"messages": None},
        {"messages": "x"},
        {"messages": [None, 1, {"n": True}, {"n": "1"}]},
    ]
    + [{"messages": [{"n": number, "value": "a"}]} for number in (-1, 0, 1.5, 2**60, None)],
)
def test_malformed_payload_is_ignored(payload: object) -> None:
    assert messages.new_messages(payload, 0, dict) == ([], 0)


FACET: Check = partial(facets._parse, fields=frozenset({"actor"}))
EVENT: Check = partial(
    event_panel._parse, fields=frozenset({"actor"}), columns=frozenset({"actor_id"})
)


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
        (EVENT, {"column": "actor_id", "show": False}),
        (FACET, {"field": "actor", "value": "a", "state": "only"}),
        (FACET, {"field": "actor", "clear": True}),
        (FACET, {"field": "actor", "open": False}),
    ],
)
def test_known_messages_are_accepted_without_extra_keys(check: Check, act: dict[str, Any]) -> None:
    assert check({**act, "n": 1, "other": "x"}) == act


@pytest.mark.parametrize(
    ("check", "act"),
    [
        (FACET, {"field": "raw; drop table", "value": "a", "state": "include"}),
        (FACET, {"field": "actor", "value": "a", "state": "or 1=1"}),
        (FACET, {"field": "actor", "value": 1, "state": ""}),
        (FACET, {"field": ["actor"], "search": "x"}),
        (FACET, {"field": "actor", "more": True}),
        (FACET, {"field": "actor", "clear": "yes"}),
        (FACET, {"field": "actor", "open": 1}),
        (FACET, {"field": "actor", "more": -1}),
        (EVENT, {"close": "yes"}),
        (EVENT, {"step": 5}),
        (EVENT, {"step": [1]}),
        (EVENT, {"related": ["actor"]}),
        (EVENT, {"open": ""}),
        (EVENT, {"field": ["actor"], "value": "a", "mode": "include"}),
        (EVENT, {"field": "other", "value": "a", "mode": "include"}),
        (EVENT, {"field": "actor", "value": "a", "mode": "x"}),
        (EVENT, {"column": "raw", "show": True}),
        (EVENT, {"column": ["actor_id"], "show": True}),
        (EVENT, {"column": "actor_id", "show": 1}),
        (time_chart._parse, {"start": 5, "end": 5}),
        (lane_chart._parse, {"value": 1, "start": 0, "end": 5}),
        (lane_chart._parse, {"value": "a", "start": 5, "end": 0}),
        (time_chart._parse, {"start": True, "end": 5}),
        (time_chart._parse, {"start": "0", "end": "5"}),
        (time_chart._parse, {"start": 0, "end": 2**62}),
    ],
)
def test_unknown_messages_are_dropped(check: Check, act: dict[str, Any]) -> None:
    assert check(act) is None


def test_selected_bars_are_a_period_in_utc() -> None:
    start, end = dt.datetime(2026, 10, 26, 9), dt.datetime(2026, 10, 26, 10)
    message = {"start": 1_793_005_200, "end": 1_793_008_800, "n": 1}
    assert time_chart._parse(message) == {"start": start, "end": end}
    lane = {"value": "a", "start": start, "end": end}
    assert lane_chart._parse({**message, "value": "a"}) == lane


def test_search_text_and_row_count_are_bounded() -> None:
    search = FACET({"field": "actor", "search": "x" * 10_000})
    more = FACET({"field": "actor", "more": 10**9})
    assert search is not None
    assert more is not None
    assert (len(search["search"]), more["more"]) == (200, 5_000)
