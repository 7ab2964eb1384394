"""The sources that cover the same events: those of each workspace that is polled.

Where one workspace is not collected, its events are missing, whatever the others deliver.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from trail.storage import workspaces
from trail.storage.collected_by import WORKSPACE_MARK
from trail.storage.engine import Engine
from trail.storage.filters import Choice

# The choice of a filter that leaves out no workspace.
ALL = Choice()
_PATIENCE = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Group:
    """Sources that cover the same events: those of one workspace, or all without a workspace.

    `first` is when it was first watched, `covered` the end of that, `seen` its newest record.
    """

    name: str
    first: dt.datetime
    covered: dt.datetime
    seen: dt.datetime

    def goes_on(self, newest: dt.datetime) -> bool:
        """Return whether it is still polled when the newest record of any is that of *newest*."""
        return not self.name or newest - self.seen < _PATIENCE


# Webhooks and files do not name their workspace: they count for the first one.
GROUP = f"case when contains(source, '{WORKSPACE_MARK}') then source else '' end"


def groups(engine: Engine, now: dt.datetime, of: Choice = ALL) -> list[Group]:
    """Return the groups of the workspaces *of* a filter with a watched time before *now*."""
    rows = engine.table(
        f"select {GROUP} as name, min(from_at) filter (state = 'watched') as first, "
        "max(to_at) filter (state = 'watched') as covered, max(to_at) as seen "
        "from watches where from_at <= $now group by all having first is not null order by all",
        {"now": now},
    ).to_pylist()
    belongs = members(engine, of)
    return [Group(**row) for row in rows if belongs(row["name"])]


def members(engine: Engine, of: Choice) -> Callable[[str], bool]:
    """Return whether a source, or a group by name, may have events of the workspaces *of* a filter.

    That is also one whose workspace is not known.
    """
    if not of:
        return lambda source: True
    ids = workspaces.by_source(engine)
    first = next((id_ for source, id_ in ids.items() if WORKSPACE_MARK not in source), "")

    def belongs(source: str) -> bool:
        id_ = ids.get(source, "") if WORKSPACE_MARK in source else first
        return not id_ or ((not of.include or id_ in of.include) and id_ not in of.exclude)

    return belongs


def names(engine: Engine, groups_: Iterable[str]) -> list[str]:
    """Return what the workspaces of groups are called."""
    known = workspaces.of_sources(engine)
    first = next((name for source, name in known.items() if WORKSPACE_MARK not in source), "")
    return [
        known.get(name) or name.partition(WORKSPACE_MARK)[2] or first or "first workspace"
        for name in groups_
    ]


def condition(of: Choice) -> tuple[str, dict[str, object]]:
    """Return the SQL that an event is of the workspaces *of* a filter, and its parameters."""
    if not of:
        return "true", {}
    wanted = "list_contains($workspaces_in, workspace_id)" if of.include else "true"
    sql = f"{wanted} and not list_contains($workspaces_out, workspace_id)"
    params: dict[str, object] = {"workspaces_out": list(of.exclude)}
    return sql, params | ({"workspaces_in": list(of.include)} if of.include else {})
