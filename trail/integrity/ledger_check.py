"""Verify the ledgers: each entry, what seals and the high-water mark state, and the rows of books.

See `trail.storage.ledger` for the format. A chain begins again only where an owner accepted its
problems (`seal --accept`), which a signed seal records.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from trail.core.text import count
from trail.integrity import chain
from trail.integrity.chain_history import History, Problem
from trail.integrity.row_digest import Ask
from trail.storage import ledger

CUT, CHANGED = "ledger cut", "ledger changed"

_RENEWED = (chain.ACCEPTED, chain.RESTORED)
_TITLES = {
    ledger.RECORDS: "ledger of decisions and settings",
    ledger.COVERAGE: "ledger of coverage",
    ledger.COMMITS: "ledger of commits",
    ledger.ACCESS: "ledger of the access log",
}

# Number and hash of the newest entry, by chain.
Heads = Mapping[str, Any]
Row = dict[str, Any]


@dataclass(slots=True)
class Stated:
    """What signed seals state about a chain: hashes by number, and up to where it was renewed.

    *anchors* are all hashes ever stated by number: a chain may have been shortened up to one of
    them before a backup was restored.
    """

    hashes: dict[int, str] = field(default_factory=dict)
    days: dict[int, dt.date | None] = field(default_factory=dict)
    renewed: int = 0
    anchors: dict[int, set[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Chain:
    """One chain as read: its span of numbers, the rows that it lists by book, and its problems.

    It has not *begun* while an earlier release's database has not been started by this release.
    """

    name: str
    first: int = 0
    last: int = 0
    hashes: dict[int, str] = field(default_factory=dict)
    live: dict[str, Counter[str]] = field(default_factory=dict)
    entries: list[Row] = field(default_factory=list)
    begun: bool = True
    problems: list[Problem] = field(default_factory=list)

    def add(self, day: dt.date | None, problem: str, count: int, text: str) -> None:
        """Add a problem; *text* names the chain as `{title}`."""
        text = text.format(title=_TITLES[self.name])
        self.problems.append(Problem(day, problem, count, text))


def problems(ask: Ask, history: History, outside: Heads) -> list[Problem]:
    """Return the problems of all chains and of their books.

    *outside* are the heads that the high-water mark states.
    """
    return [problem for each in read(ask, history, outside) for problem in each.problems]


def read(ask: Ask, history: History, outside: Heads) -> list[Chain]:
    """Return the chains, each with its problems and those of its books."""
    return [read_one(ask, name, stated(history, name), outside) for name in ledger.CHAINS]


def stated(history: History, name: str) -> Stated:
    """Return what the trusted seals state about the chain *name*, since it was last renewed."""
    result = Stated()
    for _, line in sorted(history.trusted.items()):
        head = (line.body.get("ledger") or {}).get(name)
        if line.body["kind"] in _RENEWED:
            result = Stated(renewed=int(head[0]) if head else 0, anchors=result.anchors)
        if head and head[0]:
            result.anchors.setdefault(int(head[0]), set()).add(str(head[1]))
            result.hashes[int(head[0])] = str(head[1])
            result.days[int(head[0])] = line.day
    return result


def read_one(ask: Ask, name: str, sealed: Stated, outside: Heads) -> Chain:
    """Return the chain *name* with its problems and those of its books."""
    result = Chain(name)
    for row in ask(f"select * from ledger where chain = '{name}' order by number"):
        if row["number"] is None or row["noted_at"] is None:
            result.add(None, CHANGED, 1, "An entry of the {title} has no number or no time.")
            continue
        _check_entry(result, row, sealed)
        _apply(result, row)
    result.begun = bool(result.last) or not ask(
        f"select 1 from marks where source = '{ledger.DUE}'"
    )
    if not result.problems:
        _check_heads(result, sealed, outside.get(name))
    if not result.problems and result.begun:
        result.problems += _rows(ask, result)
    return result


def _check_entry(result: Chain, row: Row, sealed: Stated) -> None:
    number, day = int(row["number"]), row["noted_at"].date()
    previous = result.hashes.get(number - 1)
    if row["change"] == ledger.BEGIN:
        if 1 < number <= sealed.renewed:
            result.problems.clear()
        elif number > 1:
            text = f"The {{title}} begins again at entry {number:,}, which nobody accepted."
            result.add(day, CHANGED, 1, text)
        previous = ledger.FIRST
    elif not result.last:
        anchors = sealed.anchors.get(number - 1, set()) if number > 1 else {ledger.FIRST}
        # Of several, the one that the entry continues; any other shows that it was changed.
        previous = max(
            anchors, key=lambda each: _hash(result, row, each) == row["hash"], default=None
        )
    if number in result.hashes:
        result.add(day, CHANGED, 1, f"Entry {number:,} of the {{title}} occurs twice.")
    elif previous is None:
        missing = number - result.last - 1
        entries = count(missing, "entry", "entries")
        text = f"Missing from the {{title}}: {entries} before entry {number:,}."
        result.add(day, CUT, missing, text)
    elif ledger.digest_of(row["body"] or "") != row["digest"] or row["hash"] != _hash(
        result, row, previous
    ):
        text = f"Entry {number:,} of the {{title}} was changed after it was recorded."
        result.add(day, CHANGED, 1, text)
    result.first = result.first or number
    result.last = number
    result.hashes[number] = str(row["hash"])


def _hash(result: Chain, row: Row, previous: str) -> str:
    """Return the hash that an entry must have after the entry with the hash *previous*."""
    number, at = int(row["number"]), row["noted_at"]
    fields = (row["book"], row["change"], row["digest"], previous)
    return ledger.hash_of(result.name, number, at, *fields)


def _apply(result: Chain, row: Row) -> None:
    """Follow what the entry states about the rows of its book."""
    book, change, body = str(row["book"]), row["change"], row["body"] or ""
    live = result.live.setdefault(book, Counter())
    if change in (ledger.BEGIN, ledger.RESTATED):
        result.live.clear()
        result.entries.clear()
    elif result.name == ledger.COMMITS:
        result.entries.append(row)
        return
    elif change == ledger.ADDED:
        live[body] += 1
    elif change == ledger.REMOVED:
        if live[body] <= 0:
            name = ledger.BOOKS[book].name if book in ledger.BOOKS else book
            text = f"A row of {name} was changed outside this product before it was replaced."
            result.add(row["noted_at"].date(), f"{name} changed", 1, text)
        live[body] -= 1
    elif change == ledger.TRIMMED:
        rule = json.loads(body)
        for text in [t for t in live if json.loads(t)[rule["column"]] < rule["before"]]:
            del live[text]
    if change == ledger.BEGIN:
        result.entries.append(row)


def _check_heads(result: Chain, sealed: Stated, outside: Any) -> None:
    """Add a problem if the chain lacks what a seal or the high-water mark states, or differs."""
    heads = [(n, h, "stated by a seal", sealed.days[n]) for n, h in sorted(sealed.hashes.items())]
    if outside and outside[0]:
        where = "recorded outside the database"
        heads.append((int(outside[0]), str(outside[1]), where, None))
    for number, hash_, where, day in heads:
        if number > result.last:
            lost = number - result.last
            text = f"Missing from the {{title}}: {count(lost, 'entry', 'entries')} {where}."
            result.add(day, CUT, lost, text)
            return
        if number >= result.first and result.hashes.get(number) != hash_:
            text = f"Entries of the {{title}} up to entry {number:,} differ from what is {where}."
            result.add(day, CHANGED, 1, text)
            return


def _rows(ask: Ask, checked: Chain) -> Iterator[Problem]:
    """Yield how the rows of the books differ from those that the chain lists."""
    for table, book in ledger.BOOKS.items():
        if book.chain != checked.name:
            continue
        listed = +checked.live.get(table, Counter())
        stored = Counter(
            ledger.canonical(row) for row in ask(f"select {', '.join(book.columns)} from {table}")
        )
        missing, added = (listed - stored).total(), (stored - listed).total()
        edited = min(missing, added)
        day = _day(listed - stored or stored - listed)
        for kind, number, done in (
            ("changed", edited, "changed"),
            ("missing", missing - edited, "deleted"),
            ("added", added - edited, "added"),
        ):
            if number:
                rows = f"{count(number, 'row')} of {book.name}"
                verb = "was" if number == 1 else "were"
                text = f"{rows} {verb} {done} outside this product."
                yield Problem(day, f"{book.name} {kind}", number, text)


def _day(rows: Counter[str]) -> dt.date | None:
    """Return the day (UTC) of the newest of *rows*, by the last of the times that each contains."""
    times = [
        max((str(v) for k, v in json.loads(row).items() if v and k.endswith("_at")), default="")
        for row in rows
    ]
    newest = max(times, default="")
    return dt.date.fromisoformat(newest[:10]) if newest else None
