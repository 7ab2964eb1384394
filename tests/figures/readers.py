"""Readers of the figures of a workspace: each returns what one place states.

A reader takes a `Workspace`. The functions here make one for a page, route, file or command.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from tests.drawn_page import DrawnPage
from tests.figures.workspace import QUERY, ZONE, Workspace
from trail.core import catalogue

# What is expected of the other places where a digest has no lines.
NOTHING = {"number": 0, "change": "–"}
# The number of events, incidents or changes that the head of a page states.
HEAD = r'trail-summary"><b>([\d,]+)</b>'

Reader = Callable[[Workspace], Any]


def number(text: object) -> int:
    """Return the first number of a text."""
    return int(str(text).replace(",", "").split()[0])


def tile(page: str, name: str) -> Reader:
    """Return the number of a tile."""
    return lambda workspace: workspace.page(page).tile_number(name)


def _events(page: DrawnPage) -> int:
    """Return the number of events or changes that the head of a page states."""
    return page.number(HEAD)


def behind_tile(name: str) -> Reader:
    """Return the number of events on the page that a tile of Overview leads to."""
    return lambda workspace: _events(
        workspace.linked(workspace.page("overview").tile(name)["address"])
    )


def head(page: str, pattern: str = HEAD, more: str = "") -> Reader:
    """Return a number that the text of a page states, by default the first of its head."""
    return lambda workspace: workspace.page(page, QUERY + more).number(pattern)


def menu(path: str) -> Reader:
    """Return the number beside a page in the menu; 0 without one."""

    def read(workspace: Workspace) -> int:
        [data] = workspace.page("explore").components["menu_counts"]
        return sum(number(one["number"]) for one in data["counts"] if one["path"] == path)

    return read


def api(path: str, field: str = "count", more: str = "") -> Reader:
    """Return a field of a response of the API."""
    return lambda workspace: workspace.api(path, QUERY + more)[field]


def csv(path: str, more: str = "", **wanted: str) -> Reader:
    """Return the number of rows of a CSV with these values."""

    def read(workspace: Workspace) -> int:
        rows = workspace.rows(path, QUERY + more)
        return sum(all(row[name] == value for name, value in wanted.items()) for row in rows)

    return read


def command(command: str, more: str = "", **wanted: object) -> Reader:
    """Return the number of records that a command prints with these values."""

    def read(workspace: Workspace) -> int:
        rows = workspace.command(command, "--query", QUERY + more)
        return sum(all(row[name] == value for name, value in wanted.items()) for row in rows)

    return read


def incidents(**wanted: object) -> dict[str, Reader]:
    """Return the places that list incidents, with those that have these values."""
    texts = {name: str(value) for name, value in wanted.items()}

    def listed(workspace: Workspace) -> int:
        rows = workspace.incidents()
        return sum(all(row[name] == value for name, value in wanted.items()) for row in rows)

    return {
        "API": listed,
        "CSV": csv("/export.incidents.csv", **texts),
        "command": command("incidents", **wanted),
    }


def attempts(place: str) -> Reader:
    """Return the failed attempts of all incidents at a place."""

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


def categories(place: str) -> Reader:
    """Return the changes of each category at a place."""

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


def changes_of_most_active(place: str) -> Reader:
    """Return the changes of the most active person at a place; 0 without one."""

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
        return number(cells[5])

    return read


def actors(place: str, kind: str) -> Reader:
    """Return the number of people or tokens with changes, as facet values or in the API."""
    more = f"&changes=yes&actor_type={kind}"

    def read(workspace: Workspace) -> int:
        if place == "API":
            return len(workspace.api("facets", QUERY + more)["actor"])
        [facets] = workspace.page("explore", QUERY + more).components["facets"]
        [group] = [group for group in facets["groups"] if group["field"] == "actor"]
        return int(group["total_values"])

    return read


def bars(page: str, more: str = "") -> Reader:
    """Return the sum of all bars of the first chart of a page."""

    def read(workspace: Workspace) -> int:
        charts = workspace.page(page, QUERY + more).components.get("time_chart", [])
        return sum(sum(series["counts"]) for chart in charts[:1] for series in chart["series"])

    return read


def first_incident(place: str) -> Reader:
    """Return the attempts of the first incident at a place; 0 without one."""

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
        return number(row["cells"][column])

    return read


def digest(key: str, field: str = "number") -> dict[str, Reader]:
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


def change_of_week(tile: str) -> Reader:
    """Return the change on a tile of the Overview of the week of the digest."""
    return lambda workspace: (
        workspace.page("overview", week(workspace)).tile(tile).get("change", NOTHING["change"])
    )


def week(workspace: Workspace) -> str:
    """Return the query of the week of the digest, whose last day is included."""
    digest = workspace.api("digest", ZONE)
    end = dt.date.fromisoformat(digest["to"]) + dt.timedelta(days=1)
    return urlencode({"from": digest["from"], "to": end.isoformat(), "tz": digest["tz"]})


def of_week(page: str, more: str = "", pattern: str = HEAD) -> Reader:
    """Return a number that the text of a page states about the week of the digest."""
    return lambda workspace: workspace.page(page, week(workspace) + more).number(pattern)


def sources(place: str) -> Reader:
    """Return the number of sources that collect, at a place."""

    def read(workspace: Workspace) -> int:
        if place == "command":
            rows = workspace.command("status")["sources"]
            return sum(row["state"] == "ok" for row in rows)
        lists = workspace.page("overview").components.get("status_rows", [])
        rows = [row for data in lists for row in data["rows"]]
        return sum(row["state"] == "OK" and "section=sources" in row["address"] for row in rows)

    return read


def routine(workspace: Workspace) -> int:
    """Return the number of routine events that Overview leaves out; 0 where it states none."""
    text = workspace.page("overview").text
    return (
        workspace.page("overview").number(r"([\d,]+) routine event")
        if "routine event" in text
        else 0
    )
