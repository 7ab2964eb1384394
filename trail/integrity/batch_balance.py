"""Balance batches against rows: each batch kept as many events as exist and as were removed.

This covers days that are not sealed yet, and shows whether late rows were inserted by a load.
"""

import datetime as dt
from dataclasses import dataclass

from trail.integrity.row_digest import Ask
from trail.storage import ledger
from trail.storage.connection import Cursor

_SQL = """
with counted as (
 select coalesce(batch_id, 0) as batch_id, count(*) as n, 0 as t from events group by all
 union all select coalesce(batch_id, 0), 0, count(*) from twins group by all
 union all select batch_id, sum(events)::bigint, sum(twins)::bigint from removals
  where batch_id in (select batch_id from batches) group by all
)
select coalesce(b.batch_id, c.batch_id, 0) as batch_id, b.started_at,
 coalesce(c.n, 0) as n, coalesce(b.kept, 0) as kept,
 coalesce(c.t, 0) as t, coalesce(b.linked, 0) as linked
from (select batch_id, sum(n)::bigint as n, sum(t)::bigint as t from counted group by all) c
full join batches b on b.batch_id = c.batch_id
where coalesce(c.n, 0) <> coalesce(b.kept, 0) or coalesce(c.t, 0) <> coalesce(b.linked, 0)
order by 1
"""


@dataclass(frozen=True, slots=True)
class Imbalance:
    """A batch with *over* rows too many or *under* rows too few, and its counts."""

    batch: int
    started_at: dt.datetime | None
    over: int
    under: int
    kept: int
    stored: int


def imbalances(ask: Ask) -> dict[int, Imbalance]:
    """Return the unbalanced batches by number; rows without a batch have number 0."""
    result = {}
    for row in ask(_SQL):
        gaps = (row["n"] - row["kept"], row["t"] - row["linked"])
        result[row["batch_id"]] = Imbalance(
            row["batch_id"],
            row["started_at"],
            over=sum(max(gap, 0) for gap in gaps),
            under=sum(max(-gap, 0) for gap in gaps),
            kept=row["kept"] + row["linked"],
            stored=row["n"] + row["t"],
        )
    return result


def balance(cursor: Cursor) -> None:
    """Set the counts of each batch to the rows that exist, in this transaction."""
    cursor.execute(f"create or replace temp table unbalanced as {_SQL}")
    with ledger.changing(cursor, "removals"):
        for statement in (
            "insert into removals select batch_id, greatest(kept - n, 0), greatest(linked - t, 0) "
            "from unbalanced where batch_id in (select batch_id from batches)",
            "update batches set kept = o.kept + greatest(o.n - o.kept, 0), "
            "linked = o.linked + greatest(o.t - o.linked, 0) "
            "from unbalanced o where o.batch_id = batches.batch_id "
            "and (o.n > o.kept or o.t > o.linked)",
            "insert into batches (batch_id, loader, source, read, kept, duplicates, linked, "
            "quarantined) select batch_id, '', 'Accepted', n + t, n, t, t, 0 "
            "from unbalanced "
            "where batch_id not in (select batch_id from batches)",
            "drop table unbalanced",
        ):
            cursor.execute(statement)
