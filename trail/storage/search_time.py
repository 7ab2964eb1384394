"""From a `time` term to a span of event time."""

import datetime as dt
import re
from dataclasses import replace

from trail.core.clock import utc_text
from trail.storage import time_expressions
from trail.storage.filters import Filter, Window
from trail.storage.search_syntax import All, Any, Node, Not, Term, all_of, any_of, parse, written

# What a written time is one of: the digits of its clock time tell, as in 14, 14:30 or 14:30:05.
_UNITS = {0: dt.timedelta(days=1), 2: dt.timedelta(hours=1), 4: dt.timedelta(minutes=1)}
_CLOCK = re.compile(r"T([0-9:]+)([.,])?")


def window(term: Term, filter_: Filter, now: dt.datetime) -> Window:
    """Return the span of *term*, one of the field `time`, in the zone of *filter_*.

    A day, hour or minute is meant as a whole: `time<=2026-11-23` includes that day. What depends on
    *now* (aware) is as in the range of a filter: `time:7d` ends now, `time:last_week` is that week.
    """
    first, dots, last = term.text.partition("..")
    if time_expressions.is_relative(first) and not dots and not term.comparison:
        return replace(filter_, start=first, end="").window(now)
    start = replace(filter_, start=first, end="").window(now).start
    end = replace(filter_, start="", end=_end(last or first)).window(now).end
    return {
        "": Window(start, end),
        ">=": Window(start, None),
        ">": Window(end, None),
        "<": Window(None, start),
        "<=": Window(None, end),
    }[term.comparison]


def _end(text: str) -> str:
    """Return where what *text* names ends, exclusive, as the end of a filter's range."""
    if time_expressions.is_relative(text):
        return text
    clock = _CLOCK.search(text)
    digits = len(clock[1].replace(":", "")) if clock else 0
    unit = _UNITS.get(digits, dt.timedelta(seconds=1))
    if clock and clock[2]:
        unit = dt.timedelta(microseconds=1)
    written = dt.datetime.fromisoformat(text)
    try:
        # Clock time of the zone: a day may have 23 or 25 hours.
        return (written + unit).isoformat()
    except OverflowError:
        return ""


def absolute(texts: tuple[str, ...], filter_: Filter, now: dt.datetime) -> tuple[str, ...]:
    """Return the search *texts* with the moments that `7d` and the like mean at *now* (aware)."""

    def fixed(node: Node) -> Node:
        match node:
            case Term(field="time") if any(
                map(time_expressions.is_relative, node.text.split(".."))
            ):
                span = window(node, filter_, now)
                ends = ((">=", span.start), ("<", span.end))
                parts = [Term("time", utc_text(at), comparison=sign) for sign, at in ends if at]
                return all_of(parts) or node
            case Term():
                return node
            case Not(inner):
                return Not(fixed(inner))
            case All(nodes):
                return all_of(map(fixed, nodes)) or node
            case Any(nodes):
                return any_of(map(fixed, nodes)) or node

    def changed(text: str) -> str:
        node = parse(text)
        meant = fixed(node) if node else node
        return text if meant == node else written(meant)

    return tuple(map(changed, texts))
