"""The transaction of a purge: remove events together with everything that depends on them."""

import datetime as dt
from dataclasses import dataclass

from trail.core.clock import utc_now
from trail.incidents import materialize
from trail.ingest import dedup
from trail.integrity import removal_seals, seal_status
from trail.integrity.mirror import Files
from trail.retention import archive, legal_holds
from trail.retention.archive import Archived
from trail.storage import cold_tier, cube, held_periods, ledger, search_text
from trail.storage.connection import Cursor
from trail.storage.engine import Params
from trail.storage.filters import Window
from trail.storage.where import literal, span

# Seen files are remembered longer than events, so that old files are not fetched again.
_SEEN_FILES_GRACE = dt.timedelta(days=30)

# Batches that are still referenced stay; their numbers would otherwise be reused.
_UNUSED = " and ".join(
    f"not exists (select 1 from {table} r where r.batch_id = batches.batch_id)"
    for table in ("events", "twins", "quarantine", "arrivals")
)
# When a source delivered last is known for as long as it is silent.
_NEWEST = "select max(batch_id) from batches where kept > 0 group by loader"


@dataclass(frozen=True, slots=True)
class Purge:
    """One transaction: remove the events of *window* that are not on legal hold.

    With *archived* only these events. The *last* transaction of a purge
    also removes events that are dated in the future and arrived before *cutoff*, unreferenced rows
    of other tables, and their rows older than *cutoff*.
    """

    window: Window
    last: bool
    archived: Archived | None
    cutoff: dt.datetime
    held: int
    now: dt.datetime
    made_by: str
    seals: Files

    def run(self, cursor: Cursor) -> dict[str, int]:
        """Return the number of rows removed by table, and of archived events."""
        done = {**self._events(cursor), **(self._sweep(cursor) if self.last else {})}
        removal_seals.compact(cursor)
        done["archived"] = 0 if self.archived is None else done["events"]
        if done["events"] or done.get("quarantine"):
            self._record(cursor, done)
        return done

    def _events(self, cursor: Cursor) -> dict[str, int]:
        window = self.window
        assert window.end
        expired = span(window, "e.occurred_at")
        if self.last:
            expired = f"({expired} or {future_dated(self.cutoff)})"
        where = f"{expired} and not {legal_holds.condition()}"
        if self.archived is not None:
            cursor.register("archived", self.archived.events)
            # Events that arrived or were released since the archiving wait for the next purge.
            where += (
                " and (e.event_id, e.occurred_at) in (select event_id, occurred_at from archived)"
            )
        cursor.execute(
            f"create or replace temp table going as select {cold_tier.KEPT}, "
            f"date_trunc('hour', e.occurred_at) as hour from events e where {where}"
        )
        if self.archived is not None:
            self._keep_readable(cursor)
            cursor.unregister("archived")
        else:
            materialize.mark_stale(cursor, "going")
        # Whole spans, so that the scans skip what lies outside.
        (newest,) = cursor.execute("select max(occurred_at) from going").fetchall()[0]
        end = max(window.end, newest + dt.timedelta(microseconds=1)) if newest else window.end
        reach = Window(window.start, end)
        late = literal(end + dedup.APART)
        duplicates = f"occurred_at < {late} and twin_of in (select event_id from going)"
        removed = removal_seals.measure(cursor, duplicates)
        events = _changed(
            cursor,
            f"delete from events where {span(reach, 'occurred_at')} "
            "and (event_id, occurred_at) in (select event_id, occurred_at from going)",
        )
        twins_removed = _changed(cursor, f"delete from twins where {duplicates}")
        removal_seals.seal_removal(
            cursor,
            self.seals,
            removed,
            self._reason(),
            self.made_by,
            utc_now(),
            self.archived.parts if self.archived else {},
        )
        if events:
            cube.rebuild_listed(cursor, "going")
        cursor.execute("drop table going")
        return {"events": events, "twins": twins_removed}

    def _keep_readable(self, cursor: Cursor) -> None:
        """Let the events of the table `going` be read from the archive from now on."""
        assert self.archived
        materialize.keep_attempts(cursor, "going")
        cold_tier.note_moved(cursor, "going", "archived")
        cold_tier.add(cursor, archive.listed(cursor, self.archived.parts), "going")
        for day, part in self.archived.parts.items():
            # What arrived or was put on hold since the archiving stays in the database.
            cursor.execute(
                "insert into cold_repeats select $file, event_id from archived "
                f"where occurred_at::date = date '{day}' "
                "and event_id not in (select event_id from going)",
                {"file": part.file},
            )

    def _reason(self) -> str:
        text = f"retention policy: events before {self.cutoff:%Y-%m-%d}"
        return text if self.archived is None else f"{text}{seal_status.ARCHIVED}"

    def _sweep(self, cursor: Cursor) -> dict[str, int]:
        edge = self.cutoff
        done = {
            table: _changed(cursor, f"delete from {table} where {condition}")
            for table, condition in (
                (
                    "targets",
                    "target_key not in (select target_key from events) "
                    f"and {cold_tier.not_pointed_to('targets')}",
                ),
                (
                    "search_texts",
                    f"{search_text.UNUSED} and {cold_tier.not_pointed_to('search_texts')}",
                ),
                (
                    "actors",
                    "actor_key not in (select actor_key from events) "
                    f"and {cold_tier.not_pointed_to('actors')} "
                    "and not exists (select 1 from people p where p.actor_id = actors.actor_id)",
                ),
                (
                    "quarantine",
                    f"seen_at < {literal(edge)} and not {held_periods.moment_held('seen_at')}",
                ),
                ("arrivals", f"arrived_at < {literal(edge - _SEEN_FILES_GRACE)}"),
                (
                    "batches",
                    f"ended_at < {literal(edge)} and {_UNUSED} and batch_id not in ({_NEWEST}) "
                    f"and {cold_tier.not_pointed_to('batches')}",
                ),
            )
        }
        # When sources were collecting is known as long as the events are.
        oldest = cold_tier.first_day(cursor)
        if oldest:
            edge = min(edge, dt.datetime.combine(oldest, dt.time()))
        expired = f"to_at < {literal(edge)}"
        with ledger.changing(cursor, "watches", expired):
            done["watches"] = _changed(cursor, f"delete from watches where {expired}")
        return done

    def _record(self, cursor: Cursor, done: dict[str, int]) -> None:
        """Record the removal in `purges`; the transactions of one purge share a row."""
        values = {
            "now": self.now,
            "cutoff": self.cutoff,
            "events": done["events"],
            "held": self.held,
            "archived": done["archived"],
            "made_by": self.made_by,
        }
        with ledger.changing(cursor, "purges", "purged_at = $now", {"now": self.now}):
            updated = _changed(
                cursor,
                "update purges set events = events + $events, archived = archived + $archived, "
                "held = $held where purged_at = $now and cutoff = $cutoff and made_by = $made_by",
                values,
            )
            if not updated:
                cursor.execute(
                    "insert into purges values "
                    "($now, $cutoff, $events, $held, $archived, $made_by)",
                    values,
                )


def future_dated(cutoff: dt.datetime) -> str:
    """Return the condition for events that are dated in the future and arrived before *cutoff*."""
    return f"e.future_dated and e.ingested_at < {literal(cutoff)}"


def _changed(cursor: Cursor, sql: str, params: Params | None = None) -> int:
    """Run *sql*; return how many rows it removed or changed."""
    return int(cursor.execute(sql, params).fetchall()[0][0])
