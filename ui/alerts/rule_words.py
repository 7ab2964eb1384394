"""Alert rules in words: the filter as a sentence, and what makes a rule fire.

The sentence uses the verbs of the catalogue (`event_text.VERBS`); what it has no words for follows
as in the chips of the filter.
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from trail.core import event_text, time_labels
from trail.core.errors import TrailError
from trail.events.actor_names import display_names
from trail.notifications.rule import FILTERED_KINDS, Rule
from trail.storage.database import Engine
from trail.storage.filters import NO, YES, Choice, Filter
from ui import text
from ui.filter_bar import active_filters

KINDS = {
    "events": "Events",
    "count": "Count over a time",
    "new_actor": "New actor",
    "incidents": "Incident",
    "findings": "Finding",
    "silence": "No events",
    "source": "Source failing",
    "delivery": "Delivery failing",
    "integrity": "Trail integrity",
}
"""What a rule can be about, by the choice in the editor; `count` is `events` with a threshold."""

GROUPS = {"target": "Same target", "actor": "Same actor"}
_STATES = {
    "source": "A source fails or sends nothing, and when it works again",
    "delivery": "A delivery fails, and when it works again",
    "integrity": "A check of the trail's seals or events fails, and when it passes again",
}
_NONE = Choice()


# The display names of actors by ID.
Names = Mapping[str, str]


def actor_names(engine: Engine, rules: Iterable[Rule]) -> dict[str, str]:
    """Return the names of the actors in the filters of *rules*."""
    ids: set[str] = set()
    for rule in rules:
        with contextlib.suppress(TrailError):
            choice = Filter.parse(rule.query.lstrip("?")).choice("actor")
            ids |= {*choice.include, *choice.exclude}
    return display_names(engine, ids)


def choice_of(rule: Rule) -> str:
    """Return the key in `KINDS` of *rule*."""
    return "count" if rule.kind == "events" and rule.threshold > 1 else rule.kind


def condition(rule: Rule, names: Names) -> str:
    """Return what makes *rule* fire, as one sentence without a full stop."""
    if rule.kind in FILTERED_KINDS:
        return _capital(_of_events(rule, names))
    if rule.kind == "incidents":
        return f"An incident is persistent, or open for {_minutes(rule.open_minutes)}"
    if rule.kind == "findings":
        return f"A finding reaches {rule.score:g} points"
    return _STATES[rule.kind]


def _of_events(rule: Rule, names: Names) -> str:
    words = query_sentence(rule.query, names)
    if rule.kind == "silence":
        return f"nothing for {_minutes(rule.silent_minutes)}: {words}"
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
    """Return the filter of the query string *query* in words; as it is if it cannot be read."""
    try:
        return sentence(Filter.parse(query.lstrip("?")), names)
    except TrailError:
        return query


def sentence(filter_: Filter, names: Names) -> str:
    """Return which events *filter_* selects: `a warehouse is disabled, by anyone but ci`."""
    choices = dict(filter_.choices)
    words = _happening(choices)
    if actors := _plain(choices, "actor"):
        words += f", by {_listed([names.get(actor, actor) for actor in actors])}"
    if types := _plain(choices, "actor_type"):
        named = [text.facet_label("actor_type", one, one).lower() for one in types]
        words += f", by {_listed([event_text.article(one) for one in named])}"
    others = choices.pop("actor", _NONE).exclude
    if others:
        words += f", by anyone but {_listed([names.get(actor, actor) for actor in others])}"
    if targets := _plain(choices, "target"):
        words += f", on {_listed(targets)}"
    rest = active_filters.in_words(replace(filter_, choices=choices, start="", end=""))
    return f"{words} ({rest})" if rest else words


def _happening(choices: dict[str, Choice]) -> str:
    """Return what happens, and remove from *choices* what that says."""
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
    """Return the included values of *facet* and leave the excluded ones in *choices*."""
    choice = choices.pop(facet, _NONE)
    if choice.exclude:
        choices[facet] = Choice((), choice.exclude)
    return choice.include


def _listed(values: Sequence[str]) -> str:
    return f"{', '.join(values[:-1])} or {values[-1]}" if len(values) > 1 else values[0]


def _minutes(minutes: int) -> str:
    return time_labels.length_text(minutes * 60)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
