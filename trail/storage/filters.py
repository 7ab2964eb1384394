"""One filter for everything: the query string, the object, and the SQL of a selection.

Pages, commands, routes and exports all hold a `Filter`, so that a link, a table, a chart, a count
and a CSV of it can never mean different rows.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from trail.core.catalogue import RISK_LEVELS
from trail.core.errors import FilterError
from trail.core.zones import zone_names
from trail.storage import earlier_search, query_pairs, search_syntax, time_expressions
from trail.storage.query_pairs import SYNTAX

# The facets of a filter, in the order of the query string. Each may include and exclude values.
# Those of `FLAGS` have the values yes and no.
FLAGS = ("changes", "verified", "future_dated")
FACETS = (
    *("category", "action", "actor", "actor_type", "target_type", "target", "outcome", "kind"),
    *("risk", "source", "workspace", "findings", *FLAGS),
)
YES, NO = "yes", "no"
# What a facet may be narrowed to; the others have whatever values the events have.
ALLOWED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(FLAGS, (YES, NO)),
    "risk": (*RISK_LEVELS, *map(str, range(11))),
    "findings": ("to_review", "decided"),
}
_HINTS = {
    **dict.fromkeys(FLAGS, "Use yes or no."),
    "risk": "Use high, medium, low, or 0 to 10.",
    "findings": "Use to_review or decided.",
}

# The orders of events: by time, or by one of these columns; with `-` in front of it the highest,
# or the end of the alphabet, comes first. `trail.events.sorting` says by what each one sorts.
SORTS = ("newest", "oldest")
SORT_COLUMNS = (
    *("risk", "action", "action_raw", "category", "kind", "outcome", "actor", "actor_id"),
    *("actor_name", "actor_email", "actor_type", "target", "target_id", "target_name"),
    *("target_type", "workspace_id", "verified", "ingested_at"),
)
_TIME_SORTS = {"occurred_at": "oldest", "-occurred_at": "newest"}

# What one filter may demand of the database; see also `search_syntax.check`.
MAX_VALUES = 500  # of all facets, included and excluded
MAX_VALUE_CHARS = 4_096
MAX_QUERY_CHARS = 32_768  # names and values together

_DEFAULTS = (("tz", "UTC"), ("sort", "newest"))


@dataclass(frozen=True, slots=True)
class Choice:
    """The values of one facet that are included and excluded."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return whether the facet narrows anything."""
        return bool(self.include or self.exclude)


@dataclass(frozen=True, slots=True)
class Window:
    """A span of event time in UTC, without zone: start included, end excluded; None is open."""

    start: dt.datetime | None = None
    end: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """The selected events. Immutable; every change returns a new filter."""

    start: str = ""
    end: str = ""
    choices: Mapping[str, Choice] = field(default_factory=dict)
    q: tuple[str, ...] = ()
    tz: str = "UTC"
    sort: str = "newest"

    @classmethod
    def parse(cls, query: str | Iterable[tuple[str, str]]) -> "Filter":
        """Return the filter that a query string (with or without `?`) or its pairs say.

        Raises `FilterError` naming the part that cannot be read, or that is over a limit. Unknown
        names are errors in a string; pages drop their own names before they call. A part without
        `=` belongs to the value before it, as in `q=R&D`.
        """
        pairs = _pairs(query)
        _check_length(pairs)
        made = cls._from_pairs(pairs)
        made.check()
        return made

    @classmethod
    def parse_signed(cls, query: str) -> "Filter":
        """Return the filter of a sign-off: as `parse`, without the limits on its cost.

        What was signed stays verifiable, whatever the limits were at the time, and means what it
        meant; see `query_pairs`.
        """
        made = cls._from_pairs(_pairs(query_pairs.from_kept(query)))
        made.check_values()
        return made

    @classmethod
    def _from_pairs(cls, pairs: list[tuple[str, str]]) -> "Filter":
        result: dict[str, list[str]] = {}
        for name, value in pairs:
            result.setdefault(name, []).append(value)
        unknown = sorted(set(result) - {*FACETS, "from", "to", "q", "tz", "sort", SYNTAX})
        if unknown:
            raise FilterError(
                f"Unknown filter {unknown[0]!r}.",
                f"Known: from, to, {', '.join(FACETS)}, q, tz, sort.",
            )
        syntax = _last(result, SYNTAX) or query_pairs.CURRENT
        if syntax not in (query_pairs.EARLIER, query_pairs.CURRENT):
            raise FilterError(f"Unknown syntax {syntax!r}.", "Use 1 or 2.")
        texts = result.get("q", [])
        if syntax == query_pairs.EARLIER:
            texts = list(map(earlier_search.current, texts))
        return cls(
            start=_last(result, "from"),
            end=_last(result, "to"),
            choices={name: choice for name in FACETS if (choice := _choice(name, result))},
            q=tuple(dict.fromkeys(text for text in texts if text.strip())),
            tz=_last(result, "tz") or "UTC",
            sort=_sort(_last(result, "sort")),
        )

    def check(self) -> None:
        """Raise `FilterError` for a value that cannot be read, and for more than the limits."""
        search_syntax.check(self.q)
        values = [
            value for choice in self.choices.values() for value in choice.include + choice.exclude
        ]
        if len(values) > MAX_VALUES:
            raise FilterError(
                f"The filter has too many values: {len(values):,}.",
                f"Use at most {MAX_VALUES:,}, included and excluded.",
            )
        if (longest := max(map(len, values), default=0)) > MAX_VALUE_CHARS:
            raise FilterError(
                f"A value of the filter is too long: {longest:,} characters.",
                f"Use at most {MAX_VALUE_CHARS:,}.",
            )
        self.check_values()

    def check_values(self) -> None:
        """Raise `FilterError` for a zone, sort order, time or value that cannot be read."""
        if self.tz not in zone_names():
            raise FilterError(f"Unknown zone {self.tz!r}.", "Use a name such as Europe/Oslo.")
        if self.sort not in SORTS and self.sort.removeprefix("-") not in SORT_COLUMNS:
            raise FilterError(
                f"Unknown sort {self.sort!r}.",
                "Use newest, oldest, or a column, such as action, or -risk for the highest first: "
                f"{', '.join(SORT_COLUMNS)}.",
            )
        for name, allowed in ALLOWED.items():
            choice = self.choice(name)
            for value in (*choice.include, *choice.exclude):
                if value not in allowed:
                    raise FilterError(f"Unknown value {value!r} of {name}.", _HINTS[name])
        window = self.window(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        ends_first = window.start and window.end and window.start > window.end
        if ends_first and not self.is_relative:
            raise FilterError("The range ends before it starts.", "Swap from and to.")

    def check_lasting(self) -> None:
        """Raise `FilterError` if decisions change which events match: not for what is kept."""
        if self.choice("findings"):
            raise FilterError(
                "A filter that is kept cannot depend on findings.", "Remove the choice of findings."
            )

    def query(self) -> str:
        """Return the query string that `parse` reads as this filter."""
        return urlencode([pair for pair in self.pairs() if pair not in _DEFAULTS])

    def pairs(self) -> list[tuple[str, str]]:
        """Return the names and values of the query string, zone and order always among them."""
        pairs: list[tuple[str, str]] = []
        if self.start:
            pairs.append(("from", self.start))
        if self.end:
            pairs.append(("to", self.end))
        for name in FACETS:
            choice = self.choice(name)
            pairs.extend((name, _escape(value)) for value in choice.include)
            pairs.extend((name, f"-{value}") for value in choice.exclude)
        pairs.extend(("q", text) for text in self.q)
        return [*pairs, ("tz", self.tz), ("sort", self.sort)]

    def choice(self, name: str) -> Choice:
        """Return what facet *name* includes and excludes."""
        return self.choices.get(name, Choice())

    def state(self, name: str, value: str) -> str:
        """Return `include`, `exclude` or an empty string for *value* of facet *name*."""
        choice = self.choice(name)
        if value in choice.include:
            return "include"
        return "exclude" if value in choice.exclude else ""

    def put(self, name: str, value: str, state: str) -> "Filter":
        """Return this filter with *value* of facet *name* included, excluded, or (``""``) free."""
        choice = self.choice(name)
        include = tuple(item for item in choice.include if item != value)
        exclude = tuple(item for item in choice.exclude if item != value)
        if state == "include":
            include += (value,)
        elif state == "exclude":
            exclude += (value,)
        choices = {**self.choices, name: Choice(include, exclude)}
        return replace(self, choices={key: kept for key, kept in choices.items() if kept})

    def without(self, *names: str) -> "Filter":
        """Return this filter without the facets *names*."""
        return replace(
            self, choices={key: kept for key, kept in self.choices.items() if key not in names}
        )

    def cleared(self) -> "Filter":
        """Return the filter of the same range, zone and order that narrows nothing."""
        return replace(self, choices={}, q=())

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone in which this filter is read and shown."""
        return ZoneInfo(self.tz)

    @property
    def is_relative(self) -> bool:
        """Return whether the range depends on the current time."""
        return any(map(time_expressions.is_relative, (self.start, self.end)))

    def window(self, now: dt.datetime) -> Window:
        """Return the span of event time at *now* (aware); see `time_expressions.window`."""
        return Window(*time_expressions.window(self.start, self.end, self.zone, now))


def _pairs(query: str | Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return query_pairs.read(query) if isinstance(query, str) else list(query)


def _check_length(pairs: list[tuple[str, str]]) -> None:
    length = sum(len(name) + len(value) for name, value in pairs)
    if length > MAX_QUERY_CHARS:
        raise FilterError(
            f"The filter is too long: {length:,} characters.", f"Use at most {MAX_QUERY_CHARS:,}."
        )


def _last(parameters: dict[str, list[str]], name: str) -> str:
    return parameters.get(name, [""])[-1].strip()


def _sort(text: str) -> str:
    return _TIME_SORTS.get(text, text or "newest")


def _choice(name: str, parameters: dict[str, list[str]]) -> Choice:
    include: list[str] = []
    exclude: list[str] = []
    for value in parameters.get(name, []):
        if name in FLAGS:
            # As the column of the same name is written in JSON.
            value = value.replace("true", YES).replace("false", NO)
        elif name in ALLOWED:
            value = value.lower()
        if value.startswith("-"):
            exclude.append(value[1:])
        else:
            include.append(value[1:] if value.startswith("\\") else value)
    return Choice(tuple(dict.fromkeys(include)), tuple(dict.fromkeys(exclude)))


def _escape(value: str) -> str:
    """Return *value* so that a leading dash is not read as an exclusion."""
    return "\\" + value if value[:1] in ("-", "\\") else value
