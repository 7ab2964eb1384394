"""From the meaning of a search to conditions on the events and on their hourly counts.

A term is looked up once in the small tables: which actions, actors, targets, workspaces and search
texts have it. What an event's hourly count can decide (its action, actor, type of target, workspace
and hour) is decided there; only the rest needs a scan of the events, of their keys alone.
"""

import datetime as dt
from collections.abc import Callable

from trail.storage import cold_tier, collected_by, workspaces
from trail.storage.engine import Engine
from trail.storage.facet_columns import CHANGES, ON_FLAG
from trail.storage.filters import NO, YES, Window
from trail.storage.search_condition import NOTHING, Condition, either, in_time, joined, negated
from trail.storage.search_lexer import risk_range
from trail.storage.search_nodes import All, Any, Node, Not, Term
from trail.storage.search_pattern import Pattern, quoted

# With so few keys a list of literals is fast, and lets the scan skip row groups.
_FEW_KEYS = 5
# Longer lists of keys take longer to plan than the subquery takes to run.
_MOST_KEYS = 2_000
Spans = Callable[[Term], Window]


def conditions(engine: Engine, node: Node | None, spans: Spans) -> list[Condition]:
    """Return the conditions that all must hold for *node*; *spans* gives those of `time` terms."""
    if node is None:
        return []
    pending = cold_tier.unsearchable_until(engine)

    def read(part: Node) -> Condition:
        match part:
            case Term(field="time"):
                return in_time(spans(part))
            case Term():
                return _Lookup(engine, part, pending).condition()
            case Not(inner):
                return negated(read(inner))
            case All(parts):
                return joined([read(one) for one in parts], every=True)
            case Any(parts):
                return joined([read(one) for one in parts], every=False)

    return [read(part) for part in (node.nodes if isinstance(node, All) else (node,))]


# The columns of the small tables that a field's term is searched for in; all of them bare.
_COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "action": {"actions": ("action", "action_raw")},
    "category": {"actions": ("category",)},
    "kind": {"actions": ("kind",)},
    "outcome": {"actions": ("outcome",)},
    "actor": {
        "actors": ("actor_id", "actor_name", "actor_email"),
        "identities": ("recorded_actor_id", "actor_name", "actor_email"),
    },
    "actor_type": {"actors": ("actor_type",)},
    "target": {"targets": ("target_id", "target_name")},
    "target_type": {"types": ("target_type",)},
    "workspace": {"workspaces": ("workspace_id",)},
    "risk": {"actions": ("risk",)},
    "changes": {"actions": (CHANGES,)},
    "verified": {},
    "future_dated": {},
    "source": {},
    "id": {},
    "raw": {},
}
_COLUMNS[""] = {
    **_COLUMNS["action"],
    **_COLUMNS["actor"],
    "targets": ("target_type", "target_id", "target_name"),
    **_COLUMNS["workspace"],
}


class _Lookup:
    """What one term matches."""

    def __init__(self, engine: Engine, term: Term, pending: dt.datetime | None) -> None:
        self._engine, self._term, self._pending = engine, term, pending
        self._pattern = Pattern(engine, term)
        self._counted: list[str] = []
        self._scanned: list[str] = []
        self._lists: list[str] = []
        self._by_actor = False

    def condition(self) -> Condition:
        columns = _COLUMNS[self._term.field]
        if "actions" in columns:
            self._add("action_key", self._keys("actions", "action_key", columns["actions"]))
        if "targets" in columns:
            self._targets(columns["targets"])
        if "types" in columns:
            self._add("target_type", self._values("targets", "target_type"))
        if self._term.field in ON_FLAG:
            self._flag(*ON_FLAG[self._term.field])
        if "workspaces" in columns:
            self._add("workspace_id", self._workspaces())
        if self._is_open():
            if "actors" in columns:
                self._actors(columns["actors"], columns.get("identities", ()))
            if self._term.field == "id":
                self._scanned.append(self._pattern.value("e.event_id"))
            if self._term.field == "source":
                self._scan_for("batch_id", self._batches())
            if self._term.field == "raw":
                self._scanned.append(self._pattern.record("e.raw"))
            if not self._term.field:
                self._records()
        return either(self._counted, self._scanned, self._lists, by_actor=self._by_actor)

    def _counts(self) -> str:
        return f"({' or '.join(self._counted)})" if self._counted else NOTHING

    def _is_open(self) -> bool:
        """Return whether some event is not decided yet; scan none if all match already."""
        if not self._counted:
            return True
        sql = f"select 1 from cube e where not coalesce({self._counts()}, false) limit 1"
        if self._engine.table(sql).num_rows:
            return True
        self._scanned.clear()
        self._lists.clear()
        return False

    def _holds(self, columns: tuple[str, ...]) -> str:
        if self._term.field == "risk":
            lowest, highest = risk_range(self._term)
            return f"risk between {lowest} and {highest}"
        return self._pattern.any_value(columns)

    def _keys(self, table: str, key: str, columns: tuple[str, ...]) -> list[str]:
        sql = f"select {key} as k from {table} where {self._holds(columns)}"
        return [str(key) for key in self._engine.table(sql)["k"].to_pylist() if key is not None]

    def _values(self, table: str, column: str) -> list[str]:
        sql = f"select v from (select distinct {column} as v from {table}) where "
        found = self._engine.table(f"{sql} {self._pattern.value('v')}")
        return [quoted(value) for value in found["v"].to_pylist()]

    def _workspaces(self) -> list[str]:
        """Return the workspaces by ID; a search of everything does not search their names.

        A word of the name would be in every event of the workspace.
        """
        found = self._values("cube", "workspace_id")
        if self._term.field:
            names = workspaces.labels(self._engine)
            listed = {"ids": list(names), "names": list(names.values())}
            sql = "select id from (select unnest($ids) as id, unnest($names) as v) where "
            table = self._engine.table(sql + self._pattern.value("v"), listed)
            found += map(quoted, table["id"].to_pylist())
        return found

    def _add(self, column: str, values: list[str]) -> None:
        if values:
            self._counted.append(f"e.{column} in ({', '.join(values)})")

    def _flag(self, column: str, flagged: str) -> None:
        values = f"(select unnest(['{YES}', '{NO}']) as v)"
        found = self._engine.table(f"select v from {values} where {self._pattern.value('v')}")
        for value in found["v"].to_pylist():
            self._counted.append(f"{'' if value == flagged else 'not '}e.{column}")

    def _batches(self) -> list[int]:
        where = self._pattern.value(collected_by.SQL)
        found = self._engine.table(f"select batch_id as k from batches where {where}")
        return list(found["k"].to_pylist())

    def _actors(self, columns: tuple[str, ...], recorded: tuple[str, ...]) -> None:
        """Match actors by who they are today, and events by whom their records name.

        An actor whose identities all match is decided without them.
        """
        hit = self._pattern.any_value(columns)
        named = self._pattern.any_value(recorded) if recorded else "false"
        found = self._engine.table(
            "select p.actor_key as k, p.hit or coalesce(i.every, false) as whole, i.keys from ("
            f"select actor_key, coalesce({hit}, false) as hit from actors) p "
            "left join (select actor_key, bool_and(hit) as every, "
            "list(identity_key) filter (hit) as keys from ("
            f"select actor_key, identity_key, coalesce({named}, false) as hit from identities) "
            "group by actor_key) i using (actor_key) "
            "where p.hit or len(i.keys) > 0"
        )
        whole: list[int] = []
        single: list[int] = []
        for row in found.to_pylist():
            if row["whole"]:
                whole.append(row["k"])
            else:
                single += row["keys"]
        self._by_actor = bool(whole)
        if len(whole) <= _MOST_KEYS:
            self._add("actor_key", list(map(str, whole)))
            self._scan_for("identity_key", single)
            return
        sql = f"select actor_key from actors where {hit}"
        self._lists.append(sql)
        self._counted.append(f"e.actor_key in ({sql})")
        if recorded:
            self._scan_listed("identity_key", f"select identity_key from identities where {named}")

    def _targets(self, columns: tuple[str, ...]) -> None:
        """Match whole types of targets where all of their targets match, and single targets."""
        hit = self._pattern.folded_texts("search_text")
        if len(columns) < 3:
            # Folding is slow: not in `and`, which would fold all targets.
            hit = f"case when {hit} then {self._pattern.any_value(columns)} end"
        types = self._engine.table(
            f"select target_type, total, hits, list_slice(keys, 1, {_MOST_KEYS}) as keys from ("
            "select target_type, count(*) as total, count(*) filter (hit) as hits, "
            "list(target_key) filter (hit) as keys from ("
            f"select target_type, target_key, coalesce({hit}, false) as hit from targets) "
            "group by target_type) where hits > 0"
        ).to_pylist()
        whole = [row["target_type"] for row in types if row["hits"] == row["total"]]
        self._add("target_type", [quoted(name) for name in whole])
        partly = [row for row in types if row["hits"] < row["total"]]
        if sum(row["hits"] for row in partly) <= _MOST_KEYS:
            self._scan_for("target_key", [key for row in partly for key in row["keys"]])
        else:
            listed = ", ".join(quoted(row["target_type"]) for row in partly)
            self._scan_listed(
                "target_key",
                f"select target_key from targets where target_type in ({listed}) and {hit}",
            )

    def _records(self) -> None:
        """Match the values of records: by the search text, or by the record until it has one."""
        sql = f"select search_key from search_texts where {self._pattern.search_texts()}"
        keys = self._engine.table(f"{sql} limit {_MOST_KEYS + 1}")["search_key"].to_pylist()
        if len(keys) <= _MOST_KEYS:
            self._scan_for("search_key", keys)
        else:
            self._scan_listed("search_key", sql)
        if self._pending is None:
            return
        kept = self._scanned.pop() if keys else "false"
        self._scanned.append(
            f"case when e.occurred_at >= timestamp '{self._pending}' then {kept} "
            f"else {self._pattern.values_of('e.raw')} end"
        )

    def _scan_for(self, key: str, keys: list[int]) -> None:
        """Let the events be scanned for those with one of *keys*, if there are any."""
        listed = ", ".join(map(str, keys))
        if len(keys) > _FEW_KEYS:
            # One literal, since a list of literals takes milliseconds to plan.
            self._scan_listed(key, f"select unnest('[{listed}]'::integer[]) as {key}")
        elif keys:
            self._scanned.append(f"e.{key} in ({listed})")

    def _scan_listed(self, key: str, sql: str) -> None:
        """Let the events be scanned for those whose *key* is among those of the query *sql*."""
        self._lists.append(sql)
        self._scanned.append(f"e.{key} in ({sql})")
