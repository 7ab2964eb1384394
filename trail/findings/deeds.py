"""What an actor did, in words: "downloaded 14 audience lists", "deleted the source Checkout".

The words come from the name of the action; `_PHRASES` has those whose name does not give them.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trail.core import catalogue
from trail.core.event_text import article, thing
from trail.core.text import one_line
from trail.findings import moments

Seen = Mapping[str, Any]

_MAX_NAME = 60
_MAX_NAMED = 2  # targets that a deed names, and deeds that a sentence lists


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A verb in the past tense, the noun of a target, and what follows it."""

    verb: str
    noun: str
    tail: str = ""


_SCHEMA = _Phrase("changed the schema of", "source")
_MEMBERS_IN = _Phrase("added members to", "user group")
_MEMBERS_OUT = _Phrase("removed members from", "user group")
_PHRASES = {
    "Audience CSV Downloaded": _Phrase("downloaded", "audience list"),
    "Computed Trait CSV Downloaded": _Phrase("downloaded", "computed trait list"),
    "Audience Preview Created": _Phrase("previewed", "audience"),
    "Audience Run Forced": _Phrase("started a run of", "audience"),
    "Destination Added into Audience": _Phrase("added a destination to", "audience"),
    "Destination Removed from Audience": _Phrase("removed a destination from", "audience"),
    "Destination Updated for Audience": _Phrase("changed a destination of", "audience"),
    "Destinations Listed from Audience": _Phrase("listed the destinations of", "audience"),
    "Supported Destinations Listed For Audience": _Phrase(
        "listed the possible destinations of", "audience"
    ),
    "Engage Warehouse Source Created": _Phrase("created", "Engage warehouse source"),
    "Engage Warehouse Source Modified": _Phrase("changed", "Engage warehouse source"),
    "Engage Warehouse Source Deleted": _Phrase("deleted", "Engage warehouse source"),
    "Model Settings Saved": _Phrase("changed the settings of", "model"),
    "Model State Change Toggled": _Phrase("changed the state of", "model"),
    "Policy Created": _Phrase("created", "permission policy"),
    "Policy Deleted": _Phrase("deleted", "permission policy"),
    "User Policy Updated": _Phrase("changed the permissions of", "user"),
    "User Group Policy Updated": _Phrase("changed the permissions of", "user group"),
    "Subjects Added to Group": _MEMBERS_IN,
    "User Added To User Group": _MEMBERS_IN,
    "Group Memberships Deleted": _MEMBERS_OUT,
    "User Removed From User Group": _MEMBERS_OUT,
    "Profiles Sync Warehouse Retrieved": _Phrase("viewed", "Profiles Sync warehouse"),
    "Public API Tokens Without Owners Detected": _Phrase("left without an owner", "API token"),
    "Source Connected to Tracking Plan": _Phrase("connected", "source", "to a tracking plan"),
    "Source Disconnected From Tracking Plan": _Phrase(
        "disconnected", "source", "from a tracking plan"
    ),
    "Source Connected To Space": _Phrase("connected", "source", "to a space"),
    "Source Disconnected From Space": _Phrase("disconnected", "source", "from a space"),
    "Source Debugger Raw Viewed": _Phrase("viewed raw events of", "source"),
    "Source Settings Modified": _Phrase("changed the settings of", "source"),
    "Storage Destination Settings Validation": _Phrase(
        "checked the settings of", "storage destination"
    ),
    "Support Access Granted": _Phrase("granted Segment support access to", "workspace"),
    "Support Access Revoked": _Phrase("revoked Segment support access to", "workspace"),
    "Support Login": _Phrase("logged in as Segment support to", "workspace"),
    "Tracking Plan Operations Updated": _Phrase("changed the operations of", "tracking plan"),
    "User Added via SSO": _Phrase("added", "user", "by single sign-on"),
    "User Invite Sent": _Phrase("sent", "invitation"),
    "User Invite Accepted": _Phrase("accepted", "invitation"),
    "User Invite Deleted": _Phrase("deleted", "invitation"),
    "Invite Deleted": _Phrase("deleted", "invitation"),
    "Users Invited": _Phrase("sent", "invitation"),
    "New Segment User Invited to Workspace": _Phrase("sent", "invitation"),
    "Non-Segment User Invited to Workspace": _Phrase("sent", "invitation"),
}
_VERB_AT_END = re.compile(r"(.+)\s+([a-z]+ed|sent|begun|made)", re.IGNORECASE)
_VERBS = {"modified": "changed", "updated": "changed", "edited": "changed"}
_DONE = {
    "delete": ("deleted", "resource"),
    "disable": ("disabled or disconnected", "resource"),
    "download": ("downloaded", "file"),
    "create": ("created", "resource"),
    "enable": ("enabled or connected", "resource"),
}
# What the changes of a kind are called where they are of several actions.
_NOUNS = {
    "delete": "deletion",
    "disable": "deactivation or disconnection",
    "download": "download",
    "access": "access change",
    "create": "creation",
    "modify": "modification",
    "enable": "activation or connection",
    "all": "change",
}


def deed(seen: Seen) -> str:
    """Return what was done: "disabled the warehouse Snowflake prod".

    *seen* has `action`, `n` (events), `targets` (how many) and `names` of up to two of them.
    """
    action, n, targets = str(seen["action"]), int(seen["n"]), int(seen["targets"])
    phrase = _phrase(action)
    if phrase is None:
        return f"performed “{one_line(action, _MAX_NAME)}”{_times(n)}"
    names = [one_line(name, _MAX_NAME) for name in seen["names"]]
    if targets <= 1:
        named = f"the {phrase.noun} {names[0]}" if names else f"{article(phrase.noun)}"
        words, more = [phrase.verb, named, phrase.tail], _times(n)
    else:
        named = f"{targets:,} {_plural(phrase.noun)}"
        if targets == len(names) == _MAX_NAMED:
            named = f"the {_plural(phrase.noun)} {' and '.join(names)}"
        words, more = [phrase.verb, named, phrase.tail], _times(n) if n > targets else ""
        more = f"{more} in all" if more else ""
    return " ".join(filter(None, words)) + more


def deeds(seen: Iterable[Seen]) -> str:
    """Return several deeds: "deleted 2 filters and disabled the warehouse W"; empty for none."""
    listed = list(seen)
    parts = [deed(one) for one in listed[:_MAX_NAMED]]
    verbs = [_verb(one) for one in listed[:_MAX_NAMED]]
    if len(parts) > 1 and len(set(verbs)) == 1 and verbs[0]:
        parts = [parts[0], *(part.removeprefix(f"{verbs[0]} ") for part in parts[1:])]
    if rest := sum(int(one["n"]) for one in listed[_MAX_NAMED:]):
        return f"{', '.join(parts)} and did {count_of(rest, 'other thing')}"
    return " and ".join(parts)


def on_days(seen: Sequence[Seen]) -> str:
    """Return the deeds and the days they were done on, the days as a mark (see `moments`)."""
    if not seen:
        return "was active"
    return f"{deeds(seen)} {days(seen)}"


def days(seen: Sequence[Seen]) -> str:
    """Return the mark of the days on which it was done, empty for nothing."""
    return moments.on(first_at(seen), last_at(seen)) if seen else ""


def nouns(seen: Iterable[Seen]) -> str:
    """Return what things it was done to: "audiences and computed traits"."""
    found = (_phrase(str(one["action"])) for one in seen)
    names = list(dict.fromkeys(_plural(phrase.noun) for phrase in found if phrase))
    return " and ".join(names[:2]) if len(names) < 3 else f"{', '.join(names[:2])} and more"


def seconds_between(first: str, last: str) -> float:
    """Return the seconds from one time to another, both UTC in ISO format."""
    return (dt.datetime.fromisoformat(last) - dt.datetime.fromisoformat(first)).total_seconds()


def expected_text(expected: float) -> str:
    """Return how many were expected: "about 2.5 expected"."""
    return f"about {expected:.2g} expected" if expected >= 0.05 else "almost none expected"


def first_at(seen: Iterable[Seen]) -> str:
    """Return when the first of the deeds was done (UTC, ISO)."""
    return min(str(one["first"]) for one in seen)


def last_at(seen: Iterable[Seen]) -> str:
    """Return when the last of the deeds was done (UTC, ISO)."""
    return max(str(one["last"]) for one in seen)


def amount(verb: str, number: int) -> str:
    """Return a number of changes of the kind *verb*: "3 deletions", "no deletion"."""
    noun = _NOUNS.get(verb, "change")
    return f"no {noun}" if number == 0 else count_of(number, noun)


def done(verb: str, number: int) -> str:
    """Return a number of changes of the kind *verb* as a deed: "created 3 resources"."""
    if verb not in _DONE:
        return f"made {amount(verb, number)}"
    did, noun = _DONE[verb]
    return f"{did} {count_of(number, noun)}"


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun: "1 audience", "2,000 audiences"."""
    return f"{number:,} {noun if number == 1 else _plural(noun)}"


def _verb(seen: Seen) -> str:
    """Return the verb if a list of deeds may leave it out after the first one."""
    phrase = _phrase(str(seen["action"]))
    return phrase.verb if phrase and not phrase.tail and int(seen["n"]) <= seen["targets"] else ""


def _phrase(action: str) -> _Phrase | None:
    """Return the words for *action*, or None if its name has no verb."""
    if phrase := _PHRASES.get(action):
        return phrase
    if catalogue.resolve(action).category == "Schema":
        return _SCHEMA
    if found := _VERB_AT_END.fullmatch(action):
        verb = found[2].lower()
        return _Phrase(_VERBS.get(verb, verb), one_line(thing(f"{found[1]} Created"), _MAX_NAME))
    return None


def _times(n: int) -> str:
    return "" if n <= 1 else " twice" if n == 2 else f" {n:,} times"


def _plural(noun: str) -> str:
    if " or " in noun:
        return " or ".join(_plural(part) for part in noun.split(" or "))
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return noun if noun.endswith("s") else f"{noun}s"
