"""The small tables around the events: actions and targets get their keys here.

There are few new names compared with events, so that the meaning of an action's name is looked up
once per chunk, in Python, and joined to the records.
"""

import pyarrow as pa

from trail.core import catalogue
from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.storage import cursors, ledger, search_text
from trail.storage.connection import Cursor, arrow
from trail.storage.distinct import distinct, spread

# The mark with the version of the catalogue that classified the stored actions.
CATALOGUE = "catalogue"

_NEW_ACTIONS = """
select action_raw from named_actions
where action_raw not in (select action_raw from actions) order by action_raw
"""

_NEW_TARGETS = f"""
insert into targets
select coalesce((select max(target_key) from targets), 0)
  + row_number() over (order by target_type, target_id, target_name),
 target_type, target_id, target_name, {search_text.TARGET}
from named_targets f where not exists (select 1 from targets t where t.target_type = f.target_type
 and t.target_id = f.target_id and t.target_name = f.target_name)
"""

_ACTION_KEYS = """
select a.action_key from named_actions f join actions a using (action_raw) order by f.place
"""

_TARGET_KEYS = """
select t.target_key
from named_targets f join targets t using (target_type, target_id, target_name) order by f.place
"""


def assign(cursor: Cursor, events: pa.Table) -> pa.Table:
    """Return the columns action_key and target_key of *events*; new names get keys first.

    *events* has action_raw, target_type, target_id and target_name.
    """
    action_places, actions = distinct(events, ("action_raw",))
    target_places, targets = distinct(events, ("target_type", "target_id", "target_name"))
    cursor.register("named_actions", actions)
    cursor.register("named_targets", targets)
    new = [row[0] for row in cursor.execute(_NEW_ACTIONS).fetchall()]
    if new:
        add_actions(cursor, new)
    cursor.execute(_NEW_TARGETS)
    action_keys = spread(arrow(cursor, _ACTION_KEYS), action_places)
    target_keys = spread(arrow(cursor, _TARGET_KEYS), target_places)
    return action_keys.append_column("target_key", target_keys["target_key"])


def add_actions(cursor: Cursor, names: list[str]) -> None:
    """Add the producer's *names* to `actions`, read by the catalogue."""
    cursor.register("new_actions", _read(names))
    cursor.execute(
        "insert into actions select coalesce((select max(action_key) from actions), 0) "
        "+ row_number() over (order by action_raw), * from new_actions"
    )


def map_action(cursor: Cursor, action_raw: str, category: str, made_by: str) -> None:
    """Put the type *action_raw* in *category*; an empty one undoes that.

    Raises `InputError` for a category that does not exist.
    """
    if category and category not in catalogue.CATEGORIES:
        raise InputError("Unknown category.", "Choose a category from the list.")
    here = {"name": action_raw}
    with ledger.changing(cursor, "mappings", "action_raw = $name", here):
        cursor.execute("delete from mappings where action_raw = $name", here)
        if category:
            cursor.execute(
                "insert into mappings values ($name, $category, $by, $now)",
                {"name": action_raw, "category": category, "by": made_by, "now": utc_now()},
            )
    refresh_actions(cursor)


def refresh_if_changed(cursor: Cursor) -> None:
    """Classify every action again if the catalogue has changed since the last start."""
    if cursors.read(cursor, CATALOGUE) != catalogue.VERSION:
        refresh_actions(cursor)
        cursors.put(cursor, CATALOGUE, catalogue.VERSION)


def refresh_actions(cursor: Cursor) -> None:
    """Classify every stored action by the catalogue and by the owners' mappings."""
    names = [row[0] for row in cursor.execute("select action_raw from actions").fetchall()]
    cursor.register("told_again", _read(names))
    cursor.execute(
        "create or replace temp table read_again as select t.* replace ("
        "coalesce(m.category, t.category) as category, t.known or m.category is not null as known) "
        "from told_again t left join mappings m using (action_raw)"
    )
    cursor.execute(
        "update actions set action = r.action, category = r.category, kind = r.kind, "
        "outcome = r.outcome, risk = r.risk, known = r.known "
        "from read_again r where r.action_raw = actions.action_raw "
        "and (actions.action, actions.category, actions.kind, actions.outcome, actions.risk, "
        "actions.known) "
        "is distinct from (r.action, r.category, r.kind, r.outcome, r.risk, r.known)"
    )


def _read(names: list[str]) -> pa.Table:
    read = [catalogue.resolve(name) for name in names]
    return pa.table(
        {
            "action_raw": pa.array(names, pa.string()),
            "action": pa.array([action.name for action in read], pa.string()),
            "category": pa.array([action.category for action in read], pa.string()),
            "kind": pa.array([action.kind for action in read], pa.string()),
            "outcome": pa.array([action.outcome for action in read], pa.string()),
            "risk": pa.array([action.risk for action in read], pa.int8()),
            "known": pa.array([action.known for action in read], pa.bool_()),
        }
    )
