"""Storms as tables: when each action fails on many targets, and which incidents are one storm.

Separate from `keeping` because a storm is looked for in all that an action has, whatever changed.
"""

import itertools

import numpy as np
import pyarrow as pa

from trail.incidents import storms
from trail.incidents.grouping import Ints
from trail.store import Cursor


def look(cursor: Cursor, actions: list[str] | None) -> bool:
    """Find anew when *actions* (None: all) storm; return whether that touches other series.

    Those are noted in `touched`: the series that have attempts where a storm has come or gone.
    """
    read = cursor.execute(
        "select dense_rank() over (order by a.action) as number, epoch_us(t.occurred_at) as moment "
        "from (select action_key, occurred_at from attempts where onset) t "
        f"join actions a using (action_key) {_among('where', 'a.action', actions)}"
        "order by number, moment",
        _params(actions),
    ).fetchnumpy()
    names = cursor.execute(
        "select distinct a.action from attempts t join actions a using (action_key) "
        f"where t.onset {_among('and', 'a.action', actions)}order by a.action",
        _params(actions),
    ).fetchall()
    rows = [
        (names[place][0], *span)
        for place, (start, end) in enumerate(_parts(read["number"]))
        for span in storms.spans(read["moment"][start:end])
    ]
    stored = cursor.execute(
        "select action, epoch_us(first_at), epoch_us(until) from storms "
        f"{_among('where', 'action', actions)}",
        _params(actions),
    ).fetchall()
    if set(rows) == set(stored):
        return False
    _note(cursor, sorted(set(rows) ^ set(stored)), rows, actions)
    return True


def _note(
    cursor: Cursor,
    changed: list[tuple[str, int, int]],
    rows: list[tuple[str, int, int]],
    actions: list[str] | None,
) -> None:
    cursor.execute(f"delete from storms {_among('where', 'action', actions)}", _params(actions))
    for name, spans in (("spans", rows), ("changed", changed)):
        cursor.register(name, _table(spans))
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


def join(cursor: Cursor, actions: list[str] | None) -> None:
    """Say in the incidents of *actions* (None: all) which storm each belongs to."""
    rows = cursor.execute(
        "select coalesce(i.action || epoch_us(s.first_at), '') as storm, i.incident_id, "
        "epoch_us(i.last_at) as last, coalesce(i.storm_id, '') as before "
        "from incidents i left join storms s "
        "on s.action = i.action and i.first_at >= s.first_at and i.first_at < s.until "
        "where (s.action is not null or i.storm_id is not null) "
        f"{_among('and', 'i.action', actions)}order by storm, i.first_at, i.incident_id",
        _params(actions),
    ).fetchall()
    now = {incident_id: "" for _, incident_id, _, _ in rows}
    for storm, part in itertools.groupby(rows, key=lambda row: row[0]):
        began = list(part)
        if storm:
            places = storms.members(np.array([last for _, _, last, _ in began]))
            now.update({began[place][1]: f"storm-{began[places[0]][1]}" for place in places})
    changed = [(each[1], now[each[1]]) for each in rows if now[each[1]] != each[3]]
    if not changed:
        return
    ids, names = zip(*changed, strict=True)
    cursor.register("stormy", pa.table({"incident_id": list(ids), "storm_id": list(names)}))
    cursor.execute(
        "update incidents set storm_id = nullif(s.storm_id, '') from stormy s "
        "where s.incident_id = incidents.incident_id"
    )
    cursor.unregister("stormy")


def _parts(numbers: Ints) -> list[tuple[int, int]]:
    """Return where each stretch of equal numbers starts and ends."""
    edges = np.flatnonzero(np.diff(numbers, prepend=-1, append=-1)).tolist()
    return list(itertools.pairwise(edges)) if len(numbers) else []


def _table(rows: list[tuple[str, int, int]]) -> pa.Table:
    return pa.table(
        {
            "action": pa.array([row[0] for row in rows], pa.string()),
            "first": pa.array([row[1] for row in rows], pa.int64()),
            "until": pa.array([row[2] for row in rows], pa.int64()),
        }
    )


def _among(word: str, column: str, actions: list[str] | None) -> str:
    return "" if actions is None else f"{word} list_contains($actions, {column}) "


def _params(actions: list[str] | None) -> dict[str, object]:
    return {} if actions is None else {"actions": actions}
