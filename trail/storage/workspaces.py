"""The workspaces of the stored events, and what they are called.

Events have the IDs of workspaces, as their records or else the source that polls them say; names
come from these sources too.
"""

import json
from collections import Counter
from collections.abc import Iterable

from trail.storage import cursors
from trail.storage.connection import Cursor
from trail.storage.cube import CUBE
from trail.storage.engine import Engine

# The marks of the workspace that names the whole trail, of the names of all by ID, and of the IDs
# by the source that polls them.
FIRST, NAMES, SOURCES = "workspace", "workspaces", "workspace_sources"


def put_name(cursor: Cursor, workspace_id: str, name: str) -> None:
    """Keep the *name* of a workspace."""
    known = json.loads(cursors.read(cursor, NAMES) or "{}")
    cursors.put(cursor, NAMES, json.dumps({**known, workspace_id: name}))


def put_source(cursor: Cursor, source: str, workspace_id: str) -> None:
    """Store the workspace that *source* polls."""
    known = json.loads(cursors.read(cursor, SOURCES) or "{}")
    cursors.put(cursor, SOURCES, json.dumps({**known, source: workspace_id}))


def by_source(engine: Engine) -> dict[str, str]:
    """Return the IDs of the polled workspaces by source."""
    known: dict[str, str] = json.loads(cursors.get(engine, SOURCES) or "{}")
    return known


def names(engine: Engine) -> dict[str, str]:
    """Return the names of the polled workspaces by ID."""
    first = json.loads(cursors.get(engine, FIRST) or "{}")
    known = {first["id"]: first["name"]} if first else {}
    return {**known, **json.loads(cursors.get(engine, NAMES) or "{}")}


def labels(engine: Engine, ids: Iterable[str] = ()) -> dict[str, str]:
    """Return the display names of the polled workspaces and of *ids*, by ID.

    That is the name, with the ID if several have that name, or the ID if no name is known.
    """
    named = {id_: name for id_, name in names(engine).items() if name}
    count = Counter(named.values())
    known = {id_: name if count[name] == 1 else f"{name} ({id_})" for id_, name in named.items()}
    return {**{id_: id_ for id_ in ids}, **known}


def of_sources(engine: Engine) -> dict[str, str]:
    """Return the display names of workspaces by polling source; empty for a single workspace."""
    sources = by_source(engine)
    if len(sources) < 2:
        return {}
    known = labels(engine, sources.values())
    return {source: known[id_] for source, id_ in sources.items()}


def stored(engine: Engine) -> list[str]:
    """Return the IDs of the workspaces that stored events name, sorted."""
    table = engine.table(f"select distinct workspace_id as id from {CUBE} where workspace_id <> ''")
    return sorted(table["id"].to_pylist())
