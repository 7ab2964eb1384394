"""A figure is the same wherever it stands: on pages, in the API, files and commands.

`FIGURES` names each figure and where it appears. Each workspace is drawn once; the database of a
larger one is named by `TRAIL_FIGURES_DATABASE`.
"""

import datetime as dt
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from tests import fixed_clock
from tests.figures import readers
from tests.figures.readers import Reader
from tests.figures.workspace import Workspace
from trail import demo
from trail.accounts.users import Users
from trail.core.clock import utc_now
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.findings.refresh import refresh
from trail.incidents import grouping
from trail.ingest.files import load_files
from trail.runtime import demo_database, process
from trail.runtime.process import Runtime
from trail.runtime.scheduler import Schedule
from trail.storage.duckdb import Store

DATABASE_VARIABLE = "TRAIL_FIGURES_DATABASE"
INCIDENTS = r"of ([\d,]+) incident"
CHANGED = "&changes=yes"
DESTRUCTIVE = "&kind=delete&kind=disable&kind=disconnect"
ROUTINE = "&kind=complete&kind=detect&kind=enforce&kind=read&kind=run"

# By figure, the places where it stands.
FIGURES: dict[str, dict[str, Reader]] = {
    "changes": {
        "Overview, tile": readers.tile("overview", "Changes"),
        "Overview, head": readers.head("overview"),
        "behind the tile": readers.behind_tile("Changes"),
        "Timeline": readers.head("timeline", more=CHANGED),
        "API": readers.api("events", more=CHANGED),
        "CSV": readers.csv("/export.csv", CHANGED),
    },
    "events": {
        "Overview": readers.head("overview", r"of ([\d,]+) event"),
        "Explore": readers.head("explore"),
        "Timeline": readers.head("timeline"),
        "API": readers.api("events"),
        "API, bars": lambda workspace: sum(
            bar["count"] for bar in workspace.api("timeline")["bars"]
        ),
        "API, facets": lambda workspace: sum(
            item["count"] for item in workspace.api("facets")["category"]
        ),
        "CSV": readers.csv("/export.csv"),
        "command": readers.command("events"),
    },
    "destructive changes": {
        "Overview, tile": readers.tile("overview", "Destructive changes"),
        "behind the tile": readers.behind_tile("Destructive changes"),
        "API": readers.api("events", more=DESTRUCTIVE),
        "CSV": readers.csv("/export.csv", DESTRUCTIVE),
    },
    "routine events": {
        "Overview": readers.routine,
        "Explore": readers.head("explore", more=ROUTINE),
        "API": readers.api("events", more=ROUTINE),
    },
    "changes by category": {
        place: readers.categories(place) for place in ("Overview", "Explore", "API")
    },
    "changes of the most active": {
        place: readers.changes_of_most_active(place)
        for place in ("Overview", "link", "facet", "People")
    },
    "incidents": {
        "Failures": readers.head("failures", INCIDENTS),
        "API, count": readers.api("incidents"),
        **readers.incidents(),
    },
    "open incidents": {
        "Overview": readers.tile("overview", "Open incidents"),
        "Failures": readers.head("failures", more="&group=open"),
        "menu": readers.menu("failures"),
        "behind the tile": readers.behind_tile("Open incidents"),
        **readers.incidents(open=True),
    },
    **{
        f"{name} incidents": {
            "Failures": readers.head("failures", INCIDENTS, f"&pattern={name.replace(' ', '+')}"),
            **readers.incidents(**{"class": name}),
        }
        for name in grouping.CLASSES
    },
    "failed attempts": {
        "Failures": readers.head("failures", r"of ([\d,]+) failed attempt"),
        **{place: readers.attempts(place) for place in ("API", "CSV", "command")},
    },
    "people with changes": {
        "Overview": readers.tile("overview", "Active people"),
        "Explore": readers.actors("Explore", "user"),
        "API": readers.actors("API", "user"),
    },
    "tokens with changes": {
        "Overview": readers.tile("overview", "Active tokens"),
        "Explore": readers.actors("Explore", "token"),
        "API": readers.actors("API", "token"),
    },
    "changes in the chart": {
        "Overview, bars": readers.bars("overview"),
        "Timeline, bars": readers.bars("timeline", CHANGED),
        "API": readers.api("events", more=CHANGED),
    },
    "attempts of the first incident": {
        "Failures": readers.first_incident("Failures"),
        "API": readers.first_incident("API"),
        "Explore": readers.first_incident("Explore"),
    },
    "findings": {
        "Unusual": readers.head("unusual", r"of ([\d,]+) finding"),
        "API": lambda workspace: len(workspace.api("findings")["findings"]),
        "CSV": readers.csv("/export.findings.csv"),
        "command": readers.command("findings"),
    },
    "findings to review": {
        "Overview": readers.tile("overview", "Findings to review"),
        "Unusual": readers.head("unusual"),
        "menu": readers.menu("unusual"),
        "API": lambda workspace: sum(
            row["state"] == "open" for row in workspace.api("findings")["findings"]
        ),
        "CSV": readers.csv("/export.findings.csv", state="open"),
        "command": readers.command("findings", state="open"),
    },
    "what needs attention": {
        "Overview": lambda workspace: readers.number(
            workspace.page("overview").components["attention"][0]["count"] or 0
        ),
        "API": lambda workspace: workspace.api("attention", "")["count"],
        "command": lambda workspace: sum(item["count"] for item in workspace.command("attention")),
        **readers.digest("needs_attention"),
    },
    # Of the last full week, which the digest is about.
    "changes of the week": {
        **readers.digest("changes"),
        "Overview": readers.of_week("overview"),
        "Explore": readers.of_week("explore", CHANGED),
    },
    "change of changes of the week": {
        **readers.digest("changes", "change"),
        "Overview": readers.change_of_week("Changes"),
    },
    "destructive changes of the week": {
        **readers.digest("destructive"),
        "Overview": lambda workspace: workspace.page(
            "overview", readers.week(workspace)
        ).tile_number("Destructive changes"),
    },
    "events of the week": {**readers.digest("events"), "Timeline": readers.of_week("timeline")},
    "incidents of the week": {
        **readers.digest("incidents"),
        "Failures": readers.of_week("failures", pattern=INCIDENTS),
    },
    "open incidents of the week": {
        **readers.digest("open_incidents"),
        "Failures": readers.of_week("failures", "&group=open"),
    },
    "findings to review of the week": {
        **readers.digest("undecided_findings"),
        "Unusual": readers.of_week("unusual"),
    },
    "active people and tokens of the week": {
        **readers.digest("active_actors"),
        "People": readers.of_week("people"),
    },
    "sources that collect": {
        **readers.digest("sources_ok"),
        "Overview": readers.sources("Overview"),
        "command": readers.sources("command"),
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


def _random(events: int, days: int, until: int) -> Callable[[Settings], None]:
    """Return what loads random *events* of the *days* until so many days ago, and archives some."""

    def fill(settings: Settings) -> None:
        lines = settings.store.path.with_name("events.ndjson")
        demo.write(lines, events, days, 11, utc_now() - dt.timedelta(days=until))
        store = Store.open(settings.store.path, settings)
        list(load_files(store, settings, [lines]))
        refresh(store, utc_now())
        assert fixed_clock.retain(store, settings, utc_now()).archived
        store.close()

    return fill


def _demo(settings: Settings) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_database, "EVENTS", 6_000)
        demo_database.open_store(settings.store.path, settings).close()


def _empty(settings: Settings) -> None:
    Store.open(settings.store.path, settings).close()


WORKSPACES: dict[str, Callable[[Settings], object]] = {
    "empty": _empty,
    "demo": _demo,
    "partly archived": _random(1_500, 14, 0),
    "all archived": _random(800, 10, 9),
}
# Events of the archive, where a workspace has one, are older than this.
_ARCHIVED_DAYS = 7
if named := os.environ.get(DATABASE_VARIABLE):
    WORKSPACES["of the environment"] = lambda settings: shutil.copy(named, settings.store.path)


@pytest.fixture(scope="module", params=WORKSPACES)
def workspace(request: pytest.FixtureRequest, folders: Path) -> Iterator[Workspace]:
    """Return a workspace of which pages, routes and commands are read."""
    folder = folders / request.param.replace(" ", "-")
    folder.mkdir()
    path, copy = folder / "trail.duckdb", folder / "copy.duckdb"
    given = StoreSettings(path=path, memory="1GB")
    if "archived" in request.param:
        of_archive = {"archive": True, "archive_path": folder / "archive"}
        given = given.model_copy(update={**of_archive, "retention_days": _ARCHIVED_DAYS})
    settings = Settings(store=given)
    WORKSPACES[request.param](settings)
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
        for name in ("archive", "archive_path", "retention_days"):
            patch.setenv(f"TRAIL_STORE__{name.upper()}", str(getattr(given, name)))
        yield Workspace(folder, copy)
    schedule.close()
    store.close()


@pytest.mark.parametrize("figure", FIGURES)
def test_figure_is_equal_wherever_it_stands(workspace: Workspace, figure: str) -> None:
    found = {place: read(workspace) for place, read in FIGURES[figure].items()}
    assert len({json.dumps(value, sort_keys=True) for value in found.values()}) == 1, found
