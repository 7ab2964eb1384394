"""Suggestions for the search box: actions, actors and targets with a word that begins as typed."""

import datetime as dt
import re
from dataclasses import dataclass

from trail.core.clock import naive_utc
from trail.core.errors import FilterError
from trail.events import actor_names
from trail.storage import record_text
from trail.storage.engine import Engine
from trail.storage.where import literal

FIELDS = ("action", "actor", "target")

MOST = 20
_MAX_CHARS = 200
_DAYS = 90


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A value of a search field, how people read it, and its events of the last 90 days.

    The count is None where it would take a scan of the events.
    """

    field: str
    value: str
    label: str
    count: int | None


def suggest(
    engine: Engine, field: str, prefix: str, now: dt.datetime, limit: int = MOST
) -> list[Suggestion]:
    """Return at most *limit* values of *field*, or of each field if it is empty.

    A value is suggested if a word of it, or of its other names, begins with *prefix*, regardless of
    case; a target by one or two letters only if its name begins with them. Actions and actors with
    most events up to *now* (aware) come first, and targets whose name begins with it. Raises
    `FilterError` for an unknown field.
    """
    if field and field not in FIELDS:
        raise FilterError(f"Unknown field {field[:40]!r}.", f"Use one of {', '.join(FIELDS)}.")
    typed = " ".join(prefix[:_MAX_CHARS].encode(errors="replace").decode().split())
    if not typed:
        return []
    since = literal(naive_utc(now) - dt.timedelta(days=_DAYS))
    result = []
    folded = engine.table(f"select {record_text.fold('$typed')} as text", {"typed": typed})
    text = str(folded["text"][0])
    params = {"text": text, "word": rf"(?:^|[^\pL\pN]){re.escape(text)}", "rows": limit}
    for name in (field,) if field else FIELDS:
        sql = _SQL[name].format(since=since)
        if name == "target" and len(text) <= _FEW_LETTERS:
            sql = _TARGETS_OF_FEW_LETTERS
        used = {key: value for key, value in params.items() if f"${key}" in sql}
        table = engine.table(sql, used)
        result += [Suggestion(name, **row) for row in table.to_pylist()]
    return result


def _begins(*columns: str) -> str:
    folded = [record_text.fold(column) for column in columns]
    return " or ".join(
        f"contains({text}, $text) and regexp_matches({text}, $word)" for text in folded
    )


def _counted(key: str, counts: str, value: str, label: str, table: str, hit: str) -> str:
    """Return SQL for the values of *table* that *hit* holds for, with the events of *counts*."""
    return f"""
with hit as materialized (select {key}, {value} as value, {label} as label from {table} where {hit})
select value, max(label) as label, coalesce(sum(n), 0)::bigint as count
from hit left join (
 select {key}, sum(n) as n from {counts} where hour >= {{since}} and (select count(*) from hit) > 0
  and {key} in (select {key} from hit) group by {key}
) using ({key})
group by value order by count desc, value limit $rows"""


_ACTIONS = _counted(
    "action_key", "cube", "action", "action", "actions", _begins("action", "action_raw")
)
_ACTORS = _counted(
    "actor_key",
    "actor_cube",
    "actor_id",
    actor_names.DISPLAY,
    "actors",
    _begins("actor_id", "actor_name", "actor_email"),
)

# By the search text of a target, whose parts are its type, ID and name: folding is slow.
_NAME, _ID = "split_part(search_text, chr(31), 3)", "split_part(search_text, chr(31), 2)"
_TARGETS = f"""
select value, value as label, null::bigint as count from (
 select distinct if(is_name, target_name, target_id) as value,
  if(is_name, starts_with(name, $text), starts_with(id, $text)) as first
 from (
  select target_name, target_id, {_NAME} as name, {_ID} as id,
   regexp_matches(name, $word) as is_name
  from targets where contains(search_text, $text) and regexp_matches(search_text, $word)
 ) where is_name or regexp_matches(id, $word)
) order by first desc, length(value), value limit $rows
"""
# One or two letters begin a word of nearly every target. Names are few: many targets share one.
_FEW_LETTERS = 2
_TARGETS_OF_FEW_LETTERS = f"""
select target_name as value, value as label, null::bigint as count
from (select distinct target_name from targets)
where starts_with({record_text.fold("target_name")}, $text)
order by length(value), value limit $rows
"""
_SQL = {"action": _ACTIONS, "actor": _ACTORS, "target": _TARGETS}
