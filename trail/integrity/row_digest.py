"""Hash rows, and compute the digest of a day from them. Form 1.

`standalone.py` implements the same format in plain Python; a change needs a new form number. A
row's hash is the SHA-256 of its canonical text, UTF-8, fields joined by commas:

    event: event, occurred, ingested, raw, verified, road, id, action_raw, actor_id, target_type,
           target_id, target_name, workspace_id
    twin:  twin, occurred, ingested, raw, verified, id, id of the event that it reports again

`occurred` and `ingested` are microseconds since 1970 in UTC, `raw` is the SHA-256 of the record's
bytes, `verified` is true, false or `-`, `road` is forwarded, api or `-`. The fields from the id on
are free text: length in bytes, a colon, and the text; `-` if there is none (a target or workspace
that the record omits is the empty text).

Rows of a day are grouped into parts: the hour of the event and the first hex digit of the MD5 of
its id, such as `14a`. A part's digest is the SHA-256 of its rows' hashes in hex, sorted, without
separators. A day's digest is the SHA-256 of one line a part, sorted: `14a:<rows>:<digest>` and a
newline. The digest is independent of the order, and differences can be counted per hour.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from trail.storage.where import literal

T = TypeVar("T")

FORM = 1
EVENT, TWIN = "event", "twin"

Ask = Callable[[str], list[dict[str, Any]]]
Parts = dict[str, tuple[int, str]]

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Edge:
    """The rows that a statement about *day* covers: up to *batch*, arrived before *seen_at*.

    *seen_at* is UTC without zone. Other rows of the day are late.
    """

    day: dt.date
    batch: int
    seen_at: dt.datetime

    def on(self, day: dt.date) -> "Edge":
        """Return the same edge for another day."""
        return Edge(day, self.batch, self.seen_at)


@dataclass(slots=True)
class Tally:
    """Rows of one kind on one day: count and digest (hex) by part."""

    parts: Parts = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Return the number of rows."""
        return sum(n for n, _ in self.parts.values())

    @property
    def digest(self) -> str:
        """Return the day's digest in hex."""
        return fold(self.parts)


@dataclass(slots=True)
class DayRows:
    """The rows of a day within its edge, and the late ones (events, twins) by batch."""

    event: Tally = field(default_factory=Tally)
    twin: Tally = field(default_factory=Tally)
    late: dict[int, list[int]] = field(default_factory=dict)

    def tally(self, kind: str) -> Tally:
        """Return the tally of EVENT or TWIN."""
        return self.event if kind == EVENT else self.twin


def fold(parts: Parts) -> str:
    """Return the digest (hex) of a day from its parts."""
    lines = (f"{part}:{n}:{digest}\n" for part, (n, digest) in sorted(parts.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def scan(ask: Ask, edges: Sequence[Edge]) -> dict[dt.date, DayRows]:
    """Return the rows of each day of *edges*; reads all rows between the first and the last day."""
    result = {edge.day: DayRows() for edge in edges}
    if not result:
        return result
    for row in ask(_sql(edges)):
        day = result[row["day"]]
        if row["late"] is not None:
            counts = day.late.setdefault(row["late"], [0, 0])
            counts[row["kind"] != EVENT] += row["n"]
        else:
            day.tally(row["kind"]).parts[row["part"]] = (row["n"], row["digest"])
    return result


def scan_edges(ask: Ask, edges: Sequence[Edge]) -> Iterator[tuple[Edge, DayRows]]:
    """Yield each of *edges* with the rows of its day."""
    result = scan(ask, edges)
    for edge in edges:
        yield edge, result[edge.day]


def counts(ask: Ask, edges: Sequence[Edge]) -> dict[dt.date, dict[str, list[int]]]:
    """Return by day and kind the number of rows within the edge, and of late rows; no hashing."""
    result = {edge.day: {EVENT: [0, 0], TWIN: [0, 0]} for edge in edges}
    if not edges:
        return result
    sources = " union all ".join(
        f"select '{kind}' as kind, occurred_at::date as day, batch_id, ingested_at from {table} "
        f"where {_between(edges, 'occurred_at')}"
        for kind, table in ((EVENT, "events"), (TWIN, "twins"))
    )
    sql = (
        f"with edges(day, batch, seen_at) as (values {_values(edges)}) "
        f"select day, kind, {_LATE} as late, count(*) as n "
        f"from ({sources}) x join edges s using (day) group by all"
    )
    for row in ask(sql):
        result[row["day"]][row["kind"]][row["late"]] = row["n"]
    return result


def late(ask: Ask, edges: Sequence[Edge]) -> set[dt.date]:
    """Return the days of *edges* with late rows."""
    kinds_by_day = counts(ask, edges).items()
    return {day for day, kinds in kinds_by_day if any(late_n for _, late_n in kinds.values())}


def spans(edges: Iterable[Edge], counts: dict[dt.date, int], most: int) -> list[list[Edge]]:
    """Split *edges* by day into groups of at most *most* rows, or of a single day."""
    ordered = sorted(edges, key=lambda edge: edge.day)
    return groups(ordered, lambda edge: counts.get(edge.day, 0), most)


def groups(items: Iterable[T], rows: Callable[[T], int], most: int) -> list[list[T]]:
    """Split *items* in their order into groups of at most *most* rows, or of a single item."""
    result: list[list[T]] = []
    size = most
    for item in items:
        n = rows(item)
        if size + n > most or not result:
            result.append([])
            size = 0
        result[-1].append(item)
        size += n
    return result


def of_records(ask: Ask, records: str) -> Tally:
    """Return the tally of the events in *records*, a SELECT of `cold_views.records`."""
    return _tally(ask, f"{_RECORDS}({records}) e")


def of_both(ask: Ask, records: str, edge: Edge) -> Tally:
    """Return the tally of the events of a day within its *edge*, in *records* and the database.

    An event that is in both is counted once. See `of_records` for *records*.
    """
    hot = (
        f"select part, h, batch_id, ingested_at from ({_EVENTS}{_between([edge], 'e.occurred_at')})"
    )
    return _tally(
        ask,
        f"with edges(day, batch, seen_at) as (values {_values([edge])}) "
        f"select distinct part, h from ({_RECORDS}({records}) e union all {hot}) x, edges s "
        f"where not {_LATE}",
    )


def _tally(ask: Ask, hashes: str) -> Tally:
    rows = ask(
        "select part, count(*) as n, sha256(string_agg(h, '' order by h)) as digest "
        f"from ({hashes}) group by all"
    )
    return Tally({row["part"]: (row["n"], row["digest"]) for row in rows})


def per_day(ask: Ask) -> dict[dt.date, int]:
    """Return the number of events by UTC day; days without events are omitted."""
    table = ask(
        "select occurred_at::date as day, count(*) as n from events "
        "where occurred_at is not null group by all order by day"
    )
    return {row["day"]: row["n"] for row in table}


def _text(expression: str) -> str:
    return f"coalesce(strlen({expression}) || ':' || {expression}, '-')"


_RAW = "coalesce(sha256(e.raw), '-')"
_VERIFIED = "coalesce(e.verified::varchar, '-')"
_TIMES = "coalesce(epoch_us(e.occurred_at), 0), ',', coalesce(epoch_us(e.ingested_at), 0)"
_PLACE = "strftime(e.occurred_at, '%H') || left(md5(coalesce(e.event_id, '')), 1)"

# Left joins, and a target type that both tables agree on: a row whose name is lost has changed.
_EVENTS = f"""
select '{EVENT}' as kind, e.occurred_at::date as day, e.batch_id, e.ingested_at, {_PLACE} as part,
 sha256(concat('{EVENT},', {_TIMES}, ',', {_RAW}, ',', {_VERIFIED}, ',',
  case when e.forwarded then 'forwarded' when not e.forwarded then 'api' else '-' end,
  ',', {_text("e.event_id")}, ',', {_text("a.action_raw")}, ',', case
   when p.actor_id is not distinct from coalesce(l.actor_id, i.recorded_actor_id)
    then {_text("i.recorded_actor_id")} else '-' end, ',',
  case when e.target_type is not distinct from t.target_type
   then {_text("t.target_type")} else '-' end, ',',
  {_text("coalesce(t.target_id, '')")}, ',', {_text("coalesce(t.target_name, '')")}, ',',
  {_text("coalesce(e.workspace_id, '')")})) as h
from events e left join actions a using (action_key) left join actors p using (actor_key)
left join targets t using (target_key) left join identities i using (identity_key)
left join actor_aliases l on l.recorded_id = i.recorded_actor_id
where """

_TWINS = f"""
select '{TWIN}' as kind, e.occurred_at::date as day, e.batch_id, e.ingested_at, {_PLACE} as part,
 sha256(concat('{TWIN},', {_TIMES}, ',', {_RAW}, ',', {_VERIFIED}, ',', {_text("e.event_id")}, ',',
  {_text("e.twin_of")})) as h
from twins e where """

# The same of a record of the archive, which has all names as texts.
_RECORDS = f"""
select {_PLACE} as part, sha256(concat('{EVENT},', {_TIMES}, ',', {_RAW}, ',', {_VERIFIED}, ',',
  case when forwarded then 'forwarded' else 'api' end, ',', {_text("e.event_id")}, ',',
  {_text("e.action_raw")}, ',', {_text("coalesce(e.recorded_actor_id, e.actor_id)")}, ',',
  {_text("coalesce(e.target_type, '')")}, ',', {_text("coalesce(e.target_id, '')")}, ',',
  {_text("coalesce(e.target_name, '')")}, ',', {_text("coalesce(e.workspace_id, '')")})) as h,
 e.batch_id, e.ingested_at
from """

_LATE = "coalesce(x.batch_id > s.batch or x.ingested_at >= s.seen_at, false)"


def _sql(edges: Sequence[Edge]) -> str:
    where = _between(edges, "e.occurred_at")
    return f"""
with edges(day, batch, seen_at) as (values {_values(edges)}),
found as (
 select x.kind, x.day, x.part, x.h, case when {_LATE} then coalesce(x.batch_id, 0) end as late
 from ({_EVENTS}{where} union all {_TWINS}{where}) x join edges s using (day)
)
select kind, day, late, part, count(*) as n, sha256(string_agg(h, '' order by h)) as digest
from found group by all"""


def _values(edges: Sequence[Edge]) -> str:
    return ", ".join(
        f"(date '{edge.day.isoformat()}', {edge.batch}, {literal(edge.seen_at)})" for edge in edges
    )


def _between(edges: Sequence[Edge], column: str) -> str:
    """Return literal bounds, so that the scan skips row groups of other days."""
    days = [edge.day for edge in edges]
    start = dt.datetime.combine(min(days), dt.time())
    end = dt.datetime.combine(max(days), dt.time()) + _DAY
    return f"{column} >= {literal(start)} and {column} < {literal(end)}"
