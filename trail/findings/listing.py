"""The list of findings as the page and its CSV show it."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from trail.core.errors import InputError
from trail.findings import queries, reviews
from trail.findings.columns import KEYS, Line
from trail.findings.model import Finding
from trail.findings.queries import Queue
from trail.storage.engine import Engine
from trail.storage.filters import Filter
from trail.triage import records
from trail.triage.records import NONE

# The parameters of `Shown` in URLs.
PARAMS = ("all", "order")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a list shows of the findings of a filter, and in which order.

    `everything` includes those below the threshold. `order` is a name of `columns.KEYS`, with `-`
    for descending; empty for those to review first, each part as in `queries.queue`. Raises
    `InputError` for another order.
    """

    everything: bool = False
    order: str = ""

    def __post_init__(self) -> None:
        """Raise `InputError` for an unknown order."""
        if self.order and self.order.removeprefix("-") not in KEYS:
            raise InputError(f"Unknown order {self.order[:60]!r}.", f"Allowed: {', '.join(KEYS)}.")

    @classmethod
    def parse(cls, pairs: Iterable[tuple[str, str]]) -> "Shown":
        """Return what the parameters `PARAMS` among *pairs* say."""
        values = dict(pairs)
        return cls(values.get("all", "") not in ("", "0"), values.get("order", ""))

    def pairs(self) -> list[tuple[str, str]]:
        """Return the parameters that are set."""
        everything = [("all", "1")] if self.everything else []
        return [*everything, *([("order", self.order)] if self.order else [])]


class Listing:
    """The findings that *filter_* selects, as *shown* shows them at *now* (aware).

    With *weekdays*, for a page, titles name recent days so; what is kept has dates.
    """

    def __init__(
        self,
        engine: Engine,
        filter_: Filter,
        shown: Shown,
        now: dt.datetime,
        *,
        weekdays: bool = False,
    ) -> None:
        self.filter, self.shown, self.now = filter_, shown, now
        self._engine, self._weekdays = engine, weekdays

    @cached_property
    def queue(self) -> Queue:
        """Return the findings as found; see `queries.queue`."""
        return queries.queue(self._engine, self.filter, self.now, everything=self.shown.everything)

    @cached_property
    def lines(self) -> list[Line]:
        """Return all findings in order, with their titles and what people did about them."""
        return self._ordered(self._lines(self.queue.findings))

    def line(self, finding_id: str) -> Line | None:
        """Return one finding, which may be outside the list, or None if there is none."""
        for line in self.lines:
            if line.finding.finding_id == finding_id:
                return line
        finding = queries.get(self._engine, finding_id)
        return self._lines([finding])[0] if finding else None

    def _lines(self, findings: Sequence[Finding]) -> list[Line]:
        titles = queries.titles(
            self._engine, findings, self.filter.zone, self.now, weekdays=self._weekdays
        )
        ids = [finding.finding_id for finding in findings]
        triage = records.by_identifier(self._engine, "finding", ids)
        return [
            Line(finding, titles[finding.finding_id], triage.get(finding.finding_id, NONE))
            for finding in findings
        ]

    def _ordered(self, lines: Sequence[Line]) -> list[Line]:
        name = self.shown.order.removeprefix("-")
        if not name:
            return sorted(lines, key=lambda line: line.finding.state != reviews.OPEN)
        key_of = KEYS[name]
        known = [line for line in lines if key_of(line) != ""]
        known.sort(key=key_of, reverse=self.shown.order.startswith("-"))
        return [*known, *(line for line in lines if key_of(line) == "")]
