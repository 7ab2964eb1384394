"""Who the workspace's people are, and what it is called: kept from what its API tells.

Events have ids, and from one source no e-mail; the directory gives ids their names. People who
left the workspace stay, with the time when they were last listed.
"""

import json

import pyarrow as pa

from trail.core.clock import utc_now
from trail.core.model import Directory
from trail.ingest import identities
from trail.storage import cursors, ledger, workspaces
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine

_NAMES = """
update actors set actor_name = p.name,
 actor_email = case when p.email <> '' then p.email else actors.actor_email end,
 email_at = case when p.email <> '' then p.seen_at else actors.email_at end
from people p
where actors.actor_id = p.actor_id and actors.actor_type = 'user'
 and (actors.actor_name is distinct from p.name
  or (p.email <> '' and actors.actor_email is distinct from p.email))
"""


def keep(store: Store, directory: Directory, *, source: str = "", is_first: bool = True) -> None:
    """Store the *directory* of *source*, and update the names of known actors.

    The workspace that *is_first* names the whole trail.
    """
    people = directory.people
    message = pa.table(
        {
            "actor_id": pa.array([person.actor_id for person in people], pa.string()),
            "name": pa.array([person.name for person in people], pa.string()),
            "email": pa.array([person.email for person in people], pa.string()),
        }
    )
    about = {
        "id": directory.workspace_id,
        "name": directory.workspace_name,
        "slug": directory.workspace_slug,
    }

    def write(cursor: Cursor) -> None:
        cursor.register("listed", message)
        here = "actor_id in (select actor_id from listed)"
        with ledger.changing(cursor, "people", here):
            cursor.execute(f"delete from people where {here}")
            cursor.execute(
                "insert into people select actor_id, any_value(name), any_value(email), $now "
                "from listed group by actor_id",
                {"now": utc_now()},
            )
        cursor.execute(_NAMES)
        identities.merge(cursor)
        workspaces.put_name(cursor, about["id"], about["name"])
        if source:
            workspaces.put_source(cursor, source, about["id"])
        if is_first:
            cursors.put(cursor, workspaces.FIRST, json.dumps(about))

    store.write(write)


def workspace_name(engine: Engine) -> str:
    """Return the workspace's name from its API, or an empty string."""
    mark = cursors.get(engine, workspaces.FIRST)
    return str(json.loads(mark)["name"]) if mark else ""
