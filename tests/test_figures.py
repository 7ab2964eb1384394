"""A figure is the same wherever it stands: on pages, in the API, files and commands.

`FIGURES` names each figure and where it appears. Each workspace is drawn once; the database of a
larger one is named by `TRAIL_FIGURES_DATABASE`.
"""

import csv
import datetime as dt
import functools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from tests import drawn_page, in_process
from tests.drawn_page import DrawnPage
from trail import demo
from trail.accounts.users import User, Users
from trail.core import catalogue
from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.core.settings import Store as StoreSettings
from trail.findings.refresh import refresh
from trail.incidents import grouping
from trail.ingest.files import load_files
from trail.runtime import demo_database, process
from trail.runtime.process import Runtime
from trail.runtime.scheduler import Schedule
from trail.storage.database import Store
from trail.web import api, attention_route
from trail.web.guard import SCOPE_USER

DATABASE_VARIABLE = "TRAIL_FIGURES_DATABASE"
ZONE = "tz=Europe/Oslo"
# What is expected of the other places where a digest has no lines.
NOTHING = {"number": 0, "change": "–"}
# The number of events, incidents or changes that the head of a page states.
HEAD = r'trail-summary"><b>([\d,]+)</b>'
INCIDENTS = r"of ([\d,]+) incident"
QUERY = f"from=30d&{ZONE}"


class _OwnerMiddleware:
    """Sets an owner as the user, whom the guard would have checked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[SCOPE_USER] = User("maya", "Maya Lind", "", "owner")
        await self._app(scope, receive, send)


class Workspace:
    """What a workspace shows, each place read once."""

    def __init__(self, folder: Path, copy: Path) -> None:
        self.folder, self.copy = folder, copy
        routes = Starlette(
            routes=[*api.ROUTES, *attention_route.ROUTES], middleware=[Middleware(_OwnerMiddleware)]
        )
        self.client = TestClient(routes)

    @functools.cache
    def page(self, path: str, query: str = QUERY) -> DrawnPage:
        return drawn_page.draw(path, query)

    def linked(self, address: str) -> DrawnPage:
        """Return the page that a link leads to."""
        parts = urlsplit(address)
        return self.page(parts.path.removeprefix("/"), parts.query)

    @functools.cache
    def api(self, path: str, query: str = QUERY) -> dict[str, Any]:
        answer = self.client.get(f"/api/{path}?{query}")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    @functools.cache
    def incidents(self) -> list[dict[str, Any]]:
        """Return the incidents of all pages of the API."""
        listed: list[dict[str, Any]] = []
        while page := self.api("incidents", f"{QUERY}&limit=1000&skip={len(listed)}")["incidents"]:
            listed += page
        return listed

    @functools.cache
    def rows(self, path: str, query: str = QUERY) -> list[dict[str, str]]:
        """Return the rows of a CSV download."""
        answer = self.client.get(f"{path}?{query}")
        assert answer.status_code == 200, answer.text
        return list(csv.DictReader(answer.text.removeprefix("\ufeff").splitlines()))

    @functools.cache
    def command(self, *arguments: str) -> Any:
        """Return what a command prints with `--json`, on a copy of the database."""
        environment = {**os.environ, "TRAIL_STORE__PATH": str(self.copy)}
        code, output, remarks = in_process.run([*arguments, "--json"], environment, self.folder)
        assert code == 0, remarks
        lines = [json.loads(line) for line in output.splitlines()]
        return lines if arguments[0] in _LINES else lines[0]


# Commands that print one line of JSON for each record.
_LINES = ("attention", "events", "findings", "incidents")


Reader = Callable[[Workspace], Any]


def _number(text: object) -> int:
    return int(str(text).replace(",", "").split()[0])


def _tile(page: str, name: str) -> Reader:
    return lambda workspace: workspace.page(page).tile_number(name)


def _events(page: DrawnPage) -> int:
    """Return the number of events or changes that the head of a page states."""
    return page.number(HEAD)


def _behind_tile(name: str) -> Reader:
    """Return the number of events on the page that a tile of Overview leads to."""
    return lambda workspace: _events(
        workspace.linked(workspace.page("overview").tile(name)["address"])
    )


def _head(page: str, pattern: str = HEAD, more: str = "") -> Reader:
    return lambda workspace: workspace.page(page, QUERY + more).number(pattern)


def _api(path: str, field: str = "count", more: str = "") -> Reader:
    return lambda workspace: workspace.api(path, QUERY + more)[field]


def _csv(path: str, more: str = "", **wanted: str) -> Reader:
    """Return the number of rows of a CSV with these values."""

    def read(workspace: Workspace) -> int:
        rows = workspace.rows(path, QUERY + more)
        return sum(all(row[name] == value for name, value in wanted.items()) for row in rows)

    return read


def _command(command: str, more: str = "", **wanted: object) -> Reader:
    """Return the number of records that a command prints with these values."""

    def read(workspace: Workspace) -> int:
        rows = workspace.command(command, "--query", QUERY + more)
        return sum(all(row[name] == value for name, value in wanted.items()) for row in rows)

    return read


def _incidents(**wanted: object) -> dict[str, Reader]:
    """Return the places that list incidents, with those that have these values."""
    texts = {name: str(value) for name, value in wanted.items()}

    def listed(workspace: Workspace) -> int:
        rows = workspace.incidents()
        return sum(all(row[name] == value for name, value in wanted.items()) for row in rows)

    return {
        "API": listed,
        "CSV": _csv("/export.incidents.csv", **texts),
        "command": _command("incidents", **wanted),
    }


def _attempts(place: str) -> Reader:
    def read(workspace: Workspace) -> int:
        if place == "API":
            rows = workspace.incidents()
        elif place == "CSV":
            rows = workspace.rows("/export.incidents.csv", QUERY)
        else:
            rows = workspace.command("incidents", "--query", QUERY)
        return sum(int(row["attempts"]) for row in rows)

    return read


def _facet(workspace: Workspace, field: str, more: str = "") -> dict[str, int]:
    """Return the counts of a facet of Explore by value."""
    [facets] = workspace.page("explore", QUERY + more).components["facets"]
    [group] = [group for group in facets["groups"] if group["field"] == field]
    return {item["value"]: item["count"] for item in group["values"]}


def _categories(place: str) -> Reader:
    def read(workspace: Workspace) -> dict[str, int]:
        if place == "Overview":
            lists = workspace.page("overview").components["list"]
            [rows] = [data["rows"] for data in lists if data["kind"] == "categories"]
            return {
                row["name"]: row["count"] for row in rows if row["count"] and row["name"] != "Other"
            }
        if place == "API":
            found = workspace.api("facets", f"{QUERY}&changes=yes")["category"]
            counts = {row["value"]: row["count"] for row in found}
        else:
            counts = _facet(workspace, "category", "&changes=yes")
        shown = catalogue.CATEGORIES[:8]
        return {name: number for name, number in counts.items() if name in shown}

    return read


def _most_active(workspace: Workspace) -> str:
    """Return the person with most changes, as listed on Overview; empty without one."""
    rows = _most_active_rows(workspace)
    return rows[0]["value"] if rows else ""


def _most_active_rows(workspace: Workspace) -> list[dict[str, Any]]:
    lists = workspace.page("overview").components["list"]
    return next(data["rows"] for data in lists if data.get("title") == "Most active people")


def _changes_of_most_active(place: str) -> Reader:
    def read(workspace: Workspace) -> int:
        actor = _most_active(workspace)
        if not actor:
            return 0
        if place == "Overview":
            return int(_most_active_rows(workspace)[0]["count"])
        if place == "link":
            return _events(workspace.linked(_most_active_rows(workspace)[0]["address"]))
        if place == "facet":
            return _facet(workspace, "actor", "&changes=yes&actor_type=user")[actor]
        rows = workspace.page("people").components["table"][0]["rows"]
        [cells] = [row["cells"] for row in rows if row["id"] == actor]
        return _number(cells[5])

    return read


def _actors(place: str, kind: str) -> Reader:
    """Return the number of people or tokens with changes, as facet values or in the API."""
    more = f"&changes=yes&actor_type={kind}"

    def read(workspace: Workspace) -> int:
        if place == "API":
            return len(workspace.api("facets", QUERY + more)["actor"])
        [facets] = workspace.page("explore", QUERY + more).components["facets"]
        [group] = [group for group in facets["groups"] if group["field"] == "actor"]
        return int(group["total_values"])

    return read


def _bars(page: str, more: str = "") -> Reader:
    """Return the sum of all bars of the first chart of a page."""

    def read(workspace: Workspace) -> int:
        charts = workspace.page(page, QUERY + more).components.get("time_chart", [])
        return sum(sum(series["counts"]) for chart in charts[:1] for series in chart["series"])

    return read


def _first_incident(place: str) -> Reader:
    def read(workspace: Workspace) -> int:
        listed = workspace.incidents()
        if not listed:
            return 0
        first = listed[0]["incident_id"]
        page = workspace.page("failures", f"{QUERY}&incident={first}")
        if place == "Explore":
            return len(listed[0]["event_ids"])
        if place == "API":
            return int(listed[0]["attempts"])
        [table] = page.components["table"]
        column = [column["name"] for column in table["columns"]].index("attempts")
        [row] = [row for row in table["rows"] if row["id"] == first]
        return _number(row["cells"][column])

    return read


def _digest(key: str, field: str = "number") -> dict[str, Reader]:
    """Return the places of a line of the digest of the last full week."""

    def line(sections: list[dict[str, Any]]) -> Any:
        lines = [line for section in sections for line in section["lines"]]
        found = [line[field] for line in lines if line.get("key") == key]
        return found[0] if found else NOTHING[field]

    return {
        "digest": lambda workspace: line(
            workspace.page("digest", ZONE).components["digest"][0]["sections"]
        ),
        "digest, API": lambda workspace: line(workspace.api("digest", ZONE)["sections"]),
        "digest, command": lambda workspace: line(
            workspace.command("digest", "--tz", "Europe/Oslo")["sections"]
        ),
    }


def _week(workspace: Workspace) -> str:
    """Return the query of the week of the digest, whose last day is included."""
    digest = workspace.api("digest", ZONE)
    end = dt.date.fromisoformat(digest["to"]) + dt.timedelta(days=1)
    return urlencode({"from": digest["from"], "to": end.isoformat(), "tz": digest["tz"]})


def _of_week(page: str, more: str = "", pattern: str = HEAD) -> Reader:
    return lambda workspace: workspace.page(page, _week(workspace) + more).number(pattern)


def _sources(place: str) -> Reader:
    def read(workspace: Workspace) -> int:
        if place == "command":
            rows = workspace.command("status")["sources"]
            return sum(row["state"] == "ok" for row in rows)
        lists = workspace.page("overview").components.get("status_rows", [])
        rows = [row for data in lists for row in data["rows"]]
        return sum(row["state"] == "OK" and "section=sources" in row["address"] for row in rows)

    return read


def _routine(workspace: Workspace) -> int:
    text = workspace.page("overview").text
    return (
        workspace.page("overview").number(r"([\d,]+) routine event")
        if "routine event" in text
        else 0
    )


CHANGED = "&changes=yes"
DESTRUCTIVE = "&kind=delete&kind=disable&kind=disconnect"
ROUTINE = "&kind=complete&kind=detect&kind=enforce&kind=read&kind=run"

# By figure, the places where it stands.
FIGURES: dict[str, dict[str, Reader]] = {
    "changes": {
        "Overview, tile": _tile("overview", "Changes"),
        "Overview, head": _head("overview"),
        "behind the tile": _behind_tile("Changes"),
        "Timeline": _head("timeline", more=CHANGED),
        "API": _api("events", more=CHANGED),
        "CSV": _csv("/export.csv", CHANGED),
    },
    "events": {
        "Overview": _head("overview", r"changes of ([\d,]+) event"),
        "Explore": _head("explore"),
        "Timeline": _head("timeline"),
        "API": _api("events"),
        "API, bars": lambda workspace: sum(
            bar["count"] for bar in workspace.api("timeline")["bars"]
        ),
        "API, facets": lambda workspace: sum(
            item["count"] for item in workspace.api("facets")["category"]
        ),
        "CSV": _csv("/export.csv"),
        "command": _command("events"),
    },
    "destructive changes": {
        "Overview, tile": _tile("overview", "Destructive changes"),
        "behind the tile": _behind_tile("Destructive changes"),
        "API": _api("events", more=DESTRUCTIVE),
        "CSV": _csv("/export.csv", DESTRUCTIVE),
    },
    "routine events": {
        "Overview": _routine,
        "Explore": _head("explore", more=ROUTINE),
        "API": _api("events", more=ROUTINE),
    },
    "changes by category": {place: _categories(place) for place in ("Overview", "Explore", "API")},
    "changes of the most active": {
        place: _changes_of_most_active(place) for place in ("Overview", "link", "facet", "People")
    },
    "incidents": {
        "Failures": _head("failures", INCIDENTS),
        "API, count": _api("incidents"),
        **_incidents(),
    },
    "open incidents": {
        "Overview": _tile("overview", "Open incidents"),
        "Failures": _head("failures", more="&group=open"),
        "behind the tile": _behind_tile("Open incidents"),
        **_incidents(open=True),
    },
    **{
        f"{name} incidents": {
            "Failures": _head("failures", INCIDENTS, f"&pattern={name.replace(' ', '+')}"),
            **_incidents(**{"class": name}),
        }
        for name in grouping.CLASSES
    },
    "failed attempts": {
        "Failures": _head("failures", r"of ([\d,]+) failed attempt"),
        **{place: _attempts(place) for place in ("API", "CSV", "command")},
    },
    "people with changes": {
        "Overview": _tile("overview", "Active people"),
        "Explore": _actors("Explore", "user"),
        "API": _actors("API", "user"),
    },
    "tokens with changes": {
        "Overview": _tile("overview", "Active tokens"),
        "Explore": _actors("Explore", "token"),
        "API": _actors("API", "token"),
    },
    "changes in the chart": {
        "Overview, bars": _bars("overview"),
        "Timeline, bars": _bars("timeline", CHANGED),
        "API": _api("events", more=CHANGED),
    },
    "attempts of the first incident": {
        "Failures": _first_incident("Failures"),
        "API": _first_incident("API"),
        "Explore": _first_incident("Explore"),
    },
    "findings": {
        "Unusual": _head("unusual", r"of ([\d,]+) finding"),
        "API": lambda workspace: len(workspace.api("findings")["findings"]),
        "CSV": _csv("/export.findings.csv"),
        "command": _command("findings"),
    },
    "findings to review": {
        "Overview": _tile("overview", "Findings to review"),
        "Unusual": _head("unusual"),
        "API": lambda workspace: sum(
            row["state"] == "open" for row in workspace.api("findings")["findings"]
        ),
        "CSV": _csv("/export.findings.csv", state="open"),
        "command": _command("findings", state="open"),
    },
    "what needs attention": {
        "Overview": lambda workspace: _number(
            workspace.page("overview").components["attention"][0]["count"] or 0
        ),
        "API": lambda workspace: workspace.api("attention", "")["count"],
        "command": lambda workspace: sum(item["count"] for item in workspace.command("attention")),
        **_digest("needs_attention"),
    },
    # Of the last full week, which the digest is about.
    "changes of the week": {
        **_digest("changes"),
        "Overview": _of_week("overview"),
        "Explore": _of_week("explore", CHANGED),
    },
    "change of changes of the week": {
        **_digest("changes", "change"),
        "Overview": lambda workspace: workspace.page("overview", _week(workspace)).tile("Changes")[
            "change"
        ],
    },
    "destructive changes of the week": {
        **_digest("destructive"),
        "Overview": lambda workspace: workspace.page("overview", _week(workspace)).tile_number(
            "Destructive changes"
        ),
    },
    "events of the week": {**_digest("events"), "Timeline": _of_week("timeline")},
    "incidents of the week": {
        **_digest("incidents"),
        "Failures": _of_week("failures", pattern=INCIDENTS),
    },
    "open incidents of the week": {
        **_digest("open_incidents"),
        "Failures": _of_week("failures", "&group=open"),
    },
    "findings to review of the week": {
        **_digest("undecided_findings"),
        "Unusual": _of_week("unusual"),
    },
    "active people and tokens of the week": {
        **_digest("active_actors"),
        "People": _of_week("people"),
    },
    "sources that collect": {
        **_digest("sources_ok"),
        "Overview": _sources("Overview"),
        "command": _sources("command"),
    },
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("TRAIL_")]:
            if name != DATABASE_VARIABLE:
                patch.delenv(name)
        folder = tmp_path_factory.mktemp("figures")
        patch.setenv("TRAIL_CONFIG", str(folder / "no-such-trail.toml"))
        yield folder


def _random(events: int, days: int, seed: int) -> Callable[[Path], None]:
    def fill(path: Path) -> None:
        lines = path.with_name("events.ndjson")
        demo.write(lines, events, days, seed)
        settings = Settings(store=StoreSettings(path=path, memory="1GB"))
        store = Store.open(path, settings)
        list(load_files(store, settings, [lines]))
        store.close()

    return fill


def _demo(path: Path) -> None:
    settings = Settings(store=StoreSettings(path=path, memory="1GB"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_database, "EVENTS", 6_000)
        demo_database.open_store(path, settings).close()


def _empty(path: Path) -> None:
    Store.open(path, Settings(store=StoreSettings(path=path, memory="1GB"))).close()


WORKSPACES: dict[str, Callable[[Path], object]] = {
    "empty": _empty,
    "demo": _demo,
    "ten days": _random(1_500, 10, 11),
}
if named := os.environ.get(DATABASE_VARIABLE):
    WORKSPACES["of the environment"] = lambda path: shutil.copy(named, path)


@pytest.fixture(scope="module", params=WORKSPACES)
def workspace(request: pytest.FixtureRequest, folders: Path) -> Iterator[Workspace]:
    """Return a workspace of which pages, routes and commands are read."""
    folder = folders / request.param.replace(" ", "-")
    folder.mkdir()
    path, copy = folder / "trail.duckdb", folder / "copy.duckdb"
    WORKSPACES[request.param](path)
    settings = Settings(store=StoreSettings(path=path, memory="1GB"))
    unscored = Store.open(path, settings)
    refresh(unscored, utc_now())  # as the server does in the background
    unscored.close()
    shutil.copy(path, copy)
    store, nothing = Store.open(path, settings), cast("Any", None)
    schedule = Schedule(settings, lambda: store, lambda: store)
    users = Users(folder / "users.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "_current", [])
        process.start(Runtime(settings, store, users, nothing, nothing, schedule, demo=False))
        yield Workspace(folder, copy)
    schedule.close()
    store.close()


@pytest.mark.parametrize("figure", FIGURES)
def test_figure_is_equal_wherever_it_stands(workspace: Workspace, figure: str) -> None:
    found = {place: read(workspace) for place, read in FIGURES[figure].items()}
    assert len({json.dumps(value, sort_keys=True) for value in found.values()}) == 1, found
