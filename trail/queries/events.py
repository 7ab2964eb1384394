"""Which events: pages of them by key, one with its neighbours, and all of them as a stream."""

import datetime as dt
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trail.filters import Filter, Window
from trail.model import EVENT_COLUMNS
from trail.queries.counts import bounded
from trail.selection import literal, select, span
from trail.store import Engine, Reading

# What a table of events shows; the raw record is read for one event only.
LISTED = tuple(column for column in EVENT_COLUMNS if column != "raw")

PAGE_ROWS = 200
_NEAR = dt.timedelta(minutes=15)
# A slice of a stream is sorted in memory; this many rows are a small part of it.
_SLICE_ROWS = 250_000
_HOUR = dt.timedelta(hours=1)

# Star columns of one event, and the joins that give them their names.
STAR = (
    "e.event_id, e.occurred_at, e.ingested_at, e.action_key, e.actor_key, e.target_key, "
    "e.workspace_id, e.verified"
)
NAMED = """
select s.event_id, s.occurred_at, s.ingested_at, a.action, a.action_raw, a.category, a.kind,
 a.outcome, a.risk, p.actor_id, p.actor_type, nullif(p.actor_email, '') as actor_email,
 nullif(p.actor_name, '') as actor_name, nullif(t.target_type, '') as target_type,
 nullif(t.target_id, '') as target_id, nullif(t.target_name, '') as target_name,
 nullif(s.workspace_id, '') as workspace_id, s.verified{raw}
from ({star}) s
join actions a using (action_key) join actors p using (actor_key)
join targets t using (target_key)
"""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the order of events: the time (UTC) and id of the row at a page's edge."""

    occurred_at: dt.datetime
    event_id: str

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """Return the cursor that `str` wrote, or None for anything else."""
        time, _, event_id = text.partition("~")
        try:
            return cls(dt.datetime.fromisoformat(time), event_id) if event_id else None
        except ValueError:
            return None

    def __str__(self) -> str:
        """Return the cursor as it stands in a URL."""
        return f"{self.occurred_at.isoformat()}~{self.event_id}"


@dataclass(frozen=True, slots=True)
class Page:
    """Some events in order, and whether there are more on either side."""

    rows: list[dict[str, Any]]
    has_before: bool
    has_after: bool

    @property
    def first(self) -> Cursor | None:
        """Return the place of the first row."""
        return _cursor(self.rows[0]) if self.rows else None

    @property
    def last(self) -> Cursor | None:
        """Return the place of the last row."""
        return _cursor(self.rows[-1]) if self.rows else None


def page(
    engine: Engine,
    filter_: Filter,
    now: dt.datetime,
    *,
    after: Cursor | None = None,
    before: Cursor | None = None,
    rows: int = PAGE_ROWS,
) -> Page:
    """Return the page that follows *after*, or that ends just ahead of *before*, or the first."""
    backwards = before is not None and after is None
    descending = (filter_.sort == "newest") != backwards
    edge = before if backwards else after
    chosen = select(engine, filter_, now)
    params = dict(chosen.params)
    where = chosen.timed()
    if edge:
        where += f" and {_past(edge, descending=descending, params=params)}"
    order = _order(descending=descending)
    star = f"select {STAR} from events e where {where} order by {order} limit {rows + 1}"
    found = engine.table(f"{NAMED.format(raw='', star=star)} order by {order}", params).to_pylist()
    more, found = len(found) > rows, found[:rows]
    if backwards:
        return Page(found[::-1], has_before=more, has_after=True)
    return Page(found, has_before=edge is not None, has_after=more)


def one(engine: Engine, event_id: str, near: dt.datetime | None = None) -> dict[str, Any] | None:
    """Return the event with all its columns and its batch, or None.

    *near* (UTC, without zone) spares a search of the whole store.
    """
    for window in ([Window(near - _HOUR, near + _HOUR)] if near else []) + [Window()]:
        star = (
            f"select {STAR}, e.raw, e.batch_id from events e "
            f"where {span(window, 'e.occurred_at')} and e.event_id = $id limit 1"
        )
        sql = NAMED.format(raw=", s.raw, s.batch_id, b.loader, b.source", star=star)
        rows = engine.table(sql + " left join batches b using (batch_id)", {"id": event_id})
        if rows.num_rows:
            return dict(rows.to_pylist()[0])
    return None


def related(
    engine: Engine, event: dict[str, Any], rows: int = 12
) -> dict[str, tuple[int, list[dict[str, Any]]]]:
    """Return `actor`: what the same actor did within 15 minutes; `target`: the target's history.

    Each with the number of all such events and those nearest in time, newest first.
    """
    at = event["occurred_at"]
    around = span(Window(at - _NEAR, at + _NEAR + dt.timedelta(microseconds=1)), "e.occurred_at")
    return {
        "actor": _nearest(
            engine,
            f"{around} and e.actor_key in (select actor_key from actors where actor_id = $value)",
            event["actor_id"],
            at,
            rows,
        ),
        "target": _nearest(
            engine,
            "e.target_key in (select target_key from targets where target_id = $value)",
            event["target_id"],
            at,
            rows,
        )
        if event["target_id"]
        else (0, []),
    }


def _nearest(
    engine: Engine, where: str, value: str, at: dt.datetime, rows: int
) -> tuple[int, list[dict[str, Any]]]:
    total = engine.table(f"select count(*) as n from events e where {where}", {"value": value})
    star = (
        f"select {STAR} from events e where {where} "
        f"order by abs(epoch_us(e.occurred_at) - epoch_us({literal(at)})), e.event_id limit {rows}"
    )
    found = engine.table(
        f"{NAMED.format(raw='', star=star)} order by occurred_at desc, event_id desc",
        {"value": value},
    )
    return int(total["n"][0].as_py()), found.to_pylist()


def stream(
    engine: Engine,
    reading: Reading,
    filter_: Filter,
    now: dt.datetime,
    columns: str,
    *,
    rows: int = 50_000,
    limit: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield all events of *filter_* in order, as *columns* (SQL over `event_rows`' columns).

    Goes through time in slices, each small enough to sort, so that memory stays flat.
    """
    left = limit
    chosen = select(engine, filter_, now)
    descending = filter_.sort == "newest"
    for window in _slices(engine, filter_, now, descending=descending):
        where = f"{span(window, 'e.occurred_at')} and {chosen.where}"
        order = _order(descending=descending)
        cap = "" if left is None else f" order by {order} limit {left}"
        star = f"select {STAR}, e.raw from events e where {where}{cap}"
        named = NAMED.format(raw=", s.raw", star=star)
        sql = f"select {columns} from ({named}) order by {order}"
        for batch in reading.batches(sql, chosen.params, rows):
            yield batch
            if left is not None:
                left -= batch.num_rows
        if left is not None and left <= 0:
            return


def _slices(engine: Engine, filter_: Filter, now: dt.datetime, *, descending: bool) -> list[Window]:
    """Cut the filter's window into spans of hours with at most so many events in each."""
    window = bounded(engine, filter_.window(now), now)
    hours = engine.table(
        f"select hour, sum(n)::bigint as n from cube where {span(_around(window), 'hour')} "
        "group by hour order by hour"
    )
    cuts, held = [], 0
    for hour, number in zip(hours["hour"].to_pylist(), hours["n"].to_pylist(), strict=True):
        if held and held + number > _SLICE_ROWS:
            cuts.append(hour)
            held = 0
        held += number
    open_window = filter_.window(now)
    inside = [cut for cut in cuts if window.start < cut < window.end]
    edges: list[dt.datetime | None] = [open_window.start, *inside, open_window.end]
    windows = [Window(start, end) for start, end in itertools.pairwise(edges)]
    return windows[::-1] if descending else windows


def _around(window: Window) -> Window:
    assert window.start and window.end
    return Window(window.start - _HOUR, window.end + _HOUR)


def _past(edge: Cursor, *, descending: bool, params: dict[str, Any]) -> str:
    # Written out, since the row-value form `(a, b) < (x, y)` reads every row group.
    params["edge_id"] = edge.event_id
    sign = "<" if descending else ">"
    at = literal(edge.occurred_at)
    return (
        f"e.occurred_at {sign}= {at} and (e.occurred_at {sign} {at} or e.event_id {sign} $edge_id)"
    )


def _order(*, descending: bool) -> str:
    word = "desc" if descending else "asc"
    return f"occurred_at {word}, event_id {word}"


def _cursor(row: dict[str, Any]) -> Cursor:
    return Cursor(row["occurred_at"], row["event_id"])
