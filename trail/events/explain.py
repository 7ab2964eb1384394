"""Explain an empty result: which filter excludes most, and where the nearest matches are.

Every question is counted only as long as the time for all of them lasts.
"""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from trail.core.clock import naive_utc, utc_text
from trail.core.errors import OverloadError, StoppedError, UnavailableError
from trail.events import counts, events, timeline
from trail.storage import query_timeout, search_syntax
from trail.storage.engine import Engine
from trail.storage.filters import FACETS, Filter

T = TypeVar("T")

SECONDS = 2.0
Mode = Literal["include", "exclude", "search"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a filter: what one facet includes or excludes, or one term of a search.

    `rest` is the filter without it, which has `events` in the window; None where counting them
    takes too long.
    """

    facet: str
    mode: Mode
    values: tuple[str, ...]
    rest: Filter
    events: int | None = None


@dataclass(frozen=True, slots=True)
class Nearest:
    """The last match before the window and the first one after it, with the `LISTED` columns."""

    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Deadline:
    """The time that is left for all questions about one result."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._until = time.monotonic() + seconds

    def ask(self, question: Callable[[], T]) -> T | None:
        """Return the answer to *question*, or None if the time does not suffice.

        Raises `StoppedError` if nobody waits any more.
        """
        left = self._until - time.monotonic()
        if left <= 0:
            return None
        try:
            with query_timeout.part(left):
                return question()
        except (StoppedError, OverloadError):
            raise
        except UnavailableError:
            return None


def parts(filter_: Filter) -> list[Part]:
    """Return the parts of *filter_*, without counts, in the order of its query string."""
    result = []
    for facet in FACETS:
        choice = filter_.choice(facet)
        groups: tuple[tuple[Mode, tuple[str, ...]], ...] = (
            ("include", choice.include),
            ("exclude", choice.exclude),
        )
        for mode, values in groups:
            rest = filter_
            for value in values:
                rest = rest.put(facet, value, "")
            if values:
                result.append(Part(facet, mode, values, rest))
    for number, text in enumerate(filter_.q):
        others = (filter_.q[:number], filter_.q[number + 1 :])
        for term, remaining in _terms(text):
            kept = (remaining,) if remaining else ()
            rest = replace(filter_, q=(*others[0], *kept, *others[1]))
            result.append(Part("q", "search", (term,), rest))
    return result


def _terms(text: str) -> list[tuple[str, str]]:
    """Return the terms of a search that must all hold, each with the search without it."""
    node = search_syntax.parse(text)
    if not isinstance(node, search_syntax.All):
        return [(text, "")]
    return [
        (
            search_syntax.written(term),
            search_syntax.written(search_syntax.all_of(n for n in node.nodes if n is not term)),
        )
        for term in node.nodes
    ]


def without(engine: Engine, filter_: Filter, now: dt.datetime, deadline: Deadline) -> list[Part]:
    """Return the parts of *filter_* with the events that each excludes, most first."""

    def counted(part: Part) -> Part:
        number = deadline.ask(lambda: counts.count(engine, part.rest, now))
        return replace(part, events=number)

    result = [counted(part) for part in parts(filter_)]
    return sorted(result, key=lambda part: -1 if part.events is None else -part.events)


def nearest(engine: Engine, filter_: Filter, now: dt.datetime, deadline: Deadline) -> Nearest:
    """Return the matches of *filter_* that are nearest to its window at *now* (aware)."""
    window = timeline.bounded(engine, filter_.window(now), now)
    assert window.start and window.end

    def first(open_filter: Filter) -> dict[str, Any] | None:
        page = deadline.ask(lambda: events.page(engine, open_filter, now, rows=1))
        return page.rows[0] if page and page.rows else None

    before = replace(filter_, start="", end=utc_text(window.start), sort="newest")
    after = None
    if window.end < naive_utc(now) or not filter_.is_relative:
        after = first(replace(filter_, start=utc_text(window.end), end="", sort="oldest"))
    return Nearest(first(before), after)
