"""Incidents as tables: what new events touch is computed anew, and nothing else.

Loading only notes which series it touched; whoever reads incidents catches up first. So a load
costs nothing noticeable, and the tables are right after late events, a second load, retention, and
a new reading of the catalogue.
"""

import concurrent.futures
import contextlib

import numpy as np
import pyarrow as pa

from trail import marks
from trail.incidents import grouping, storming
from trail.incidents.grouping import SECOND
from trail.store import Cursor, Engine, Store

FAILED_KINDS = ("failure", "partial")
FAILED = "kind in ('failure', 'partial')"

# One road writes a target's id as a path, the other its last part.
TARGET = (
    "coalesce(nullif(case when contains(t.target_id, '/') "
    "then regexp_extract(t.target_id, '[^/]*$') else t.target_id end, ''), t.target_name)"
)

# Raise it with any change of the rules: everything is then computed anew.
_RULES = "1"
_MARK = "incidents"
_TIMEOUT_S = 5.0


def touch(cursor: Cursor, rows: str = "keyed") -> None:
    """Note the series of the failed attempts among *rows* (with action_key, target_key)."""
    cursor.execute(
        f"insert into touched select distinct a.action, {TARGET}, t.target_key "
        f"from (select distinct action_key, target_key from {rows} where action_key in "
        f"(select action_key from actions where {FAILED})) "
        "join actions a using (action_key) join targets t using (target_key) "
        "where not exists (select 1 from touched d "
        "where d.action = a.action and d.target_key = t.target_key)"
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
        f"(select mark from marks where source = '{_MARK}'), '') <> '{_RULES}:' "
        "|| coalesce((select mark from marks where source = 'catalogue'), '') as due"
    )
    if due["due"][0].as_py():
        with contextlib.suppress(concurrent.futures.TimeoutError):
            engine.submit(refresh).result(timeout_s)


def refresh(cursor: Cursor) -> int:
    """Compute the touched series anew, inside a transaction; return how many incidents they have.

    Without a mark, and after a change of the rules or of the catalogue, computes all of them.
    """
    mark = f"{_RULES}:{marks.read(cursor, 'catalogue')}"
    everything = marks.read(cursor, _MARK) != mark
    if everything:
        for table in ("attempts", "incidents", "storms", "touched"):
            cursor.execute(f"delete from {table}")
        cursor.execute(
            f"create or replace temp table near as select target_key, {TARGET} as target "
            "from targets t"
        )
        marks.put(cursor, _MARK, mark)
    else:
        _forget(cursor)
    touched = [row[0] for row in cursor.execute("select distinct action from touched").fetchall()]
    actions = None if everything else touched
    found = _group(cursor, everything=everything)
    cursor.execute("delete from touched")
    # Runs do not depend on storms, so that a second round finds the same ones.
    if storming.look(cursor, actions):
        _forget(cursor)
        _group(cursor, everything=False)
        cursor.execute("delete from touched")
    storming.join(cursor, actions)
    return found


def _forget(cursor: Cursor) -> None:
    """Drop the incidents of the touched series, and list in `near` what their targets are called.

    Every attempt is either one of those incidents' or has touched its series since.
    """
    cursor.execute(
        "create or replace temp table stale as select i.incident_id, i.target from incidents i "
        "where (i.action, i.target) in (select action, target from touched)"
    )
    cursor.execute(
        "create or replace temp table near as select target_key, target from touched union "
        "select a.target_key, s.target from attempts a join stale s using (incident_id)"
    )
    for table in ("attempts", "incidents"):
        cursor.execute(f"delete from {table} where incident_id in (select incident_id from stale)")


_FAILED = """
create or replace temp table failed as
select e.event_id, e.occurred_at, e.action_key, e.actor_key, e.target_key, e.target_type,
 e.workspace_id, a.action, n.target, coalesce((select max(epoch_us(s.first_at)) from storms s
  where s.action = a.action and e.occurred_at >= s.first_at and e.occurred_at < s.until), 0)
  as storm,
 row_number() over (order by a.action, n.target, e.occurred_at, e.event_id) - 1 as pos
from events e join actions a using (action_key) join near n using (target_key)
where e.action_key in ({keys}) and {touched}
"""
_TOUCHED = "(a.action, n.target) in (select action, target from touched)"

_MADE = """
create or replace temp table made as
select g.number, left(sha256(concat_ws(chr(10), f.action, f.target, f.event_id)), 16)
  as incident_id,
 f.action, f.target, l.action_key, l.target_key, f.event_id as first_event_id,
 f.occurred_at as first_at, l.occurred_at as last_at, g.attempts, g.runs, g.exhausted, g.class,
 nullif(g.beat_s, 0) as beat_s, g.gap_s
from groups g join failed f on f.pos = g.first join failed l on l.pos = g.last
"""


def _group(cursor: Cursor, *, everything: bool) -> int:
    keys = cursor.execute(f"select action_key from actions where {FAILED}").fetchall()
    if not keys:
        return 0
    among = ", ".join(str(key) for (key,) in keys)
    cursor.execute(_FAILED.format(keys=among, touched="true" if everything else _TOUCHED))
    read = cursor.execute(
        "select dense_rank() over (order by action, target) as series, "
        "epoch_us(occurred_at) as moment, storm from failed order by pos"
    ).fetchnumpy()
    found = grouping.group(read["series"], read["moment"], read["storm"])
    cursor.register(
        "placed",
        pa.table(
            {
                "pos": np.arange(len(found.run)),
                "run": found.run,
                "onset": found.onset,
                "number": found.incident,
            }
        ),
    )
    cursor.register(
        "groups",
        pa.table(
            {
                "number": np.arange(len(found.first)),
                "first": found.first,
                "last": found.last,
                "attempts": found.attempts,
                "runs": found.runs,
                "exhausted": found.exhausted,
                "class": pa.array(found.classes.tolist(), pa.string()),
                "beat_s": found.beat // SECOND,
                "gap_s": found.gap // SECOND,
            }
        ),
    )
    cursor.execute(_MADE)
    cursor.execute("insert into incidents select * exclude (number), null from made")
    cursor.execute(
        "insert into attempts select f.event_id, f.occurred_at, f.action_key, f.actor_key, "
        "f.target_key, f.target_type, f.workspace_id, m.incident_id, p.run, p.onset "
        "from failed f join placed p using (pos) join made m using (number)"
    )
    for name in ("placed", "groups"):
        cursor.unregister(name)
    for name in ("made", "failed"):
        cursor.execute(f"drop table {name}")
    return len(found.first)
