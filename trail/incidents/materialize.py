"""Maintain the tables of incidents: recompute the series that new events affect.

Loading only marks the affected series as stale; the next query of incidents recomputes them. The
tables are therefore right after late events, repeated loads, retention and catalogue changes.
"""

import concurrent.futures
import contextlib

import numpy as np
import pyarrow as pa

from trail.core.catalogue import FAILED_KINDS
from trail.incidents import grouping, storm_updates
from trail.incidents.grouping import SECOND
from trail.storage import cursors, event_flags
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine

FAILED = f"kind in {FAILED_KINDS}"

# The API gives a target's id as a path, forwarded events only its last part.
TARGET = (
    "coalesce(nullif(case when contains(t.target_id, '/') "
    "then regexp_extract(t.target_id, '[^/]*$') else t.target_id end, ''), t.target_name)"
)

# The attempts as a selection reads them: all are of trusted events.
ATTEMPTS = "(select *, false as unverified, false as future_dated from attempts)"

# Increase it with any change of the rules, so that everything is recomputed.
_RULES_VERSION = "2"
_MARK = "incidents"
_TIMEOUT_S = 5.0


def mark_stale(cursor: Cursor, rows: str = "keyed") -> None:
    """Mark the series of the failed attempts among *rows* (with action_key, target_key) as stale.

    *rows* is the name of a table or view.
    """
    cursor.execute(
        f"insert into touched select distinct a.action, {TARGET}, t.target_key "
        f"from (select distinct action_key, target_key from {rows} where action_key in "
        f"(select action_key from actions where {FAILED})) "
        "join actions a using (action_key) join targets t using (target_key) "
        "where not exists (select 1 from touched d "
        "where d.action = a.action and d.target_key = t.target_key)"
    )


def keep_attempts(cursor: Cursor, rows: str) -> None:
    """Keep the failed attempts among *rows*, which are archived now, for the incidents.

    *rows* is the name of a table with the columns that `events` has of an attempt.
    """
    cursor.execute(
        f"insert into cold_attempts select {_ATTEMPT} from {rows} where {event_flags.TRUSTED} "
        f"and action_key in (select action_key from actions where {FAILED})"
    )


def catch_up(engine: Engine, timeout_s: float = _TIMEOUT_S) -> None:
    """Bring the incidents up to date; return immediately if they are.

    Every query of incidents calls this first. While a load occupies the writer it waits at most
    *timeout_s* seconds; the reader then gets the incidents as of the last update. A snapshot, or a
    transaction, is read as it is.
    """
    if not isinstance(engine, Store):
        return
    due = engine.table(
        "select exists (select 1 from touched) or coalesce("
        f"(select mark from marks where source = '{_MARK}'), '') <> '{_RULES_VERSION}:' "
        "|| coalesce((select mark from marks where source = 'catalogue'), '') as due"
    )
    if due["due"][0].as_py():
        with contextlib.suppress(concurrent.futures.TimeoutError):
            engine.submit(refresh).result(timeout_s)


def refresh(cursor: Cursor) -> int:
    """Recompute the stale series, inside a transaction; return how many incidents they have.

    All series are stale on the first call and after a change of the rules or of the catalogue.
    """
    version = f"{_RULES_VERSION}:{cursors.read(cursor, 'catalogue')}"
    all_series = cursors.read(cursor, _MARK) != version
    if all_series:
        for table in ("attempts", "incidents", "storms", "touched"):
            cursor.execute(f"delete from {table}")
        cursor.execute(
            f"create or replace temp table stale_targets as select target_key, {TARGET} as target "
            "from targets t"
        )
        cursors.put(cursor, _MARK, version)
    else:
        _delete_stale(cursor)
    stale = cursor.execute("select distinct action from touched").fetchall()
    actions = None if all_series else [action for (action,) in stale]
    count = _rebuild(cursor, all_series=all_series)
    cursor.execute("delete from touched")
    # Runs do not depend on storms, so a second round does not change the storms again.
    if storm_updates.update_storms(cursor, actions):
        _delete_stale(cursor)
        _rebuild(cursor, all_series=False)
        cursor.execute("delete from touched")
    storm_updates.assign_storms(cursor, actions)
    return count


def _delete_stale(cursor: Cursor) -> None:
    """Delete the incidents of the stale series, and list their targets in `stale_targets`.

    Every attempt either belongs to one of those incidents or was marked stale after it.
    """
    cursor.execute(
        "create or replace temp table stale_incidents as select i.incident_id, i.target "
        "from incidents i where (i.action, i.target) in (select action, target from touched)"
    )
    cursor.execute(
        "create or replace temp table stale_targets as select target_key, target from touched "
        "union select a.target_key, s.target from attempts a "
        "join stale_incidents s using (incident_id)"
    )
    for table in ("attempts", "incidents"):
        cursor.execute(
            f"delete from {table} where incident_id in (select incident_id from stale_incidents)"
        )


# What incidents need of an event.
_ATTEMPT = "event_id, occurred_at, action_key, actor_key, target_key, target_type, workspace_id"

_FAILED_ATTEMPTS = f"""
create or replace temp table failed_attempts as
select e.event_id, e.occurred_at, e.action_key, e.actor_key, e.target_key, e.target_type,
 e.workspace_id, a.action, n.target, coalesce((select max(epoch_us(s.first_at)) from storms s
  where s.action = a.action and e.occurred_at >= s.first_at and e.occurred_at < s.until), 0)
  as storm,
 row_number() over (order by a.action, n.target, e.occurred_at, e.event_id) - 1 as pos
from (select {_ATTEMPT} from trusted_events union all select {_ATTEMPT} from cold_attempts) e
join actions a using (action_key) join stale_targets n using (target_key)
where e.action_key in ({{keys}}) and {{stale}}
"""
_STALE = "(a.action, n.target) in (select action, target from touched)"

_NEW_INCIDENTS = """
create or replace temp table new_incidents as
select g.number, left(sha256(concat_ws(chr(10), f.action, f.target, f.event_id)), 16)
  as incident_id,
 f.action, f.target, l.action_key, l.target_key, f.event_id as first_event_id,
 f.occurred_at as first_at, l.occurred_at as last_at, g.attempts, g.runs, g.exhausted, g.class,
 nullif(g.beat_s, 0) as beat_s, g.gap_s
from incident_groups g join failed_attempts f on f.pos = g.first
join failed_attempts l on l.pos = g.last
"""


def _rebuild(cursor: Cursor, *, all_series: bool) -> int:
    keys = cursor.execute(f"select action_key from actions where {FAILED}").fetchall()
    if not keys:
        return 0
    key_list = ", ".join(str(key) for (key,) in keys)
    cursor.execute(_FAILED_ATTEMPTS.format(keys=key_list, stale="true" if all_series else _STALE))
    attempts = cursor.execute(
        "select dense_rank() over (order by action, target) as series, "
        "epoch_us(occurred_at) as at, storm from failed_attempts order by pos"
    ).fetchnumpy()
    groups = grouping.group(attempts["series"], attempts["at"], attempts["storm"])
    cursor.register(
        "attempt_groups",
        pa.table(
            {
                "pos": np.arange(len(groups.run)),
                "run": groups.run,
                "onset": groups.is_start,
                "number": groups.incident,
            }
        ),
    )
    cursor.register(
        "incident_groups",
        pa.table(
            {
                "number": np.arange(len(groups.first)),
                "first": groups.first,
                "last": groups.last,
                "attempts": groups.attempts,
                "runs": groups.runs,
                "exhausted": groups.exhausted,
                "class": pa.array(groups.classes.tolist(), pa.string()),
                "beat_s": groups.cadence // SECOND,
                "gap_s": groups.gap // SECOND,
            }
        ),
    )
    cursor.execute(_NEW_INCIDENTS)
    cursor.execute("insert into incidents select * exclude (number), null from new_incidents")
    cursor.execute(
        "insert into attempts select f.event_id, f.occurred_at, f.action_key, f.actor_key, "
        "f.target_key, f.target_type, f.workspace_id, m.incident_id, p.run, p.onset from "
        "failed_attempts f join attempt_groups p using (pos) join new_incidents m using (number)"
    )
    for name in ("attempt_groups", "incident_groups"):
        cursor.unregister(name)
    for name in ("new_incidents", "failed_attempts"):
        cursor.execute(f"drop table {name}")
    return len(groups.first)
