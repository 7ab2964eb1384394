"""The words of a question that the catalogue of actions explains: verbs, and names of things."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from trail.core import catalogue
from trail.core.catalogue import ACTIONS, CATEGORIES, Action


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words that begin a question, and those that begin a request.
ASKING = _set(
    "who whom whose what which when where how why did does has have had was were is are any "
    "show list find give get display tell count"
)
# Words that say nothing about which events are meant.
FILLERS = ASKING | _set(
    "a an the this that these those it its their they them he she his her me us we i our my your "
    "you all every each of on in to into onto at by for from with via and or but then also as be "
    "been being do done doing made make makes making get got gets there here many much often ever "
    "please can could would should will may might must event events activity activities action "
    "actions happen happened happening happens occur occurred take took taken place perform "
    "performed cause caused responsible related thing things anything something everything anyone "
    "anybody someone somebody everyone everybody one ones time times when where during within "
    "about regarding concerning over under between than so far us out up off recently latest most "
    "recent first actor actors target targets named called log logs entries entry records record "
    "workspace workspaces audit trail just only even still"
)
NEGATIONS = _set("not except excluding without besides never no non")

# What stands before the name of an actor, and before the name of a target.
ACTOR_CUES = _set("did does do has have had by from actor user token person")
TARGET_CUES = _set("on of to in into for with at target about")

# Facets that a word or phrase stands for.
PHRASES: dict[str, tuple[tuple[str, str], ...]] = {
    **dict.fromkeys(
        _set("change changes changed changing modification modifications touch touched"),
        (("changes", "yes"),),
    ),
    **dict.fromkeys(
        _set(
            "fail fails failed failing failure failures error errors broke broken breaking crashed "
            "unsuccessful unsuccessfully"
        ),
        (("outcome", "failure"),),
    ),
    **dict.fromkeys(
        _set("succeed succeeds succeeded successful successfully success"),
        (("outcome", "success"),),
    ),
    **dict.fromkeys(
        ("high risk", "high-risk", "risky", "riskiest", "dangerous"), (("risk", "high"),)
    ),
    **dict.fromkeys(("medium risk", "medium-risk"), (("risk", "medium"),)),
    **dict.fromkeys(("low risk", "low-risk"), (("risk", "low"),)),
    "unverified": (("verified", "no"),),
    "verified": (("verified", "yes"),),
    "destructive": tuple(("kind", kind) for kind in sorted(catalogue.DESTRUCTIVE_KINDS)),
}
_KIND_PHRASES = {
    **dict.fromkeys(("turned off", "turn off", "switched off", "switch off"), "disable"),
    **dict.fromkeys(("turned on", "turn on", "switched on", "switch on"), "enable"),
    **dict.fromkeys(("logged in", "log in", "signed in", "sign in"), "access"),
    **dict.fromkeys(("set up", "built", "provisioned", "registered", "new"), "create"),
    **dict.fromkeys(("altered", "adjusted", "reconfigured", "configured"), "modify"),
    **dict.fromkeys(("erased", "dropped", "destroyed", "deletion", "deletions"), "delete"),
    **dict.fromkeys(("creation", "creations"), "create"),
}
# People's names for things, by the catalogue's name of the thing, in the singular.
_SYNONYMS = {
    **dict.fromkeys(("destination", "connection"), "integration"),
    **dict.fromkeys(("access", "permission", "role", "access right"), "access management"),
    **dict.fromkeys(("group", "team"), "user group"),
    **dict.fromkeys(("trait",), "computed trait"),
    **dict.fromkeys(("plan",), "tracking plan"),
    **dict.fromkeys(("credential", "password"), "warehouse credential"),
    **dict.fromkeys(("invitation",), "invite"),
    **dict.fromkeys(("member", "person", "people", "account", "colleague"), "user"),
    **dict.fromkeys(("api token", "access token", "api key", "key"), "token"),
    **dict.fromkeys(("persona", "journeys"), "engage"),
    **dict.fromkeys(("rets", "reverse etls"), "reverse etl"),
}
_MOST_WORDS = 3


@dataclass(frozen=True, slots=True)
class Thing:
    """What a noun names: a category of the catalogue, a target type, or both; else empty."""

    words: frozenset[str]
    category: str
    target_type: str


def kind_of(text: str) -> str:
    """Return the kind of action that a verb or phrase in any form names, or an empty string."""
    if text in _KIND_PHRASES:
        return _KIND_PHRASES[text]
    return next((catalogue.VERBS[form] for form in _past(text) if form in catalogue.VERBS), "")


def thing_of(text: str) -> Thing | None:
    """Return what the noun *text* (one to three words, folded) names, or None."""
    name = _singular(text)
    return _things().get(_SYNONYMS.get(text) or _SYNONYMS.get(name) or name)


def is_part_of_a_name(word: str) -> bool:
    """Return whether *word* is part of the name of an action without being its verb: run, sync."""
    return _singular(word) in _words_of_actions()


def actions_of(
    things: Iterable[Thing], words: Iterable[str], kinds: frozenset[str], facets: frozenset[str]
) -> list[Action]:
    """Return the actions on *things* whose names contain *words* and whose verb is of *kinds*.

    Without kinds, any verb; with the outcome `failure` in *facets*, failed ones only.
    """
    wanted = {_stem(word) for word in words}
    types = {thing.target_type for thing in things if thing.target_type}
    for thing in things:
        wanted |= thing.words
    # A user is invited before there is a user.
    if types == {"user"} and ("create" in kinds or "invit" in wanted):
        types.add("invite")
    return [
        action
        for action in ACTIONS
        if wanted <= _words(action.name)
        and (not types or action.target_type in types)
        and (not kinds or _kinds(action) & kinds)
        and ("failure" not in facets or action.outcome == "failure")
    ]


def are_of_kind(actions: Iterable[Action], kinds: frozenset[str]) -> bool:
    """Return whether the facet `kind` with *kinds* has all of *actions*."""
    return all(action.kind in kinds for action in actions)


def _kinds(action: Action) -> set[str]:
    """Return the kinds of verb by which people ask for *action*: its own, and that of its name."""
    if action.kind != "access":
        return {action.kind}
    words = catalogue.folded(action.name).split()
    named = {catalogue.VERBS[word] for word in words if word in catalogue.VERBS}
    if "invite" in words and not named:
        named = {"access"}
    asked = named or {"modify"}
    return asked | ({"create"} if "access" in asked else set())


def _past(word: str) -> Iterable[str]:
    """Yield what may be the past form of a verb: disable, disables, disabling → disabled."""
    stems = [word]
    if word.endswith("s"):
        stems += [word[:-1], word[:-2]] if word.endswith("es") else [word[:-1]]
    if word.endswith("ing"):
        stems.append(word[:-3])
    for stem in filter(None, stems):
        yield from (stem, f"{stem}d", f"{stem}ed", f"{stem}{stem[-1]}ed")
        if stem.endswith("y"):
            yield f"{stem[:-1]}ied"
        if stem.endswith("i"):
            yield f"{stem}ed"


def _singular(text: str) -> str:
    first, _, last = text.rpartition(" ")
    if last.endswith("ies") and len(last) > 4:
        last = f"{last[:-3]}y"
    elif last.endswith("s") and not last.endswith(("ss", "us")) and len(last) > 3:
        last = last[:-1]
    return f"{first} {last}".strip()


def _stem(word: str) -> str:
    """Return the form in which the words of actions and questions are compared."""
    if kind_of(word) == "access":  # invited, invites, inviting; granted, logged
        return _singular(re.sub(r"(?:ing|ed|e)$", "", _singular(word)))
    return _singular(word)


@cache
def _things() -> dict[str, Thing]:
    """Return the categories and the types of targets by their names in the singular."""
    types = {action.target_type.replace("_", " "): action.target_type for action in ACTIONS}
    types |= {name: name for name in ("journey", "broadcast")}
    areas = {_singular(name.lower()): name for name in CATEGORIES if name != "Other"}
    areas["profiles sync"], areas["reverse etl"] = "Profiles Sync", "Reverse ETL"
    result = {}
    for name in filter(None, {*types, *areas}):
        words = frozenset(_singular(word) for word in name.split())
        result[name] = Thing(words, areas.get(name, ""), types.get(name, ""))
    return result


@cache
def _words_of_actions() -> frozenset[str]:
    words = frozenset[str]().union(*(_words(action.name) for action in ACTIONS))
    return frozenset(word for word in words if word not in FILLERS and not kind_of(word))


@cache
def _words(name: str) -> frozenset[str]:
    return frozenset(map(_stem, catalogue.folded(name).split()))
