"""Conditions of a search as SQL, and what joins them.

Decisions on an hourly count have three values: all of its events match, none does, or it is open
and a scan of the events tells.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from trail.storage.filters import Window
from trail.storage.sql_span import span

# The condition on hourly counts of a term that they do not decide.
NOTHING = "(false)"


@dataclass(frozen=True, slots=True)
class Condition:
    """A part of a search as SQL, true or false for each event.

    `surely` and `never` are conditions on an hourly count `e`, with the columns that `actor_cube`
    and `events` share, `by_actor` if the actor is among them, and `hour` if `by_hour`: all events
    of the count match, or none does. `exact` is the condition on `events e`.

    What holds where `counted` (on an hourly count) or one of `scanned` (on events) does is simple:
    these can be read one by one. `lists` are the queries of long lists of keys, which stand in the
    conditions in parentheses. `is_open` tells whether counts may leave anything unknown.
    """

    surely: str
    never: str
    exact: str
    is_open: bool
    is_simple: bool = False
    counted: str = NOTHING
    scanned: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    by_actor: bool = False
    by_hour: bool = False

    def sql(self) -> str:
        """Return the whole condition on `events e`, to be met with others by `and`."""
        if self.is_simple and self.counted == NOTHING and len(self.scanned) == 1:
            return f"({self.scanned[0]})"  # several times as fast as a part of `or`
        return self.exact


def either(
    counted: list[str], scanned: list[str], lists: list[str], *, by_actor: bool
) -> Condition:
    """Return the condition that one of *counted* or of *scanned* holds."""
    sure = f"({' or '.join(counted)})" if counted else NOTHING
    exact = " or ".join(f"coalesce({part}, false)" for part in (sure, *scanned))
    return Condition(
        surely=f"coalesce({sure}, false)",
        never="false" if scanned else f"not coalesce({sure}, false)",
        exact=f"({exact})",
        is_open=bool(scanned),
        is_simple=True,
        counted=sure,
        scanned=tuple(scanned),
        lists=tuple(lists),
        by_actor=by_actor,
    )


def negated(part: Condition) -> Condition:
    """Return the condition that *part* does not hold."""
    return Condition(
        surely=part.never,
        never=part.surely,
        exact=f"not {part.exact}",
        is_open=part.is_open,
        lists=part.lists,
        by_actor=part.by_actor,
        by_hour=part.by_hour,
    )


def joined(parts: list[Condition], *, every: bool) -> Condition:
    """Return the condition that *every* one of *parts* holds, or that any does."""
    lists = [sql for part in parts for sql in part.lists]
    by_actor = any(part.by_actor for part in parts)
    if not every and all(part.is_simple for part in parts):
        counted = [part.counted for part in parts if part.counted != NOTHING]
        scanned = [sql for part in parts for sql in part.scanned]
        return either(counted, scanned, lists, by_actor=by_actor)

    def text(sqls: Iterable[str], word: str) -> str:
        return f"({f' {word} '.join(sqls)})"

    return Condition(
        surely=text((part.surely for part in parts), "and" if every else "or"),
        never=text((part.never for part in parts), "or" if every else "and"),
        exact=text((part.exact for part in parts), "and" if every else "or"),
        is_open=any(part.is_open for part in parts),
        lists=tuple(lists),
        by_actor=by_actor,
        by_hour=any(part.by_hour for part in parts),
    )


def in_time(window: Window) -> Condition:
    """Return the condition that an event lies in *window*."""
    full = Window(_hour(window.start, up=True), _hour(window.end))
    touched = Window(_hour(window.start), _hour(window.end, up=True))
    return Condition(
        surely=f"({span(full, 'e.hour')})",
        never=f"not ({span(touched, 'e.hour')})",
        exact=f"({span(window, 'e.occurred_at')})",
        is_open=full != touched,
        by_hour=True,
    )


def _hour(moment: dt.datetime | None, *, up: bool = False) -> dt.datetime | None:
    """Return the start of the hour of *moment*, or with *up* the next one unless it is one."""
    if moment is None:
        return None
    hour = moment.replace(minute=0, second=0, microsecond=0)
    return hour + dt.timedelta(hours=1) if up and hour < moment else hour
