"""The transaction of a purge: events and all that hangs on them go together, or not at all.

Separate from retention, which says what goes and when; this is how, in the store's own tables.
"""

import datetime as dt
from dataclasses import dataclass

import pyarrow as pa

from trail.incidents import materialize
from trail.ingest import dedup
from trail.integrity import removal_seals
from trail.integrity.mirror import Files
from trail.retention import legal_holds
from trail.storage.database import Cursor, Params, utc_now
from trail.storage.filters import Window
from trail.storage.where import literal, span

# What has arrived is remembered longer than its events, so that old files are not fetched again.
_ARRIVALS_LONGER = dt.timedelta(days=30)

_CUBE = """
insert into cube
select date_trunc('hour', occurred_at), action_key, actor_type, e.target_type, workspace_id,
 count(*)
from events e join actors using (actor_key) where {} group by all
"""

# A batch is kept while anything tells of it; its number would else be given again.
_UNUSED = " and ".join(
    f"not exists (select 1 from {table} r where r.batch_id = batches.batch_id)"
    for table in ("events", "twins", "quarantine", "arrivals")
)


@dataclass(frozen=True, slots=True)
class Purge:
    """What one transaction is to remove: the events of *window* that nothing holds.

    With *archived* (event_id, occurred_at) only those in it. The *last* one of a purge also sweeps
    what nothing refers to any more, and what else is older than *cutoff*.
    """

    window: Window
    last: bool
    archived: pa.Table | None
    cutoff: dt.datetime
    held: int
    now: dt.datetime
    made_by: str
    seals: Files

    def run(self, cursor: Cursor) -> dict[str, int]:
        """Return the rows removed by table, and those archived."""
        done = {**self._events(cursor), **(self._sweep(cursor) if self.last else {})}
        removal_seals.compact(cursor)
        done["archived"] = 0 if self.archived is None else done["events"]
        if done["events"] or done.get("quarantine"):
            self._note(cursor, done)
        return done

    def _events(self, cursor: Cursor) -> dict[str, int]:
        window = self.window
        assert window.end
        where = f"{span(window, 'e.occurred_at')} and not {legal_holds.condition()}"
        if self.archived is not None:
            cursor.register("archived", self.archived)
            # What has come or was let go since the files were written waits for the next purge.
            where += (
                " and (e.event_id, e.occurred_at) in (select event_id, occurred_at from archived)"
            )
        cursor.execute(
            "create or replace temp table going as "
            "select e.event_id, e.occurred_at, e.action_key, e.target_key "
            f"from events e where {where}"
        )
        materialize.mark_stale(cursor, "going")
        if self.archived is not None:
            cursor.unregister("archived")
        late = literal(window.end + dedup.APART)
        seconds_going = f"occurred_at < {late} and twin_of in (select event_id from going)"
        going = removal_seals.measure(cursor, seconds_going)
        events = _changed(
            cursor,
            f"delete from events where {span(window, 'occurred_at')} "
            "and (event_id, occurred_at) in (select event_id, occurred_at from going)",
        )
        seconds = _changed(cursor, f"delete from twins where {seconds_going}")
        cursor.execute("drop table going")
        removal_seals.seal_removal(
            cursor, self.seals, going, self._reason(), self.made_by, utc_now()
        )
        if events:
            cursor.execute(f"delete from cube where {span(window, 'hour')}")
            cursor.execute(_CUBE.format(span(window, "occurred_at")))
        return {"events": events, "twins": seconds}

    def _reason(self) -> str:
        words = f"retention: events before {self.cutoff:%Y-%m-%d} are not kept"
        return words if self.archived is None else f"{words}; they are in the archive"

    def _sweep(self, cursor: Cursor) -> dict[str, int]:
        edge = self.cutoff
        return {
            table: _changed(cursor, f"delete from {table} where {condition}")
            for table, condition in (
                ("targets", "target_key not in (select target_key from events)"),
                (
                    "actors",
                    "actor_key not in (select actor_key from events) "
                    "and not exists (select 1 from people p where p.actor_id = actors.actor_id)",
                ),
                (
                    "quarantine",
                    f"seen_at < {literal(edge)} and not {legal_holds.moment_held('seen_at')}",
                ),
                ("arrivals", f"arrived_at < {literal(edge - _ARRIVALS_LONGER)}"),
                ("batches", f"ended_at < {literal(edge)} and {_UNUSED}"),
                ("watches", f"to_at < {literal(edge)}"),
            )
        }

    def _note(self, cursor: Cursor, done: dict[str, int]) -> None:
        """Say in `purges` what went; the slices of one purge share a row."""
        values = {
            "now": self.now,
            "cutoff": self.cutoff,
            "events": done["events"],
            "held": self.held,
            "archived": done["archived"],
            "made_by": self.made_by,
        }
        updated = _changed(
            cursor,
            "update purges set events = events + $events, archived = archived + $archived, "
            "held = $held where purged_at = $now and cutoff = $cutoff and made_by = $made_by",
            values,
        )
        if not updated:
            cursor.execute(
                "insert into purges values ($now, $cutoff, $events, $held, $archived, $made_by)",
                values,
            )


def _changed(cursor: Cursor, sql: str, params: Params | None = None) -> int:
    """Run *sql* and return how many rows it removed or changed."""
    return int(cursor.execute(sql, params).fetchall()[0][0])
