"""An alert rule: condition, rate limit, quiet hours and destinations."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from trail.core.errors import InputError
from trail.core.names import check_name
from trail.core.zones import zone_names
from trail.storage.filters import Filter

# `events`: events of a filter; `new_actor`: such events by an actor without earlier events;
# `findings`: from a minimum score; `incidents`: persistent or open too long; `silence`: no event
# of a filter for some minutes; the others are states of this product: a failing source or
# destination, or a problem of the trail's integrity.
STATE_KINDS = ("source", "delivery", "integrity")
EVENT_KINDS = ("events", "new_actor")
KINDS = (*EVENT_KINDS, "findings", "incidents", "silence", *STATE_KINDS)
# The kinds to which the filter of a rule applies.
FILTERED_KINDS = (*EVENT_KINDS, "silence")
# How the matches of an `events` rule are counted and reported.
GROUPS = ("target", "actor")
SEVERITIES = ("info", "warning", "critical")
_QUIET = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")
# From this score on a finding is urgent, and new rules for findings match.
HIGH_SCORE = 40
_MAX_MINUTES = 43_200


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `rule_id` is 0 until it is saved. `destinations` lists names of destinations.

    `query` is the query string of a filter. An `events` rule matches when one target, or one actor
    (`group_by`), has at least `threshold` events within `window_minutes` of event time; a
    `new_actor` rule at the first events of an actor. With `outside`, such as `08:00-18:00`, only
    events at other hours, or on Saturday or Sunday in `zone`, match such rules. `score` applies to
    findings, `open_minutes` to incidents (persistent ones match immediately), `silent_minutes` to
    silence. The kinds of `STATE_KINDS` report when a problem begins and when it ends, without a
    filter. The first match of a target or actor is reported immediately, later ones in one message
    every `roll_up_minutes`. `quiet` is `22:00-07:00` in `zone`; `daily_cap` limits messages per day
    of that zone.
    """

    name: str
    kind: str = "events"
    query: str = ""
    threshold: int = 1
    window_minutes: int = 15
    group_by: str = "target"
    outside: str = ""
    score: float = 0.0
    open_minutes: int = 60
    silent_minutes: int = 1440
    severity: str = "warning"
    destinations: tuple[str, ...] = ()
    roll_up_minutes: int = 10
    quiet: str = ""
    zone: str = "UTC"
    daily_cap: int = 50
    why: str = ""
    active: bool = True
    snoozed_until: dt.datetime | None = field(default=None, compare=False)
    rule_id: int = field(default=0, compare=False)

    def check(self) -> None:
        """Raise `InputError` naming the first invalid value."""
        check_name(self.name, "rule")
        self._check_choice("kind", self.kind, KINDS)
        self._check_choice("group_by", self.group_by, GROUPS)
        self._check_choice("severity", self.severity, SEVERITIES)
        for name, minimum, maximum in (
            ("threshold", 1, 1_000_000),
            ("window_minutes", 1, _MAX_MINUTES),
            ("roll_up_minutes", 1, 1_440),
            ("open_minutes", 1, _MAX_MINUTES),
            ("silent_minutes", 1, _MAX_MINUTES),
            ("daily_cap", 1, 10_000),
            ("score", 0, 1_000_000),
        ):
            if not minimum <= getattr(self, name) <= maximum:
                raise self._invalid(
                    f"{name} is {getattr(self, name)}", f"Use {minimum} to {maximum:,}."
                )
        if self.quiet and not _QUIET.fullmatch(self.quiet):
            raise self._invalid(f"quiet is {self.quiet[:30]!r}", "Use the form 22:00-07:00.")
        hours = _QUIET.fullmatch(self.outside)
        if self.outside and (not hours or hours[1] + hours[2] >= hours[3] + hours[4]):
            raise self._invalid(f"outside is {self.outside[:30]!r}", "Use the form 08:00-18:00.")
        if self.zone not in zone_names():
            raise self._invalid(f"zone is {self.zone[:60]!r}", "Use a name such as Europe/Oslo.")
        Filter.parse(self.query).check_lasting()

    def is_silent(self, now: dt.datetime) -> bool:
        """Return whether the rule is snoozed or in quiet hours at *now* (naive UTC)."""
        if self.snoozed_until and now < self.snoozed_until:
            return True
        match = _QUIET.fullmatch(self.quiet)
        if not match:
            return False
        local_time = self.local_time(now)
        minute = local_time.hour * 60 + local_time.minute
        start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
        return start <= minute < end if start <= end else minute >= start or minute < end

    @property
    def groups_by_actor(self) -> bool:
        """Return whether the rule matches actors, not targets."""
        return self.kind == "new_actor" or (self.kind == "events" and self.group_by == "actor")

    def local_time(self, now: dt.datetime) -> dt.datetime:
        """Return *now* (naive UTC) in the rule's time zone."""
        return now.replace(tzinfo=dt.UTC).astimezone(Filter(tz=self.zone).zone)

    def definition(self) -> dict[str, Any]:
        """Return the settings of the rule without its state, for storage and export.

        Newer settings are omitted unless used, so that earlier versions can read other rules.
        """
        values = asdict(self)
        for name in ("rule_id", "snoozed_until", "active"):
            del values[name]
        for name, default in _LATER.items():
            if values[name] == default:
                del values[name]
        return {**values, "destinations": list(self.destinations)}

    def _check_choice(self, name: str, value: str, allowed: tuple[str, ...]) -> None:
        if value not in allowed:
            raise self._invalid(f"{name} is {value[:40]!r}", f"Allowed: {', '.join(allowed)}.")

    def _invalid(self, problem: str, hint: str) -> InputError:
        return InputError(f"Rule {self.name!r}: {problem}.", hint)


_LATER = {"group_by": "target", "outside": ""}
_TYPES = {
    "threshold": int,
    "window_minutes": int,
    "open_minutes": int,
    "silent_minutes": int,
    "roll_up_minutes": int,
    "daily_cap": int,
    "active": bool,
}


def parse_rule(entries: Mapping[str, Any]) -> Rule:
    """Return the rule of *entries*, in the form of `Rule.definition`; defaults may be omitted.

    Raises `InputError` naming an unknown, missing or invalid entry.
    """
    name = str(entries.get("name", ""))
    allowed = {item.name for item in fields(Rule)} - {"rule_id", "snoozed_until"}
    unknown = sorted(str(key) for key in set(entries) - allowed)
    if unknown:
        raise InputError(
            f"Rule {name!r}: unknown entry {unknown[0]!r}.",
            f"Allowed: {', '.join(sorted(allowed))}.",
        )
    values: dict[str, Any] = {}
    for key, value in entries.items():
        if key == "destinations":
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise InputError(f"Rule {name!r}: destinations must be a list of names.")
            values[key] = tuple(value)
            continue
        kind = _TYPES.get(key, float if key == "score" else str)
        number = kind is float and isinstance(value, int) and not isinstance(value, bool)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            if not number:
                raise InputError(f"Rule {name!r}: {key} must be {_TYPE_NAMES[kind]}.")
            value = float(value)
        values[key] = value
    rule = Rule(**{"name": "", **values})
    rule.check()
    return rule


_TYPE_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
