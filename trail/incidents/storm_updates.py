"""Update the stored storms, and assign incidents to them.

A storm depends on all failures of an action, whatever has changed since the last update.
"""

import itertools

import numpy as np
import pyarrow as pa

from trail.incidents import storms
from trail.storage.connection import Cursor

_Span = tuple[str, int, int]


def update_storms(cursor: Cursor, actions: list[str] | None) -> bool:
    """Detect the storms of *actions* (None: all) again; return whether they changed.

    Series with attempts in a changed storm are added to `touched`.
    """
    attempts = cursor.execute(
        "select a.action, epoch_us(t.occurred_at) from attempts t join actions a "
        f"using (action_key) where t.onset {_only_actions('and', 'a.action', actions)}order by all",
        _params(actions),
    ).fetchall()
    spans: list[_Span] = [
        (action, *span)
        for action, rows in itertools.groupby(attempts, key=lambda row: row[0])
        for span in storms.storm_spans(np.array([at for _, at in rows], np.int64))
    ]
    stored = cursor.execute(
        "select action, epoch_us(first_at), epoch_us(until) from storms "
        f"{_only_actions('where', 'action', actions)}",
        _params(actions),
    ).fetchall()
    changed = sorted(set(spans) ^ set(stored))
    if changed:
        _store(cursor, changed, spans, actions)
    return bool(changed)


def _store(
    cursor: Cursor, changed: list[_Span], spans: list[_Span], actions: list[str] | None
) -> None:
    cursor.execute(
        f"delete from storms {_only_actions('where', 'action', actions)}", _params(actions)
    )
    for name, rows in (("spans", spans), ("changed", changed)):
        cursor.register(name, _table(rows))
    cursor.execute(
        "insert into storms select action, make_timestamp(first), make_timestamp(until) from spans"
    )
    cursor.execute(
        "insert into touched select distinct i.action, i.target, t.target_key from changed c "
        "join incidents i on i.action = c.action and i.last_at >= make_timestamp(c.first) "
        "and i.first_at < make_timestamp(c.until) join attempts t using (incident_id)"
    )
    for name in ("spans", "changed"):
        cursor.unregister(name)


def assign_storms(cursor: Cursor, actions: list[str] | None) -> None:
    """Set the storm that each incident of *actions* (None: all) belongs to."""
    rows = cursor.execute(
        "select coalesce(i.action || epoch_us(s.first_at), '') as storm, i.incident_id, "
        "epoch_us(i.last_at) as last, coalesce(i.storm_id, '') as storm_id "
        "from incidents i left join storms s "
        "on s.action = i.action and i.first_at >= s.first_at and i.first_at < s.until "
        "where (s.action is not null or i.storm_id is not null) "
        f"{_only_actions('and', 'i.action', actions)}order by storm, i.first_at, i.incident_id",
        _params(actions),
    ).fetchall()
    storm_ids = dict.fromkeys((incident_id for _, incident_id, _, _ in rows), "")
    for storm, group in itertools.groupby(rows, key=lambda row: row[0]):
        incidents = list(group)
        if storm:
            indexes = storms.members(np.array([last for _, _, last, _ in incidents]))
            for index in indexes:
                storm_ids[incidents[index][1]] = f"storm-{incidents[indexes[0]][1]}"
    changed = {
        incident_id: storm_ids[incident_id]
        for _, incident_id, _, storm_id in rows
        if storm_ids[incident_id] != storm_id
    }
    if not changed:
        return
    table = pa.table({"incident_id": list(changed), "storm_id": list(changed.values())})
    cursor.register("new_storm_ids", table)
    cursor.execute(
        "update incidents set storm_id = nullif(s.storm_id, '') from new_storm_ids s "
        "where s.incident_id = incidents.incident_id"
    )
    cursor.unregister("new_storm_ids")


def _table(rows: list[_Span]) -> pa.Table:
    types = {"action": pa.string(), "first": pa.int64(), "until": pa.int64()}
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(list(columns), schema=pa.schema(types.items()))


def _only_actions(keyword: str, column: str, actions: list[str] | None) -> str:
    return "" if actions is None else f"{keyword} list_contains($actions, {column}) "


def _params(actions: list[str] | None) -> dict[str, object]:
    return {} if actions is None else {"actions": actions}
