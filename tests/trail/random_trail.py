"""A small store of random events, and an independent implementation of filters.

`Row.fits` shares no code with the product: tests compare query results with it.
"""

import datetime as dt
import json
import random
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
from hypothesis import strategies as st

from loaders.json_lines import LOADER
from trail.core import catalogue
from trail.core.model import Batch, Chunk, Source
from trail.core.sections import Store as StoreSettings
from trail.core.settings import Settings
from trail.ingest import pipeline
from trail.storage.duckdb import Store
from trail.storage.filters import SORT_COLUMNS, Choice, Filter

# A moment between two bars, just after London (25 October) and New York (1 November) changed.
NOW = dt.datetime(2026, 11, 2, 15, 34, 56, 789_000, tzinfo=dt.UTC)
ZONES = (
    "UTC",
    "Europe/London",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
)
ACTIONS = (
    "Source Created",
    "Source Disabled",
    "User Invite Sent",
    "User Group Updated",
    "Tracking Plan Deleted",
    "Destination Filter Created",
    "Gizmo 50%_off Calibrated",
    "Violations Detected",
    "Permission Check",
)
# Name of the actor in the record, its id, its type, its name, and its first and last e-mail.
ACTORS = (
    ("users/ana", "users/ana", "user", "", "ana@old.example", "ana@new.example"),
    ("users/bo", "users/bo", "user", "", "shared@x.example", "shared@x.example"),
    ("users/Cy_%", "users/Cy_%", "user", "", "shared@x.example", "shared@x.example"),
    ("tokens/-t1", "tokens/-t1", "token", "", "", ""),
    ("-dash", "-dash", "unknown", "", "", ""),
    ("__system__", "system", "system", "Segment", "", ""),
)
TARGETS = (
    ("source", "src/1", "Källa 50%_off"),
    ("source", "src/1", "Källa 50% off"),
    ("source", "src/2", "=1+1"),
    ("source", "src!3", "-5"),
    ("tracking_plan", "plan_1", "@cmd"),
    ("tracking_plan", "plan-1", "+41"),
    ("space", "sp1", "\tTab"),
    ("space", "sp2", "\rReturn"),
    ("space", "sp3", "\nLine"),
    ("user_group", "g1", 'Says "hi", twice; ok'),
    ("user_group", "plain", "two words"),
    ("", "", ""),
)
# Values of `q` terms: parts of names in other case, wildcards, marks, and what no event has.
TEXTS = ("source", "ANA", "50%", "%", "_", "!", "users/", "käLLA", "two words", '"hi"', "zzz", "-5")
MARKS = ("a", "B", "ö", "~", "-", "=", "+", "")
SPACE = ("ws-1", "ws_2")
# All but the time of arrival, which is not the same in two runs.
SORTS = (
    *("newest", "oldest"),
    *(mark + name for name in SORT_COLUMNS if name != "ingested_at" for mark in ("", "-")),
)
# Events are loaded at the time of the test, not at `NOW`.
_LATEST = dt.datetime.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(minutes=10)


@dataclass(frozen=True)
class Row:
    """One event as the store must show it; missing values are empty strings."""

    event_id: str
    occurred_at: dt.datetime
    action: str
    action_raw: str
    category: str
    kind: str
    outcome: str
    risk: int
    actor_id: str
    actor_type: str
    actor_email: str
    actor_name: str
    target_type: str
    target_id: str
    target_name: str
    workspace_id: str
    raw: str
    verified: str = "yes"
    emails: tuple[str, ...] = ()
    """All e-mails that the actor ever had, the current one last."""

    def fits(self, filter_: Filter, terms: Iterable["Term"] = ()) -> bool:
        """Return whether the filter matches this event at the moment `NOW`."""
        start, end = window(filter_)
        asked = bool(filter_.choice("future_dated"))
        return (
            (start is None or self.occurred_at >= start)
            and not (is_relative(filter_) and self.future_dated == "yes" and not asked)
            and (end is None or self.occurred_at < end)
            and all(self.in_facet(name, choice) for name, choice in filter_.choices.items())
            and all(term.holds(self) for term in terms)
        )

    def in_facet(self, name: str, choice: Choice) -> bool:
        """Return whether this event's values of a facet are selected."""
        mine = self.values(name)
        wanted = not choice.include or any(value in choice.include for value in mine)
        return wanted and not any(value in choice.exclude for value in mine)

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values of this event in a facet."""
        if name == "actor":
            return (self.actor_id, *self.emails)
        if name == "target":
            return (self.target_id, self.target_name)
        if name == "risk":
            return (
                "low" if self.risk < 4 else "high" if self.risk > 6 else "medium",
                f"{self.risk}",
            )
        return (getattr(self, name),)

    def searched(self, field: str) -> tuple[str, ...]:
        """Return the texts that a search term of *field* is matched against."""
        return {
            "action": (self.action, self.action_raw),
            "actor": (self.actor_id, self.actor_name, self.actor_email, *self.emails[-1:]),
            "target": (self.target_id, self.target_name),
            "id": (self.event_id,),
            "workspace": (self.workspace_id,),
            "raw": (self.raw,),
            "": (
                *(self.action, self.action_raw, self.actor_id, self.actor_name, self.actor_email),
                *self.emails[-1:],
                *(self.target_type, self.target_id, self.target_name, self.workspace_id),
                *leaves(json.loads(self.raw)["properties"]),
            ),
        }.get(field) or (getattr(self, field),)

    @property
    def workspace(self) -> str:
        """Return the workspace as a facet names it."""
        return self.workspace_id

    @property
    def source(self) -> str:
        """Return how `store_of` and `add_unverified` collect this event."""
        return "webhook" if self.verified == "no" else "file"

    @property
    def findings(self) -> str:
        """Return nothing: no finding is refreshed in these stores."""
        return ""

    @property
    def changes(self) -> str:
        """Return no for reads, checks and failed attempts, else yes."""
        kinds = ("read", "run", "complete", "enforce", "detect", "failure", "partial")
        return "no" if self.kind in kinds else "yes"

    @property
    def future_dated(self) -> str:
        """Return yes for an event of more than ten minutes after its arrival, else no."""
        return "yes" if self.occurred_at > _LATEST else "no"

    @property
    def display_name(self) -> str:
        """Return what the actor is called now: its name, latest e-mail, or id."""
        known = self.actor_name or "".join(self.emails[-1:])
        return known or self.actor_id.removeprefix("tokens/")

    @property
    def recorded_actor_id(self) -> str:
        """Return the id in the record; every actor here has one spelling."""
        return self.actor_id

    def exact(self, name: str) -> object:
        """Return a column as in NDJSON and Parquet: None instead of an empty string."""
        value = getattr(self, name)
        return value if value != "" or name == "raw" else None


@dataclass(frozen=True)
class Term:
    """One term of a search: its meaning and its text."""

    field: str
    text: str
    negated: bool
    quoted: bool

    def holds(self, row: Row) -> bool:
        result = any(folded(self.text) in folded(text) for text in row.searched(self.field))
        return result != self.negated

    def __str__(self) -> str:
        text = self.text
        if self.quoted or any(mark in text for mark in ' "\\') or text.startswith("-"):
            text = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return f"{'-' * self.negated}{self.field}{':' if self.field else ''}{text}"


def folded(text: str) -> str:
    """Return *text* in NFC without case."""
    return unicodedata.normalize("NFC", text).casefold()


def leaves(value: object) -> Iterator[str]:
    """Yield the strings inside a JSON value, without the keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)


def is_relative(filter_: Filter) -> bool:
    """Return whether the window of *filter_* depends on the current time."""
    return any(text[-1:] in tuple("hdm") for text in (filter_.start, filter_.end))


def window(filter_: Filter) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Return the filter's window in UTC, parsed independently of the product.

    A relative one without an end ends now.
    """
    start, end = (_moment(text, ZoneInfo(filter_.tz)) for text in (filter_.start, filter_.end))
    if filter_.start[-1:] in tuple("hdm") and not end:
        end = NOW.replace(tzinfo=None)
    return start, end


def _moment(text: str, zone: ZoneInfo) -> dt.datetime | None:
    if not text:
        return None
    if text[-1] in "hmd" and text[:-1].isdigit():
        number = int(text[:-1])
        if text[-1] == "d":
            today = NOW.astimezone(zone).date()
            first = today - dt.timedelta(days=number - 1)
            moment = dt.datetime(first.year, first.month, first.day, tzinfo=zone)
        else:
            moment = NOW - dt.timedelta(minutes=number * (60 if text[-1] == "h" else 1))
            if text[-1] == "h" and number >= 24:
                moment = moment.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    else:
        moment = dt.datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return moment.astimezone(dt.UTC).replace(tzinfo=None)


def forwarded(row: Row, subject: str, email: str) -> str:
    """Return the record of an event as Audit Forwarding sends it."""
    return json.dumps(
        {
            "messageId": row.event_id,
            "timestamp": row.occurred_at.isoformat(timespec="microseconds") + "Z",
            "type": "track",
            "event": "Audit",
            "properties": {
                "type": row.action_raw,
                "workspace_id": row.workspace_id,
                "details": {
                    "subject": subject,
                    "subject_email": email,
                    "resource_type": row.target_type,
                    "resource_id": row.target_id,
                    "target": row.target_name,
                },
            },
        },
        ensure_ascii=False,
    )


def blank(event_id: str, at: dt.datetime, action_raw: str = "Source Created") -> Row:
    """Return an event without actor and target; *at* is UTC, without zone."""
    action = catalogue.resolve(action_raw)
    return Row(
        event_id, at, action.name, action_raw, action.category, action.kind, action.outcome,
        action.risk, "unknown", "unknown", "", "", "", "", "", "ws-1", "",
    )  # fmt: skip


def event(
    event_id: str,
    at: str | dt.datetime,
    action_raw: str = "Source Created",
    *,
    actor: str = "",
    email: str = "",
    target: tuple[str, str, str] = ("", "", ""),
) -> str:
    """Return the record of one event; *at* is UTC, without zone."""
    moment = dt.datetime.fromisoformat(at) if isinstance(at, str) else at
    row = replace(
        blank(event_id, moment, action_raw),
        target_type=target[0],
        target_id=target[1],
        target_name=target[2],
    )
    return forwarded(row, actor, email)


def random_rows(seed: int, count: int = 130, *, flagged: bool = False) -> list[Row]:
    """Return random events, unsorted: many at equal times, on the hour, around DST changes.

    With *flagged* some are not verified, and some are dated in the future.
    Each event has the e-mail of its own record; a filter by any e-mail of an actor finds them all.
    """
    dice = random.Random(seed)
    naive = NOW.replace(tzinfo=None)
    favourites = [
        dt.datetime(2026, 10, 25, 0, 59, 59, 999_999),
        dt.datetime(2026, 10, 25, 1),
        dt.datetime(2026, 11, 1, 5, 30),
        dt.datetime(2026, 11, 1, 6),
        dt.datetime(2026, 10, 3, 15, 30),
        naive.replace(minute=0, second=0, microsecond=0),
        naive,
        naive - dt.timedelta(days=1),
        naive + dt.timedelta(minutes=25),
    ]
    rows = []
    for number in range(count):
        at = dice.choice(favourites)
        if dice.random() < 0.3:
            at = naive - dt.timedelta(minutes=dice.randrange(90 * 24 * 60))
        elif dice.random() < 0.5:
            at = naive + dt.timedelta(seconds=dice.randrange(-10 * 86_400, 3_600))
        event_id = f"{dice.choice(MARKS)}{number % 17}-{number}"
        if flagged and dice.random() < 0.05:
            at = dt.datetime(2099, 6, 1, dice.randrange(24))
        row = blank(event_id, at, dice.choice(ACTIONS))
        subject, actor_id, actor_type, name, first, last = dice.choice(ACTORS)
        kind, target_id, target_name = dice.choice(TARGETS)
        # Before September the first e-mail; the very last event of an actor has the last one.
        email = first if at < dt.datetime(2026, 9, 15) else last
        row = replace(
            row,
            actor_id=actor_id,
            actor_type=actor_type,
            actor_name=name,
            actor_email=email,
            target_type=kind,
            target_id=target_id,
            target_name=target_name,
            workspace_id=dice.choice(SPACE),
            # Unverified events name nobody, so that only those without an email may be so.
            verified="no" if flagged and not last and dice.random() < 0.4 else "yes",
        )
        rows.append(replace(row, raw=forwarded(row, subject, email)))
    emails = defaultdict(set)
    for row in rows:
        emails[row.actor_id].add(row.actor_email)
    current = {row.actor_id: row.actor_email for row in sorted(rows, key=lambda r: r.occurred_at)}
    return [
        replace(
            row,
            emails=(*(emails[row.actor_id] - {current[row.actor_id]}), current[row.actor_id])
            if current[row.actor_id]
            else (),
        )
        for row in rows
    ]


def settings(folder: Path) -> Settings:
    """Return settings with the database in *folder*."""
    return Settings(
        store=StoreSettings(path=folder / "trail.duckdb", archive_path=folder / "archive")
    )


def store_of(folder: Path, *loads: Iterable[str]) -> Store:
    """Return a new store in *folder* with these records, one load after the other."""
    known = settings(folder)
    store = Store.open(known.store.path, known)
    for lines in loads:
        add(store, folder, lines)
    return store


def add_unverified(store: Store, folder: Path, lines: Iterable[str]) -> None:
    """Load records into *store* as a receiver does whose signature does not cover them."""
    raw = list(lines)
    records = pa.table({"line": range(1, len(raw) + 1), "raw": raw, "verified": [False] * len(raw)})
    known = settings(folder)
    batch = Batch("POST", "webhook")
    pipeline.load(store, batch, iter([Chunk(records)]), known.limits)
    assert (batch.kept, batch.error) == (len(raw), "")


def store_of_rows(folder: Path, rows: list[Row], first: int) -> Store:
    """Return a new store of *rows*: *first* verified ones, the other verified, the unverified."""
    verified = {flag: [row.raw for row in rows if row.verified == flag] for flag in ("yes", "no")}
    store = store_of(folder, verified["yes"][:first], verified["yes"][first:])
    add_unverified(store, folder, verified["no"])
    return store


def add(store: Store, folder: Path, lines: Iterable[str]) -> None:
    """Load records into *store*; each of them must be stored."""
    path = folder / "records.ndjson"
    written = list(lines)
    path.write_text("".join(f"{line}\n" for line in written))
    known = settings(folder)
    chunks = LOADER.read(Source(path), known)
    batch = pipeline.load(store, Batch(path.name, LOADER.name), chunks, known.limits)
    assert (batch.kept, batch.error) == (len(written), "")


_MINUTES = st.integers(0, 100 * 24 * 60).map(
    lambda minutes: dt.datetime(2026, 7, 30) + dt.timedelta(minutes=minutes)
)
_MOMENTS = st.one_of(
    _MINUTES.map(lambda at: at.isoformat(timespec="minutes")),
    _MINUTES.map(lambda at: at.replace(minute=0).isoformat() + "Z"),
    _MINUTES.map(lambda at: at.isoformat() + "+05:45"),
    _MINUTES.map(lambda at: f"{at:%Y-%m-%d}"),
    st.sampled_from(("7d", "1d", "0d", "30d", "24h", "3h", "90m", "2m", "500d")),
    st.just("2026-11-02T15:34:56.789Z"),
)
_VALUES = {
    "category": (*sorted({catalogue.resolve(name).category for name in ACTIONS}), "None such"),
    "action": (*sorted({catalogue.resolve(name).name for name in ACTIONS}), "None such"),
    "actor": (*(actor[1] for actor in ACTORS), "ana@new.example", "shared@x.example", "users/no"),
    "actor_type": ("user", "token", "system", "unknown"),
    "target_type": ("source", "tracking_plan", "space", "user_group", "", "nothing"),
    "target": (*(target[1] for target in TARGETS), *(target[2] for target in TARGETS[:7])),
    "outcome": ("success", "failure", "unknown"),
    "kind": ("create", "delete", "modify", "access", "disable"),
    "source": ("file", "webhook", "api"),
    "workspace": (*SPACE, "ws-3"),
    "findings": ("to_review", "decided"),
    "changes": ("yes", "no"),
    "risk": ("high", "medium", "low", "0", "3", "7", "8", "10"),
    "verified": ("yes", "no"),
    "future_dated": ("yes", "no"),
}


@st.composite
def _choices(draw: st.DrawFn) -> dict[str, Choice]:
    result = {}
    for name in draw(st.lists(st.sampled_from(sorted(_VALUES)), max_size=3, unique=True)):
        values = draw(st.lists(st.sampled_from(_VALUES[name]), min_size=1, max_size=4, unique=True))
        cut = draw(st.integers(0, len(values)))
        result[name] = Choice(tuple(values[:cut]), tuple(values[cut:]))
    return result


_TERMS = st.builds(
    Term,
    st.sampled_from(
        ("", "", "action", "category", "actor", "actor_type", "target", "target_type", "id",
         "workspace", "raw", "kind", "outcome")
    ),
    st.sampled_from(TEXTS),
    st.booleans(),
    st.booleans(),
)  # fmt: skip


@st.composite
def filters(draw: st.DrawFn) -> tuple[Filter, tuple[Term, ...]]:
    """Draw a filter and the terms of its search texts."""
    texts = draw(st.lists(st.lists(_TERMS, min_size=1, max_size=2), max_size=2) | st.just([]))
    start, end = draw(st.just("") | _MOMENTS), draw(st.just("") | _MOMENTS)
    tz = draw(st.sampled_from(ZONES))
    made = Filter(
        start=start,
        end=end,
        choices=draw(_choices()),
        q=tuple(dict.fromkeys(" ".join(map(str, text)) for text in texts)),
        tz=tz,
        sort=draw(st.sampled_from(("newest", "oldest"))),
    )
    left, right = window(made)
    absolute = start[-1:] not in tuple("hdm") and end[-1:] not in tuple("hdm")
    if left and right and left > right and absolute:
        made = replace(made, start=end, end=start)
    return made, tuple(term for text in texts for term in text)


def of_second_values(filter_: Filter, name: str, rows: list[Row]) -> dict[str, int]:
    """Return how many of *rows* have the risks and the names of targets that *filter_* gives."""
    choice = filter_.choice(name)
    found = Counter(value for row in rows for value in {*row.values(name)})
    return {value: found[value] for value in choice.include + choice.exclude if found[value]}


def in_order(rows: Iterable[Row], sort: str) -> list[str]:
    """Return the ids of *rows* in the order of *sort*."""
    newest = sorted(rows, key=lambda row: (row.occurred_at, row.event_id.encode()), reverse=True)
    if sort in ("newest", "oldest"):
        ordered = newest if sort == "newest" else newest[::-1]
    else:
        column = sort.removeprefix("-")
        some = [row for row in newest if shown(row, column) != ""]
        # Stable: rows of the same value stay newest first, also the other way round.
        some.sort(key=lambda row: shown(row, column), reverse=sort.startswith("-"))
        ordered = some + [row for row in newest if shown(row, column) == ""]
    return [row.event_id for row in ordered]


def shown(row: Row, column: str) -> int | str:
    """Return what a table shows of *row* in *column*, as it is compared; empty if nothing."""
    if column == "risk":
        return row.risk
    if column == "actor":
        text = row.display_name
    elif column == "verified":
        text = "" if row.verified == "yes" else "no"  # those of a file are neither
    elif column == "target":
        text = row.target_name or row.target_id
    else:
        text = getattr(row, column)
    return folded(text)
