"""A rule: what it looks for, how many messages it may make, when it is silent, whom it tells."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from trail.core.errors import InputError
from trail.storage.filters import Filter, zone_names

# `events`: any filter; `findings` above a score; `incidents` persistent or open too long;
# `silence`: no event of a filter for so long.
KINDS = ("events", "findings", "incidents", "silence")
SEVERITIES = ("info", "warning", "critical")
_QUIET = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")
_MOST_NAME = 80
_MOST_MINUTES = 43_200


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `rule_id` is 0 until it is kept. Names in `destinations` are those of destinations.

    `query` is a filter's query string. An `events` rule is met when one target has at least
    `threshold` events within `window_minutes` of event time. `score` belongs to findings,
    `open_minutes` to incidents (persistent ones at once), `silent_minutes` to silence.
    The first of a target is told at once, what follows within `roll_up_minutes` in one message.
    `quiet` is `22:00-07:00` in `zone`; `daily_cap` is messages a day of that zone.
    """

    name: str
    kind: str = "events"
    query: str = ""
    threshold: int = 1
    window_minutes: int = 15
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
        """Raise `InputError` naming what cannot be used."""
        if not self.name.strip() or len(self.name) > _MOST_NAME or not self.name.isprintable():
            raise InputError("A rule needs a name.", f"Up to {_MOST_NAME} characters.")
        self._one_of("kind", self.kind, KINDS)
        self._one_of("severity", self.severity, SEVERITIES)
        for name, least, most in (
            ("threshold", 1, 1_000_000),
            ("window_minutes", 1, _MOST_MINUTES),
            ("roll_up_minutes", 1, 1_440),
            ("open_minutes", 1, _MOST_MINUTES),
            ("silent_minutes", 1, _MOST_MINUTES),
            ("daily_cap", 1, 10_000),
            ("score", 0, 1_000_000),
        ):
            if not least <= getattr(self, name) <= most:
                raise self._wrong(f"{name} is {getattr(self, name)}", f"Use {least} to {most:,}.")
        if self.quiet and not _QUIET.fullmatch(self.quiet):
            raise self._wrong(f"quiet is {self.quiet[:30]!r}", "Write it as 22:00-07:00.")
        if self.zone not in zone_names():
            raise self._wrong(f"zone is {self.zone[:60]!r}", "Use a name such as Europe/Oslo.")
        Filter.parse(self.query)

    def silent(self, now: dt.datetime) -> bool:
        """Return whether it says nothing at *now* (UTC, without zone): snoozed, or quiet hours."""
        if self.snoozed_until and now < self.snoozed_until:
            return True
        match = _QUIET.fullmatch(self.quiet)
        if not match:
            return False
        local = self.local(now)
        minute = local.hour * 60 + local.minute
        start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
        return start <= minute < end if start <= end else minute >= start or minute < end

    def local(self, now: dt.datetime) -> dt.datetime:
        """Return *now* (UTC, without zone) in the rule's zone."""
        return now.replace(tzinfo=dt.UTC).astimezone(Filter(tz=self.zone).zone)

    def definition(self) -> dict[str, Any]:
        """Return what makes the rule, without its state: what is kept, compared and exported."""
        made = asdict(self)
        for name in ("rule_id", "snoozed_until", "active"):
            del made[name]
        return {**made, "destinations": list(self.destinations)}

    def _one_of(self, name: str, value: str, known: tuple[str, ...]) -> None:
        if value not in known:
            raise self._wrong(f"{name} is {value[:40]!r}", f"Use {', '.join(known)}.")

    def _wrong(self, what: str, hint: str) -> InputError:
        return InputError(f"Rule {self.name!r}: {what}.", hint)


_TYPES = {
    "threshold": int,
    "window_minutes": int,
    "open_minutes": int,
    "silent_minutes": int,
    "roll_up_minutes": int,
    "daily_cap": int,
    "active": bool,
}


def read(given: Mapping[str, Any]) -> Rule:
    """Return the rule that *given* describes, as `Rule.definition` or a person writes it.

    Raises `InputError` naming an unknown, missing or wrong entry.
    """
    name = str(given.get("name", ""))
    known = {item.name for item in fields(Rule)} - {"rule_id", "snoozed_until"}
    unknown = sorted(str(key) for key in set(given) - known)
    if unknown:
        raise InputError(
            f"Rule {name!r}: unknown entry {unknown[0]!r}.", f"Known: {', '.join(sorted(known))}."
        )
    made: dict[str, Any] = {}
    for key, value in given.items():
        if key == "destinations":
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise InputError(f"Rule {name!r}: destinations must be a list of names.")
            made[key] = tuple(value)
            continue
        kind = _TYPES.get(key, float if key == "score" else str)
        number = kind is float and isinstance(value, int) and not isinstance(value, bool)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            if not number:
                raise InputError(f"Rule {name!r}: {key} must be {_WORDS[kind]}.")
            value = float(value)
        made[key] = value
    rule = Rule(**{"name": "", **made})
    rule.check()
    return rule


_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
