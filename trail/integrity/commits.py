"""The ledger of commits: what each commit stored, by day, until the seals of its days cover it.

An entry's body has `at` (the `ingested_at` of the rows), `batch` (the newest batch of the rows) and
`days`: by UTC day the number of events, of second reports, and a digest. The digest is the SHA-256
of the digests of events and of second reports, as far as there are any; each is the SHA-256 of the
SHA-256 digests of these columns over all rows by time and id: microseconds since 1970 (8 bytes,
little-endian), verified (1, 0, or 255 for unknown), and the texts id, record and (second reports)
id of the other report, see `TextPlaces.digest`. Hashing whole columns costs little beside storing
the rows.
"""

import datetime as dt
import hashlib
import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trail.core.text import count
from trail.integrity.chain_history import Problem
from trail.integrity.ledger_check import Chain
from trail.integrity.row_digest import Ask, Edge, groups
from trail.integrity.text_places import TextPlaces, places
from trail.storage import ledger
from trail.storage.connection import Cursor
from trail.storage.where import literal

Batches = Callable[[str], Iterable[pa.RecordBatch]]

_TEXTS = ("event_id", "raw", "twin_of")
_DAY_US = 86_400_000_000
_EPOCH = dt.datetime.fromisoformat("1970-01-01")
_SPAN_ROWS = 250_000  # of commits that are read at once, since they are sorted with their records


@dataclass(frozen=True, slots=True)
class DayPart:
    """What one commit stored for one day: numbers of events and second reports, and the digest."""

    events: int
    twins: int
    digest: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows in the order of time and id: microseconds since 1970, flags as bytes, and texts."""

    occurred_at: npt.NDArray[np.int64]
    verified: npt.NDArray[np.uint8]
    texts: tuple[TextPlaces, ...]

    def by_day(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield each day (since 1970), its number of rows, and their digest."""
        if not len(self.occurred_at):
            return
        days = self.occurred_at // _DAY_US
        edges = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(days)]
        for first, last in itertools.pairwise(edges):
            columns = [
                hashlib.sha256(self.occurred_at[first:last].astype("<i8").tobytes()).digest(),
                hashlib.sha256(self.verified[first:last].tobytes()).digest(),
                *(texts.digest(first, last) for texts in self.texts),
            ]
            yield int(days[first]), last - first, hashlib.sha256(b"".join(columns)).digest()


NONE = Rows(np.zeros(0, np.int64), np.zeros(0, np.uint8), ())


def flags(verified: pa.ChunkedArray) -> npt.NDArray[np.uint8]:
    """Return a flag as bytes: 1, 0, or 255 for unknown."""
    result: npt.NDArray[np.uint8] = pc.fill_null(verified.cast(pa.uint8()), 255).to_numpy()
    return result


def of_table(table: pa.Table) -> Rows:
    """Return the rows of *table*, which was selected with `columns`."""
    texts = [table[name] for name in _TEXTS if name in table.column_names]
    return Rows(
        table["occurred_at"].to_numpy(),
        flags(table["verified"]),
        tuple(places([text.cast(pa.large_string())], lines=True) for text in texts),
    )


def columns(*texts: str) -> str:
    """Return the columns to select for `of_table`, with these *texts*; they become lines."""
    selected = [f"coalesce({text}, '') || chr(10) as {text}" for text in texts]
    return ", ".join(["coalesce(epoch_us(occurred_at), 0) as occurred_at", "verified", *selected])


def record(cursor: Cursor, now: dt.datetime, batch: int, events: Rows, twins: Rows) -> None:
    """Append what this transaction stored at *now* (`ingested_at`) up to *batch*.

    *events* have the texts id and record, *twins* also the id of the other report.
    """
    days = {day.isoformat(): [p.events, p.twins, p.digest] for day, p in parts(events, twins)}
    body = ledger.canonical({"at": now, "batch": batch, "days": days})
    ledger.append(cursor, ledger.COMMITS, [ledger.Entry("events", ledger.ADDED, body)])


def parts(events: Rows, twins: Rows) -> list[tuple[dt.date, DayPart]]:
    """Return what *events* and *twins* contain of each UTC day."""
    hashes: dict[int, list[bytes]] = defaultdict(list)
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for which, rows in enumerate((events, twins)):
        for day, number, digest in rows.by_day():
            hashes[day].append(digest)
            counts[day][which] = number
    return [
        (
            (_EPOCH + dt.timedelta(days=day)).date(),
            DayPart(
                counts[day][0], counts[day][1], hashlib.sha256(b"".join(hashes[day])).hexdigest()
            ),
        )
        for day in sorted(hashes)
    ]


def problems(ask: Ask, batches: Batches, chain: Chain, edges: dict[dt.date, Edge]) -> list[Problem]:
    """Return how the rows of days that no seal covers differ from what commits stored.

    *edges* are those of the newest seal of each day. Rows that an earlier release kept are unknown.
    """
    began, entries = _read(chain)
    open_days = {
        (at, day): part
        for at, (batch, days) in entries.items()
        for day, part in days.items()
        if not _sealed(edges.get(day), at, batch)
    }
    stored = dict(_stored(ask, batches, sorted({at for at, _ in open_days})))
    found: list[Problem] = []
    for (at, day), part in sorted(open_days.items()):
        found += _differences(day, part, stored.get((at, day), DayPart(0, 0, "")))
    for row in ask(_unknown(edges, began)) if chain.begun else ():
        if (row["at"], row["day"]) not in open_days:
            n = row["n"]
            shown = row["day"] or "No day"
            text = f"{shown}: {count(n, 'event')} added without a commit of this product."
            found.append(Problem(row["day"], "added", n, text))
    return found


def covered(chain: Chain, edges: dict[dt.date, Edge]) -> int:
    """Return up to which entry the seals with *edges* cover all that the commits stored."""
    number = chain.first - 1
    for entry in chain.entries:
        if entry["change"] == ledger.ADDED:
            at, batch, days = _entry(entry)
            if not all(_sealed(edges.get(day), at, batch) for day in days):
                break
        number = int(entry["number"])
    return number


def _read(
    chain: Chain,
) -> tuple[dt.datetime | None, dict[dt.datetime, tuple[int, dict[dt.date, DayPart]]]]:
    """Return when the ledger began, and the commits by `ingested_at`."""
    began, entries = None, {}
    for entry in chain.entries:
        if entry["change"] == ledger.BEGIN:
            kept = json.loads(entry["body"]).get("kept")
            began = dt.datetime.fromisoformat(kept) if kept else None
        else:
            at, batch, days = _entry(entry)
            entries[at] = (batch, days)
    return began, entries


def _entry(entry: dict[str, object]) -> tuple[dt.datetime, int, dict[dt.date, DayPart]]:
    body = json.loads(str(entry["body"]))
    days = {dt.date.fromisoformat(day): DayPart(*part) for day, part in body["days"].items()}
    return dt.datetime.fromisoformat(body["at"]), int(body["batch"]), days


def _sealed(edge: Edge | None, at: dt.datetime, batch: int) -> bool:
    return edge is not None and batch <= edge.batch and at < edge.seen_at


def _stored(
    ask: Ask, batches: Batches, moments: list[dt.datetime]
) -> Iterator[tuple[tuple[dt.datetime, dt.date], DayPart]]:
    """Yield what the database has of the commits at *moments*, by commit and day."""
    rows = ask(
        "select ingested_at, count(*) as n from (select ingested_at from events union all "
        "select ingested_at from twins) group by ingested_at"
    )
    counts = {row["ingested_at"]: row["n"] for row in rows}
    for some in groups(moments, lambda at: counts.get(at, 0), _SPAN_ROWS):
        events = _rows(batches, "events", ("event_id", "raw"), some)
        twins = _rows(batches, "twins", ("event_id", "raw", "twin_of"), some)
        for at in events.keys() | twins.keys():
            for day, part in parts(events.get(at, NONE), twins.get(at, NONE)):
                yield (at, day), part


def _rows(
    batches: Batches, table: str, texts: tuple[str, ...], moments: list[dt.datetime]
) -> dict[dt.datetime, Rows]:
    listed = ", ".join(literal(at) for at in moments)
    others = "".join(f", {table}.{text}" for text in texts if text != "raw")
    sql = (
        f"select epoch_us(ingested_at) as at, {columns(*texts)} from {table} "
        f"where ingested_at between {literal(moments[0])} and {literal(moments[-1])} "
        f"and ingested_at in ({listed}) "
        f"order by {table}.ingested_at, {table}.occurred_at{others}"
    )
    found: dict[int, list[pa.RecordBatch]] = defaultdict(list)
    for batch in batches(sql):
        at = batch.column(0).to_numpy()
        edges = [0, *(np.flatnonzero(np.diff(at)) + 1).tolist(), len(at)]
        for start, end in itertools.pairwise(edges):
            if end > start:
                found[int(at[start])].append(batch.slice(start, end - start))
    return {
        _EPOCH + dt.timedelta(microseconds=at): of_table(pa.Table.from_batches(rows))
        for at, rows in found.items()
    }


def _differences(day: dt.date, then: DayPart, now: DayPart) -> Iterator[Problem]:
    """Yield how what is stored of a day differs from what the commit stored."""
    gap = (now.events + now.twins) - (then.events + then.twins)
    total = then.events + then.twins
    where = f"that a commit stored for {day}, which is not sealed yet"
    if gap < 0:
        text = f"Missing: {-gap:,} of {count(total, 'event')} {where}."
        yield Problem(day, "missing", -gap, text)
    elif gap > 0:
        text = f"Added: {count(gap, 'event')} to {total:,} {where}."
        yield Problem(day, "added", gap, text)
    elif then != now:
        yield Problem(day, "changed", 1, f"Changed: some of {count(total, 'event')} {where}.")


def _unknown(edges: dict[dt.date, Edge], began: dt.datetime | None) -> str:
    """Return SQL for the rows that no seal covers, counted by commit and day."""
    since = f"and ingested_at > {literal(began)}" if began else ""
    values = ", ".join(
        f"(date '{edge.day.isoformat()}', {edge.batch}, {literal(edge.seen_at)})"
        for edge in edges.values()
    )
    sealed = values or "(date '1900-01-01', 0, timestamp '1900-01-01')"
    return (
        f"with edges(day, batch, seen_at) as (values {sealed}) "
        "select ingested_at as at, occurred_at::date as day, count(*) as n "
        "from (select occurred_at, ingested_at, batch_id from events union all "
        "select occurred_at, ingested_at, batch_id from twins) e "
        "left join edges s on s.day = e.occurred_at::date "
        f"where (s.day is null or coalesce(e.batch_id > s.batch or e.ingested_at >= s.seen_at, "
        f"true)) {since} group by all order by all"
    )
