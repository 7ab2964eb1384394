"""Alert rules in words: the filter and the condition of a rule as sentences.

Sentences use the verbs of the catalogue (`event_text.VERBS`); other conditions follow as in the
filter chips.
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from trail.core import event_text, time_labels
from trail.core.errors import TrailError
from trail.events import value_names
from trail.notifications.rule import FILTERED_KINDS, Rule
from trail.storage.engine import Engine
from trail.storage.filters import NO, YES, Choice, Filter
from ui import text
from ui.filter_bar import active_filters

KINDS = {
    "events": "Events",
    "count": "Event count",
    "new_actor": "New actor",
    "incidents": "Incident",
    "findings": "Finding",
    "silence": "No events",
    "source": "Source failing",
    "delivery": "Delivery failing",
    "integrity": "Trail integrity",
}
"""The kinds of rules, by the choice in the editor; `count` is `events` with a threshold."""

GROUPS = {"target": "Same target", "actor": "Same actor"}
_STATES = {
    "source": "A source fails or goes silent, and when it recovers",
    "delivery": "A delivery fails, and when deliveries recover",
    "integrity": "A check of the trail's seals or events fails, and when it passes again",
}
_NONE = Choice()


# The display names of values by facet and value; see `value_names.labels`.
Names = Mapping[tuple[str, str], str]


def names_of(engine: Engine, rules: Iterable[Rule]) -> Names:
    """Return the names of what the filters of *rules* choose."""
    filters = []
    for rule in rules:
        with contextlib.suppress(TrailError):
            filters.append(Filter.parse(rule.query.lstrip("?")))
    return value_names.labels(engine, filters)


def choice_of(rule: Rule) -> str:
    """Return the key in `KINDS` of *rule*."""
    return "count" if rule.kind == "events" and rule.threshold > 1 else rule.kind


def condition(rule: Rule, names: Names) -> str:
    """Return the condition of *rule* as one sentence without a period."""
    if rule.kind in FILTERED_KINDS:
        return _capital(_of_events(rule, names))
    if rule.kind == "incidents":
        return f"An incident is persistent, or open for {_minutes(rule.open_minutes)}"
    if rule.kind == "findings":
        return f"A finding reaches {rule.score:g} points"
    return _STATES[rule.kind]


def matches(rule: Rule, names: Names, wanted: str) -> bool:
    """Return whether name, condition, destinations and reason of *rule* contain what is *wanted*.

    Every word must occur in one of them, whatever its letter case.
    """
    parts = (
        rule.name,
        condition(rule, names),
        *rule.destinations,
        KINDS[choice_of(rule)],
        rule.why,
    )
    content = "\n".join(parts).casefold()
    return all(word in content for word in wanted.casefold().split())


def _of_events(rule: Rule, names: Names) -> str:
    words = query_sentence(rule.query, names)
    if rule.kind == "silence":
        return f"no events for {_minutes(rule.silent_minutes)}: {words}"
    if rule.outside:
        words += f", outside {rule.outside} or at the weekend ({rule.zone})"
    if rule.kind == "new_actor":
        return f"the first activity of an actor: {words}"
    if rule.threshold == 1:
        return words
    of = "by one actor" if rule.group_by == "actor" else "on one target"
    within = _minutes(rule.window_minutes)
    return f"{rule.threshold:,} or more events {of} within {within}: {words}"


def query_sentence(query: str, names: Names) -> str:
    """Return the filter of the query string *query* in words; if invalid, return it unchanged."""
    try:
        return sentence(Filter.parse(query.lstrip("?")), names)
    except TrailError:
        return query


def sentence(filter_: Filter, names: Names) -> str:
    """Return which events *filter_* selects: `a warehouse is disabled, by anyone but ci`."""
    choices = dict(filter_.choices)
    words = _happening(choices)
    if actors := _plain(choices, "actor"):
        words += f", by {_actors(actors, names)}"
    if types := _plain(choices, "actor_type"):
        named = [text.facet_label("actor_type", one, one).lower() for one in types]
        words += f", by {_listed([event_text.article(one) for one in named])}"
    others = choices.pop("actor", _NONE).exclude
    if others:
        words += f", by anyone but {_actors(others, names)}"
    if targets := _plain(choices, "target"):
        words += f", on {_listed(targets)}"
    rest = active_filters.in_words(replace(filter_, choices=choices, start="", end=""), names)
    return f"{words} ({rest})" if rest else words


def _happening(choices: dict[str, Choice]) -> str:
    """Return what happens, and remove the described facets from *choices*."""
    if actions := _plain(choices, "action"):
        return _listed([f"“{action}”" for action in actions])
    kinds = choices.get("kind", _NONE).include
    verbs: list[str] = []
    if all(kind in event_text.VERBS for kind in kinds):
        verbs = [event_text.VERBS[kind] for kind in _plain(choices, "kind")]
    types = _plain(choices, "target_type")
    categories = _plain(choices, "category")
    if types:
        thing = _listed([event_text.article(one.replace("_", " ")) for one in types])
    elif verbs:
        thing = "anything"
    else:
        thing = ""
    place = f" in {_listed(categories)}" if categories else ""
    if verbs:
        return f"{thing}{place} is {_listed(verbs)}"
    if choices.get("changes", _NONE) in (Choice((YES,)), Choice((), (NO,))):
        del choices["changes"]
        return f"any change{f' of {thing}' if thing else ''}{place}"
    return f"any event{f' on {thing}' if thing else ''}{place}"


def _plain(choices: dict[str, Choice], facet: str) -> tuple[str, ...]:
    """Return the included values of *facet*; excluded ones stay in *choices*."""
    choice = choices.pop(facet, _NONE)
    if choice.exclude:
        choices[facet] = Choice((), choice.exclude)
    return choice.include


def _actors(ids: Sequence[str], names: Names) -> str:
    return _listed([names.get(("actor", id_), id_) for id_ in ids])


def _listed(values: Sequence[str]) -> str:
    return f"{', '.join(values[:-1])} or {values[-1]}" if len(values) > 1 else values[0]


def _minutes(minutes: int) -> str:
    return time_labels.length_text(minutes * 60)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
