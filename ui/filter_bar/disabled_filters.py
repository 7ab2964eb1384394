"""Filters that are switched off: they stay in the URL and as chips, and filter nothing."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from trail.storage import readable_filter
from trail.storage.filters import FACETS, Filter
from ui import url_state
from ui.page import current_user
from ui.session import askable

_NAMES = (*FACETS, "q")


def current(active: Filter) -> Filter:
    """Return the disabled filters in the URL that the user may ask for, see `read`."""
    pairs = parse_qsl(url_state.param(url_state.DISABLED), keep_blank_values=True)
    user, filter_ = current_user(), read(askable(pairs), active)
    return filter_ if user and user.may("see_findings") else filter_.without("findings")


def read(pairs: list[tuple[str, str]], active: Filter) -> Filter:
    """Return the disabled filters that *pairs* name, without what *active* filters by."""
    filter_, _ = readable_filter.read([pair for pair in pairs if pair[0] in _NAMES])
    for field in filter_.choices:
        for value, _ in values_of(filter_, field):
            if active.state(field, value):
                filter_ = filter_.put(field, value, "")
    return replace(filter_, q=tuple(text for text in filter_.q if text not in active.q))


def text_of(disabled: Filter) -> str:
    """Return *disabled* as the value of its URL parameter; empty without any."""
    return urlencode([pair for pair in disabled.pairs() if pair[0] in _NAMES])


def values_of(filter_: Filter, field: str) -> list[tuple[str, str]]:
    """Return the values of *field* with their states, `include` or `exclude`."""
    choice = filter_.choice(field)
    return [
        *((value, "include") for value in choice.include),
        *((value, "exclude") for value in choice.exclude),
    ]


def moved(field: str, values: list[str], source: Filter, target: Filter) -> tuple[Filter, Filter]:
    """Return *source* without *values* of *field*, and *target* with them, in the same state."""
    for value in values:
        if field == "q" and value in source.q:
            source = replace(source, q=tuple(text for text in source.q if text != value))
            target = replace(target, q=(*(text for text in target.q if text != value), value))
        elif field != "q" and (state := source.state(field, value)):
            source, target = source.put(field, value, ""), target.put(field, value, state)
    return source, target
