"""Back-test a rule: run the rate limit over stored events before the rule is saved."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from trail.core.clock import naive_utc, utc_now
from trail.notifications import matches
from trail.notifications.rate_limit import Match, Message, RateLimitState, due_at, roll_up, step
from trail.notifications.rule import EVENT_KINDS, STATE_KINDS, Rule
from trail.storage.engine import Engine
from trail.storage.filters import Filter
from trail.storage.where import literal, select

# Above this number of events, group by hour instead of minute, which takes under a second.
_MAX_EVENTS_BY_MINUTE = 200_000


@dataclass(slots=True)
class Entry:
    """What arrives at one moment for one target or actor: *new* and *in_window* events.

    For a finding or incident, *example* is its row. `is_match` is whether the rule matches, and
    `message` the index of the message that reports it.
    """

    at: dt.datetime
    target: str
    label: str
    new: int = 1
    in_window: int = 1
    example: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    is_match: bool = False
    message: int | None = None


@dataclass(frozen=True, slots=True)
class DryRunResult:
    """The number of matches and messages of a back-test.

    `days` contains (UTC day, matches, messages) for every day, `sent` each message with its time
    (naive UTC), and `entries` what matched; all oldest first. `at` of an entry is the start of its
    `unit`, a minute or an hour.
    """

    matches: int
    messages: int
    days: tuple[tuple[dt.date, int, int], ...]
    sent: tuple[tuple[dt.datetime, Message], ...] = ()
    entries: tuple[Entry, ...] = ()
    unit: str = "minute"


def dry_run(
    engine: Engine,
    rule: Rule,
    days: int = 30,
    *,
    now: dt.datetime | None = None,
    rows: Iterable[Mapping[str, Any]] = (),
) -> DryRunResult:
    """Return the matches and messages of *rule* in the last *days* before *now* (naive UTC).

    Events count at their event time, to the minute, as if they arrived without delay. For
    findings and incidents, *rows* are those of the period. Snoozing is ignored.
    """
    rule = replace(rule, snoozed_until=None)
    end = now or utc_now()
    start = end - dt.timedelta(days=days)
    timeline, unit = _timeline(engine, rule, start, end, rows)
    run = _Run(rule)
    for entry in timeline:
        run.add(entry)
    run.finish(end)
    span = [
        start.date() + dt.timedelta(days=n) for n in range((end.date() - start.date()).days + 1)
    ]
    per_day = tuple((day, run.matched[day], run.reported[day]) for day in span)
    return DryRunResult(
        sum(run.matched.values()),
        len(run.sent),
        per_day,
        tuple(run.sent),
        tuple(entry for entry in run.entries if entry.is_match),
        unit,
    )


@dataclass(slots=True)
class _Run:
    """The rate limit over the entries of a back-test, and which message reports which entry."""

    rule: Rule
    state: RateLimitState = field(default_factory=RateLimitState)
    sent: list[tuple[dt.datetime, Message]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    matched: Counter[dt.date] = field(default_factory=Counter)
    reported: Counter[dt.date] = field(default_factory=Counter)
    _unreported: list[Entry] = field(default_factory=list)
    _below: dict[str, list[Entry]] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Send what is due until *entry*, then take it."""
        at, target = entry.at, entry.target
        while (due := due_at(self.rule, self.state)) and due <= at:
            self._send(step(self.rule, self.state, [], due), due)
            if due_at(self.rule, self.state) == due:
                break  # in quiet hours or over the daily cap: the roll-up waits
        self.entries.append(entry)
        count = matches.count_matches(self.rule, self.state, target, entry.new, entry.in_window)
        below = self._below.setdefault(target, [])
        if not count:
            below.append(entry)
            return
        window = dt.timedelta(minutes=self.rule.window_minutes)
        earlier = [one for one in below if at - one.at < window]
        below.clear()
        for one in (*earlier, entry):
            one.is_match = True
            self._unreported.append(one)
        self.matched[at.date()] += count
        match = Match(target, entry.label, count, entry.example, entry.text)
        self._send(step(self.rule, self.state, [match], at), at, target)

    def finish(self, end: dt.datetime) -> None:
        """Report pending matches at *end*."""
        if self.state.pending:
            self._send([roll_up(self.state)], end)

    def _send(self, messages: list[Message], at: dt.datetime, target: str = "") -> None:
        for message in messages:
            if message.form == "first":
                reported = [entry for entry in self._unreported if entry.target == target]
            else:
                reported = self._unreported if message.form == "rollup" else []
            for entry in reported:
                entry.message = len(self.sent)
            self._unreported = [entry for entry in self._unreported if entry.message is None]
            self.sent.append((at, message))
            self.reported[at.date()] += 1


def _timeline(
    engine: Engine,
    rule: Rule,
    start: dt.datetime,
    end: dt.datetime,
    rows: Iterable[Mapping[str, Any]],
) -> tuple[list[Entry], str]:
    """Return the entries in order of time, and the unit of their times."""
    if rule.kind in EVENT_KINDS:
        return _event_timeline(engine, rule, start, end)
    if rule.kind in STATE_KINDS:
        return [], "minute"  # past states are not stored
    if rule.kind == "silence":
        return _silence_timeline(engine, rule, start, end), "minute"
    if rule.kind == "findings":
        matched = matches.match_findings(rule, rows)
    else:
        # A closed incident matches if it was open long enough at the time.
        matched = matches.match_incidents(
            rule, [{**row, "open": _was_open_long_enough(row, rule)} for row in rows], end
        )
    timeline = [
        Entry(_started_at(match.example, start), match.target, match.label, example=match.example)
        for match in matched.values()
    ]
    inside = (entry for entry in timeline if start <= entry.at <= end)
    return sorted(inside, key=lambda entry: (entry.at, entry.target)), "minute"


def _event_timeline(
    engine: Engine, rule: Rule, start: dt.datetime, end: dt.datetime
) -> tuple[list[Entry], str]:
    selection = matches.selection(engine, rule, end.replace(tzinfo=dt.UTC))
    group = matches.group_of(rule)
    where = (
        f"e.occurred_at >= {literal(start)} and e.occurred_at < {literal(end)} "
        f"and {selection.timed()}"
    )
    total = engine.table(
        f"select count(*) as n from trusted_events e where {where}", selection.params
    )
    window = rule.window_minutes * 60_000_000 - 1  # excludes the far end, as in `matches`
    unit = "minute" if total["n"][0].as_py() <= _MAX_EVENTS_BY_MINUTE else "hour"
    result = engine.table(
        f"select date_trunc('{unit}', occurred_at) as at_time, target, "
        "max_by(label, occurred_at) as label, count(*) as n, max(inside) as inside from ("
        f"select e.occurred_at, {group.key} as target, {group.label} as label, "
        f"count(*) over (partition by {group.key} "
        f"order by e.occurred_at range between interval {window} microsecond preceding "
        "and current row) as inside "
        f"from trusted_events e {group.join} where {where}) "
        "group by at_time, target order by at_time, target",
        selection.params,
    )
    entries = [
        Entry(row["at_time"], row["target"], row["label"], row["n"], row["inside"])
        for row in result.to_pylist()
    ]
    return _of_new_actors(engine, entries, unit) if rule.kind == "new_actor" else entries, unit


def _of_new_actors(engine: Engine, entries: list[Entry], unit: str) -> list[Entry]:
    """Return the first entry of each actor, if it contains the actor's very first event."""
    firsts: dict[str, Entry] = {}
    for entry in entries:
        firsts.setdefault(entry.target, entry)
    known = matches.known_actors(
        engine,
        {target.removeprefix(matches.ACTOR_PREFIX): one.at for target, one in firsts.items()},
    )
    return [
        entry
        for target, entry in firsts.items()
        if target.removeprefix(matches.ACTOR_PREFIX) not in known
    ]


def _silence_timeline(
    engine: Engine, rule: Rule, start: dt.datetime, end: dt.datetime
) -> list[Entry]:
    selection = select(engine, Filter.parse(rule.query), end.replace(tzinfo=dt.UTC))
    where = f"e.occurred_at >= {literal(start)} and e.occurred_at < {literal(end)}"
    result = engine.table(
        "select at_time from (select e.occurred_at as at_time, "
        f"lead(e.occurred_at, 1, {literal(end)}) over (order by e.occurred_at) as next_at "
        f"from trusted_events e where {where} and {selection.where}) "
        f"where next_at - at_time > interval {rule.silent_minutes} minute order by at_time",
        selection.params,
    )
    silence = dt.timedelta(minutes=rule.silent_minutes)
    text = matches.silence_text(rule)
    return [
        Entry(at + silence, "silence", rule.name, text=text) for at in result["at_time"].to_pylist()
    ]


def _was_open_long_enough(row: Mapping[str, Any], rule: Rule) -> bool:
    if row.get("open"):
        return True
    first, last = (_parse_timestamp(row.get(name)) for name in ("first_at", "last_at"))
    return bool(first and last and last - first >= dt.timedelta(minutes=rule.open_minutes))


def _started_at(row: Mapping[str, Any], default: dt.datetime) -> dt.datetime:
    for name in ("first_at", "day"):
        if row.get(name):
            return _parse_timestamp(row[name]) or default
    return default


def _parse_timestamp(value: object) -> dt.datetime | None:
    try:
        result = dt.datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return naive_utc(result)
