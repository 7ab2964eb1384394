"""The saved views of Explore: what each action changes, records and shows; and its share links."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from trail.access_log import log
from trail.core.sections import Export
from trail.core.settings import Settings
from trail.events import overview
from trail.notifications import rule_store
from trail.notifications.rule import Rule
from trail.runtime import process
from trail.storage.duckdb import Store
from trail.storage.filters import Filter, Window
from trail.views import saved_views, scheduled_exports
from trail.views.view import View, Viewer
from ui import text
from ui.components import share_menu, view_menu

HOSTILE = "<img src=x onerror=1> **b** [x](https://x.example) :red[y]"


pytestmark = pytest.mark.usefixtures("runtime", "roles")


@pytest.fixture
def roles(signed_in: list[str]) -> Iterator[None]:
    """Let each `Explore` be used with its own role."""
    Explore.signed_in = signed_in
    yield
    del Explore.signed_in


def _explore(role: str, messages: list, links: list[bool]) -> None:  # type: ignore[type-arg]
    """Draw the menus after *messages* and requests for *links*; a script of its own."""
    from trail.accounts.users import User
    from trail.runtime import process
    from ui.explore import saved_views, share
    from ui.page import Context

    ctx = Context(User("maya", "Maya Lind", "", role), process.current())
    filter_ = saved_views.opened_filter(ctx)
    saved_views._on_messages(ctx, filter_, messages)
    for fixed in links:
        share._create(ctx, filter_, fixed=fixed)
    filter_ = saved_views.opened_filter(ctx)
    saved_views.draw_notice(ctx)
    saved_views.draw(ctx, filter_)
    share.draw(ctx, filter_)


class Explore:
    """The page at a query string, for one role."""

    signed_in: ClassVar[list[str]]

    def __init__(self, query: str = "", role: str = "manager") -> None:
        self.pairs, self.role = parse_qsl(query), role

    def do(self, do: str = "", links: list[bool] | None = None, **given: Any) -> "Explore":
        """Carry out an action as the component sends it, and draw the page."""
        self.signed_in[0] = self.role
        message = view_menu._parse({"do": do, **given})
        app = AppTest.from_function(
            _explore, args=(self.role, [message] if message else [], links or [])
        )
        for name in dict(self.pairs):
            app.query_params[name] = [value for key, value in self.pairs if key == name]
        app.run(timeout=30)
        assert not app.exception
        self.pairs = [
            (name, value)
            for name, values in app.query_params.items()
            for value in ([values] if isinstance(values, str) else values)
        ]
        found = [json.loads(node.proto.json) for node in app.main if node.type == "bidi_component"]
        self.menu, self.share = found
        self.warnings = [warning.value for warning in app.warning]
        return self


def named(store: Store, name: str, username: str = "maya") -> View:
    [view] = [view for view in saved_views.visible(store, username) if view.name == name]
    return view


def entries(store: Store, kind: str) -> list[tuple[str, str]]:
    """Return what was recorded, oldest first."""
    log.flush()
    rows = log.entries(store, Window(), kind=kind)
    assert {(row["username"], row["role"]) for row in rows} == {("maya", "manager")}
    return [(row["what"], row["detail"]) for row in reversed(rows)]


def test_every_change_of_views_is_recorded(store: Store) -> None:
    page = Explore("kind=delete&from=24h&tz=UTC")
    page.do("create", name=HOSTILE, shared=True)
    view_id = named(store, HOSTILE).view_id
    assert dict(page.pairs)["view"] == view_id
    assert (page.menu["name"], page.menu["edited"], page.menu["shared"]) == (HOSTILE, False, True)
    page.pairs.append(("outcome", "failure"))
    assert page.do().menu["edited"]
    assert not page.do("save").menu["edited"]
    page.do("rename", id=view_id, name="Ours")
    page.do("star", id=view_id, on=True)
    page.do("default", id=view_id, on=True)
    page.do("publish", id=view_id, on=False)
    page.do("delete", id=view_id)
    assert (page.menu["open"], page.menu["name"]) == ("", "Unsaved view")
    query = "from=24h&kind=delete"
    assert entries(store, "view_saved") == [
        (f"view {HOSTILE}", f"created, shared with everyone: {query}"),
        (f"view {HOSTILE}", "saved: from=24h&outcome=failure&kind=delete"),
        (f"view {HOSTILE}", "renamed to Ours"),
        ("view Ours", "starred"),
        ("view Ours", "made the default"),
        ("view Ours", "private"),
        ("view Ours", "deleted: from=24h&outcome=failure&kind=delete"),
    ]


def test_a_view_opens_in_the_window_and_zone_of_its_reader(store: Store) -> None:
    page = Explore("from=30d&tz=Asia/Tokyo&actor=x").do("open", id="failures")
    assert dict(page.pairs) == {
        "from": "30d",
        "outcome": "failure",
        "tz": "Asia/Tokyo",
        "sort": "newest",
        "view": "failures",
    }
    assert (page.menu["name"], page.menu["edited"], page.menu["mayChange"]) == (
        "Failures",
        False,
        False,
    )
    page.pairs = [("from", "1d") if pair[0] == "from" else pair for pair in page.pairs]
    assert not page.do().menu["edited"]  # the view has no range of its own
    assert dict(page.do("open", id="").pairs) == {
        "from": "1d",
        "tz": "Asia/Tokyo",
        "sort": "newest",
    }


def test_opened_views_are_not_edited(store: Store) -> None:
    earlier = "&".join(f"kind=-{kind}" for kind in overview.NO_CHANGE_KINDS)
    maya = Viewer("maya", "Maya Lind")
    for query in (
        earlier,
        "q=time:7d+OR+risk>6&sort=oldest",
        "from=2026-11-01&to=2026-11-02T10:00",
    ):
        saved_views.create(store, maya, f"View {len(query)}", Filter.parse(query))
    for view in saved_views.visible(store, "maya"):
        page = Explore("from=24h&tz=Asia/Tokyo").do("open", id=view.view_id)
        assert (page.menu["name"], page.menu["edited"]) == (view.name, False)


def test_an_alert_rule_is_prefilled_with_filter_and_name(store: Store) -> None:
    app = AppTest.from_function(_rules, default_timeout=30)
    stored = Rule("Kept", query="kind=delete&category=-Source&changes=yes&q=Prod")
    store.write(lambda cursor: rule_store.save(cursor, stored, "maya"))
    app.query_params.update({"rule": ["from=7d&kind=delete"], "name": [HOSTILE]})
    app.run()
    assert not app.exception
    words = text.escape("Anything is deleted (not Category: Source · Changes only · Search: Prod)")
    assert any(words in caption.value for caption in app.caption)
    assert [field.value for field in app.text_input][1:3] == [HOSTILE, "kind=delete"]


def _rules() -> None:
    """Draw the rules; a script of its own."""
    from trail.accounts.users import User
    from trail.runtime import process
    from ui.alerts import rules_tab
    from ui.page import Context

    rules_tab.draw(Context(User("maya", "Maya Lind", "", "owner"), process.current()))


def test_without_parameters_the_default_view_is_shown_and_the_url_stays(store: Store) -> None:
    maya = Viewer("maya", "Maya Lind")
    filter_ = Filter.parse("from=24h&category=Protocols")
    view_id = saved_views.create(store, maya, "Mine", filter_)
    saved_views.set_default(store, "maya", view_id, is_default=True)
    page = Explore().do()
    assert page.pairs == []
    assert "from=24h&category=Protocols" in page.share["state"]
    assert "category" not in Explore("from=7d").do().share["state"]
    # A view that can no longer be read does not lock its owner out.
    store.write(lambda cursor: cursor.execute("update saved_views set query = 'old=1'"))
    page = Explore().do()
    assert "from=7d" in page.share["state"]
    page.do("open", id=view_id)
    assert page.menu["error"].startswith("Unknown filter 'old'")


def test_the_address_of_a_view_alone_opens_it_and_an_unknown_one_is_reported(store: Store) -> None:
    maya = Viewer("maya", "Maya Lind")
    view_id = saved_views.create(store, maya, "Mine", Filter.parse("kind=delete&from=24h"))
    page = Explore(f"view={view_id}").do()
    assert (page.menu["name"], page.menu["edited"], page.warnings) == ("Mine", False, [])
    assert "kind=delete" in page.share["state"]
    page = Explore(f"view={view_id}&from=30d").do()
    assert page.menu["edited"]
    assert "kind" not in page.share["state"]
    for query in ("view=nope", "view=nope&from=30d"):
        page = Explore(query).do()
        assert page.menu["name"] == "All events"
        assert page.warnings[0].startswith("View not found.")


def test_refusals_are_shown_in_the_menu(store: Store) -> None:
    jon = Viewer("jon", "Jon Berg")
    view_id = saved_views.create(store, jon, "Jon's", Filter(), shared=True)
    page = Explore(f"view={view_id}").do("delete", id=view_id)
    assert page.menu["error"].startswith("This view belongs to Jon Berg.")
    assert page.do("create", name="Jon's").menu["error"].startswith("A view named")
    assert page.do("save").menu["error"].startswith("This view belongs to")
    assert page.do("open", id="nope").menu["error"].startswith("View not found.")
    assert Explore(f"view={view_id}", "owner").do().menu["mayChange"]
    assert [view.name for view in saved_views.visible(store, "maya")][-1] == "Jon's"


def test_a_shared_link_keeps_the_state_of_the_page(store: Store) -> None:
    page = Explore("from=2d&kind=-read&event=e1&at=2026-11-01T00:00:00&tz=Europe/Oslo")
    page.do(links=[True])
    fixed = page.share
    assert fixed["linkIsFixed"] and fixed["linkState"] == fixed["state"]
    assert fixed["fixedText"].endswith(" (Europe/Oslo), also later")
    assert fixed["untilText"] == "The link works for 90 days, for people who can sign in."
    page.do(links=[False])
    assert page.share["path"] != fixed["path"] and not page.share["linkIsFixed"]
    first, second = entries(store, "shared")
    assert (first[0], second[0]) == (fixed["path"], page.share["path"])
    assert first[1].startswith("fixed times: from=20")
    pairs = dict(parse_qsl(second[1].removeprefix("relative times: ")))
    assert pairs == dict(page.pairs) | {"sort": "newest"}


def test_an_owner_schedules_an_export_of_the_view(store: Store, settings: Settings) -> None:
    schedule = [{"do": "schedule", "id": ""}]
    assert not AppTest.from_function(_explore, args=("manager", schedule, [])).run().text_input
    # The database has a week only, the archive all before.
    kept = settings.store.model_copy(update={"archive": True, "retention_days": 7})
    using = settings.model_copy(update={"store": kept, "export": Export(folder=Path("/nowhere"))})
    process.start(replace(process.current(), settings=using))
    app = AppTest.from_function(_explore, args=("owner", schedule, []), default_timeout=30)
    app.query_params.update({"kind": ["delete"], "tz": ["Asia/Tokyo"]})
    app.run()
    app.text_input(key="export-name").set_value(HOSTILE)
    app.selectbox(key="export-cadence").set_value("weekly")
    [button] = [button for button in app.button if button.label == "Schedule export"]
    button.click().run()
    [export] = scheduled_exports.list_all(store)
    assert (export.name, export.cadence, export.format) == (HOSTILE, "weekly", "csv")
    assert export.query == "kind=delete&tz=Asia%2FTokyo"
    assert export.columns[:2] == ("occurred_at", "risk")
    assert f"{HOSTILE}\nWeekly: CSV file in the folder of exports" in [
        row.value for row in app.text
    ]
    app.button(key=f"delete-export-{export.export_id}").click().run()
    assert not app.exception and scheduled_exports.list_all(store) == []
    log.flush()
    rows = log.entries(store, Window(), kind="settings")
    assert [(row["what"], row["detail"]) for row in reversed(rows)] == [
        (
            f"scheduled export {HOSTILE}",
            "weekly csv, Folder of exports: kind=delete&tz=Asia%2FTokyo",
        ),
        (f"scheduled export {HOSTILE}", "deleted"),
    ]


def _columns() -> None:
    """Open views, change their columns, and save; a script of its own."""
    import streamlit as st

    from ui.explore import columns, view_columns

    steps = []
    for view_id, names, change in (
        ("", (), None),
        ("v1", ("risk", "action"), None),
        ("v1", ("risk", "action"), {"columns": ["action", "event_id"]}),
        ("v1", ("risk", "action"), None),
        ("v1", ("risk", "action"), {"reset": True}),
        ("v1", ("risk", "action"), {"columns": ["kind"]}),
        ("v2", ("target", "of another release"), None),
        ("v1", ("risk", "action"), {"columns": ["kind"]}),
        ("saved", (), None),
        ("v1", ("kind",), None),
        ("built-in", (), None),
    ):
        if view_id == "saved":
            view_columns.forget_changes()
            continue
        view_columns.use(view_id, names)
        if change:
            columns.LAYOUT.apply(change)
        steps.append(" ".join(columns.shown()))
    st.json(steps)


def test_a_view_shows_its_columns_until_they_are_changed_in_it() -> None:
    app = AppTest.from_function(_columns).run()
    assert not app.exception
    own = "occurred_at risk action target actor category outcome"
    assert json.loads(app.json[0].value) == [
        own,
        "risk action",
        "action event_id",
        "action event_id",
        "risk action",
        "kind",
        "target",
        "kind",
        "kind",
        own,
    ]


def test_columns_are_part_of_a_view(store: Store) -> None:
    page = Explore("kind=delete").do("create", name="Mine")
    view = named(store, "Mine")
    assert view.columns[:3] == ("occurred_at", "risk", "action")
    maya = Viewer("maya", "Maya Lind")
    saved_views.save(store, maya, view.view_id, Filter.parse(view.query), ("action", "risk"))
    assert not page.do().menu["edited"]


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"do": "drop"},
        {"do": ["open"]},
        {"do": "open", "id": 1},
        {"do": "star", "id": "a", "on": "yes"},
        {"do": "create", "name": None},
        {"do": "create", "name": "a", "shared": 1},
    ],
)
def test_other_messages_are_ignored(message: dict[str, Any]) -> None:
    assert view_menu._parse(message) is None
    assert share_menu._parse(message | {"fixed": "yes"}) is None
