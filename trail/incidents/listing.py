"""The list of incidents as the page, the CSV, the API and the command show it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from trail.incidents import likely_causes, owners, queries
from trail.incidents.grouping import TRANSIENT
from trail.incidents.incident import Change, Incident
from trail.incidents.owners import Owner
from trail.incidents.queries import Summary, Total
from trail.incidents.shown import EVERYTHING, GROUPS, Shown
from trail.storage.engine import Engine
from trail.storage.filters import Filter
from trail.triage import records
from trail.triage.records import NONE, Triage


@dataclass(frozen=True, slots=True)
class Line:
    """An incident with what the list shows of it.

    `causes` are the changes before it, the most likely first; `owner` is that of its target, None
    if nobody changed it, and for a storm; `total` has the numbers of its target's incidents in the
    filter.
    """

    incident: Incident
    causes: Sequence[Change]
    owner: Owner | None
    total: Total
    triage: Triage


class Listing:
    """The incidents that *filter_* selects, and what *shown* shows of them, at *now* (aware)."""

    def __init__(self, engine: Engine, filter_: Filter, shown: Shown, now: dt.datetime) -> None:
        self.filter, self.shown, self.now = filter_, shown, now
        self._engine = engine

    @cached_property
    def totals(self) -> dict[str, Total]:
        """Return the numbers of each target; see `queries.target_totals`."""
        return queries.target_totals(self._engine, self.filter, self.now)

    @cached_property
    def owners(self) -> dict[str, Owner]:
        """Return the owner of each target of the filter's incidents."""
        return owners.owners(self._engine, self.totals)

    @cached_property
    def target_types(self) -> list[str]:
        """Return the types of the targets in the filter, whichever types it chooses."""
        return queries.target_types(self._engine, self.filter.without("target_type"), self.now)

    @cached_property
    def _targets(self) -> list[str] | None:
        if not self.shown.owner:
            return None
        return [name for name, owner in self.owners.items() if owner.actor_id == self.shown.owner]

    @cached_property
    def summary(self) -> Summary:
        """Return the counts of the incidents of the chosen classes and owner, of all groups."""
        return queries.summary(
            self._engine,
            self.filter,
            self.now,
            classes=self.shown.classes,
            targets=self._targets,
        )

    @property
    def default_groups(self) -> tuple[str, ...]:
        """Return the groups shown without a choice: not the transient ones, unless their class."""
        return GROUPS if TRANSIENT in self.shown.classes else GROUPS[:2]

    @property
    def groups(self) -> tuple[str, ...]:
        """Return the groups shown."""
        if self.shown.group == EVERYTHING:
            return GROUPS
        return (self.shown.group,) if self.shown.group else self.default_groups

    @property
    def total(self) -> Total:
        """Return the numbers of the incidents shown, on all pages."""
        chosen = [self.summary.groups[name] for name in self.groups]
        return Total(sum(one.incidents for one in chosen), sum(one.attempts for one in chosen))

    @property
    def hidden(self) -> int:
        """Return the number of transient incidents that are hidden since no group is chosen."""
        if self.shown.group or self.groups == GROUPS:
            return 0
        return self.summary.transient_closed

    def incidents(self, rows: int | None = None, skip: int = 0) -> list[Incident]:
        """Return a page of the incidents shown, in their order."""
        return queries.incidents(
            self._engine,
            self.filter,
            self.now,
            groups=self.groups,
            classes=self.shown.classes,
            targets=self._targets,
            order=self.shown.order,
            rows=rows,
            skip=skip,
        )

    def lines(self, incidents: Sequence[Incident]) -> list[Line]:
        """Return *incidents* with what is shown of them."""
        changes = likely_causes.changes_before(self._engine, incidents)
        triage = triage_of(self._engine, incidents)
        return [
            Line(
                one,
                changes[one.incident_id],
                None if one.targets > 1 else self.owners.get(one.target),
                self.totals.get(one.target, Total())
                if one.targets == 1
                else Total(1, one.attempts),
                triage.get(one.incident_id, NONE),
            )
            for one in incidents
        ]


def triage_of(engine: Engine, incidents: Sequence[Incident]) -> Mapping[str, Triage]:
    """Return by incident id what people did about each of *incidents* that has anything."""
    return records.by_identifier(engine, "incident", [one.incident_id for one in incidents])
