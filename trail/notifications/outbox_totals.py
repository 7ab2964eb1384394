"""Totals of pending deliveries and dead letters in the outbox, for monitoring."""

import datetime as dt
from dataclasses import dataclass

from trail.storage.engine import Engine

REASONS = ("http_4xx", "http_5xx", "http_other", "no_response")
# Destinations counted individually; the rest are combined, so that metric labels are bounded.
_MOST = 100
REST = "other"


@dataclass(frozen=True, slots=True)
class Outbox:
    """The deliveries of one destination, or of all beyond the first hundred (`REST`).

    `pending` counts waiting and sending deliveries, `oldest_at` (naive UTC) is when the oldest of
    them was queued, and `dead` counts dead letters by each of `REASONS`.
    """

    destination: str
    kind: str
    pending: int
    oldest_at: dt.datetime | None
    dead: dict[str, int]


def totals(engine: Engine) -> list[Outbox]:
    """Return the totals of each destination by ID, oldest destination first."""
    rows = engine.table(
        f"with ranked as (select destination_id, kind, row_number() over (order by destination_id) "
        f"<= {_MOST} as apart from destinations), "
        "named as (select destination_id, if(apart, destination_id::varchar, $rest) as name, "
        "if(apart, kind, $rest) as kind, if(apart, destination_id, null) as place from ranked), "
        "judged as (select *, case when state <> 'dead' then null "
        "when status between 400 and 499 then 'http_4xx' "
        "when status between 500 and 599 then 'http_5xx' "
        "when coalesce(status, 0) = 0 then 'no_response' else 'http_other' end as reason "
        "from deliveries where state <> 'sent') "
        "select n.name as destination, n.kind, "
        "count(*) filter (d.state in ('waiting', 'sending')) as pending, "
        "min(d.created_at) filter (d.state in ('waiting', 'sending')) as oldest_at, "
        + ", ".join(f"count(*) filter (d.reason = '{name}') as {name}" for name in REASONS)
        + " from named n left join judged d using (destination_id) "
        "group by n.name, n.kind order by min(n.place) nulls last",
        {"rest": REST},
    ).to_pylist()
    return [
        Outbox(
            row["destination"],
            row["kind"],
            row["pending"],
            row["oldest_at"],
            {name: row[name] for name in REASONS},
        )
        for row in rows
    ]
