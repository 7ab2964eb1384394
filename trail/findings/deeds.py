"""What an actor did, in words: "downloaded 14 audience lists", "deleted the source Checkout"."""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from trail.core import catalogue
from trail.core.text import one_line
from trail.findings import moments
from trail.findings.deed_phrases import Phrase, one_of, phrase, plural

# What was done per action, see `observed`.
Seen = Mapping[str, Any]

_MAX_NAME = 60
_MAX_NAMED = 2  # targets that a deed names
MAX_LISTED = 3  # deeds that a sentence lists; of more, one fewer and the number of the others
_MAX_KINDS = 5

_DONE = {
    "delete": ("deleted", "resource"),
    "disable": ("disabled", "resource"),
    "disconnect": ("disconnected", "resource"),
    "download": ("downloaded", "file"),
    "create": ("created", "resource"),
    "enable": ("enabled", "resource"),
    "connect": ("connected", "resource"),
}
# What the events of a kind are called; in the order in which they are listed.
_NOUNS = {
    "delete": "deletion",
    "disable": "deactivation",
    "disconnect": "disconnection",
    "download": "download",
    "access": "access change",
    "create": "creation",
    "enable": "activation",
    "connect": "connection",
    "modify": "modification",
    "run": "run",
    "read": "view",
}


def deed(seen: Seen) -> str:
    """Return what was done: "disabled the warehouse Snowflake prod".

    *seen* has `action`, `n` (events), `targets` (how many), and `names` and `ids` of the first of
    them.
    """
    return _deed(seen, None)


def deeds(seen: Iterable[Seen], others: str = "action") -> str:
    """Return several deeds: "deleted 2 filters and disabled the warehouse W"; empty for none.

    The riskiest, which come first in *seen*, are listed in the order in which they were done. The
    rest, called *others*, such as "risky action", is without names, or counted by kind.
    """
    merged = _merged(seen)
    shown = len(merged) if len(merged) <= MAX_LISTED else MAX_LISTED - 1
    listed, rest = merged[:shown], merged[shown:]
    listed.sort(key=lambda one: str(one["first"]))
    parts = [_deed(one, before) for one, before in zip(listed, [None, *listed], strict=False)]
    verbs = {_shared_verb(one) for one in listed}
    repeated = any(map(_same_target, listed[1:], listed))
    if len(parts) > 1 and len(verbs) == 1 and "" not in verbs and not rest and not repeated:
        (verb,) = verbs
        parts = [parts[0], *(part.removeprefix(f"{verb} ") for part in parts[1:])]
    if rest:
        number = sum(int(one["n"]) for one in rest)
        parts.append(f"took {count_of(number, f'other {others}')} ({_in_short(rest)})")
    return listing(parts)


def pair(first: Sequence[Seen], then: Sequence[Seen], others: str = "action") -> str:
    """Return what was done and what followed: "created and deleted the source S".

    *others* as for `deeds`.
    """
    if len(first) == len(then) == 1 and _same_target(then[0], first[0]):
        verb = _shared_verb(first[0])
        if verb and _shared_verb(then[0]) and _same_noun(first[0], then[0]):
            return f"{verb} and {deed(then[0])}"
    return f"{deeds(first, others)}, then {deeds(then, others)}"


def on_days(seen: Sequence[Seen], others: str = "action") -> str:
    """Return the deeds and the days they were done on, the days as a mark (see `moments`)."""
    if not seen:
        return "was active"
    return f"{deeds(seen, others)} {days(seen)}"


def days(seen: Sequence[Seen]) -> str:
    """Return the mark of the days on which it was done, empty for nothing."""
    return moments.on(first_at(seen), last_at(seen)) if seen else ""


def things(seen: Iterable[Seen]) -> str:
    """Return the numbers of things it was done to: "2 audiences and 1 computed trait"."""
    found: Counter[str] = Counter()
    for one in seen:
        words = phrase(str(one["action"]))
        found[words.noun if words else "resource"] += int(one["targets"])
    return listing([count_of(number, noun) for noun, number in found.items()])


def objects(seen: Iterable[Seen]) -> str:
    """Return what it was done to, without numbers, most first: "sources, audiences and a label"."""
    found: Counter[str] = Counter()
    for one in seen:
        words = phrase(str(one["action"]))
        found[words.noun if words else "resource"] += int(one["targets"])
    nouns = [plural(noun) if number > 1 else one_of(noun) for noun, number in found.most_common()]
    shown = nouns if len(nouns) <= MAX_LISTED else [*nouns[: MAX_LISTED - 1], "more"]
    return listing(shown)


def by_kind(seen: Iterable[Seen]) -> str:
    """Return how many events of each kind were seen: "2 deletions, 1 modification".

    Of one kind only, it is "all of them modifications".
    """
    found: Counter[str] = Counter()
    for one in seen:
        found[catalogue.resolve(str(one["action"])).kind] += int(one["n"])
    order = [*_NOUNS, *found]
    kinds = sorted(found, key=order.index)
    if len(kinds) == 1 and found[kinds[0]] > 1:
        return f"all of them {plural(_NOUNS.get(kinds[0], 'other'))}"
    parts = [count_of(found[kind], _NOUNS.get(kind, "other")) for kind in kinds[:_MAX_KINDS]]
    if more := sum(found[kind] for kind in kinds[_MAX_KINDS:]):
        parts.append(f"{more:,} more")
    return ", ".join(parts)


def seconds_between(first: str, last: str) -> float:
    """Return the seconds from one time to another, both UTC in ISO format."""
    return (dt.datetime.fromisoformat(last) - dt.datetime.fromisoformat(first)).total_seconds()


def expected_text(expected: float) -> str:
    """Return how many were expected: "about 2.5 were expected"."""
    return f"about {expected:.2g} were expected" if expected >= 0.05 else "almost none was expected"


def first_at(seen: Iterable[Seen]) -> str:
    """Return when the first of the deeds was done (UTC, ISO)."""
    return min(str(one["first"]) for one in seen)


def last_at(seen: Iterable[Seen]) -> str:
    """Return when the last of the deeds was done (UTC, ISO)."""
    return max(str(one["last"]) for one in seen)


def amount(kinds: Collection[str], number: int) -> str:
    """Return a number of events of *kinds*, or of any kind if empty: "3 deletions", "no change"."""
    noun = " or ".join(_NOUNS[kind] for kind in _NOUNS if kind in kinds) or "change"
    return f"no {noun}" if number == 0 else count_of(number, noun)


def done(kinds: Collection[str], number: int) -> str:
    """Return a number of events of *kinds* as a deed: "created 3 resources"."""
    known = [_DONE[kind] for kind in _NOUNS if kind in kinds and kind in _DONE]
    if not known or len(known) < len(kinds):
        return f"made {amount(kinds, number)}"
    return f"{' or '.join(verb for verb, _ in known)} {count_of(number, known[0][1])}"


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun: "1 audience", "2,000 audiences"."""
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def kinds_of(seen: Iterable[Seen]) -> set[str]:
    """Return the kinds of the actions."""
    return {catalogue.resolve(str(one["action"])).kind for one in seen}


def listing(parts: Sequence[str]) -> str:
    """Return *parts* as a list in words: "a, b and c"."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def _in_short(seen: Sequence[Seen]) -> str:
    """Return what was done without names, or of many deeds how many events of each kind."""
    if len(seen) > MAX_LISTED:
        return by_kind(seen)
    return "; ".join(_without_name(one) for one in seen)


def _without_name(seen: Seen) -> str:
    """Return what was done to any target, which several actions may share, and how often."""
    action, n = str(seen["action"]), int(seen["n"])
    words = phrase(action)
    if words is None:
        return deed(seen)
    return " ".join(filter(None, (words.verb, one_of(words.noun), words.tail))) + _times(n)


def _deed(seen: Seen, before: Seen | None) -> str:
    """Return what was done; a target that *before*, the deed named last, names is "it"."""
    action, n, targets = str(seen["action"]), int(seen["n"]), int(seen["targets"])
    words = phrase(action)
    if words is None:
        return f"performed “{one_line(action, _MAX_NAME)}”{_times(n)}"
    verb = words.verb_of_many if words.verb_of_many and n > 1 else words.verb
    if before is not None and _same_target(seen, before):
        it = _same_noun(seen, before) and words.noun != "user"
        named = words.named_again or ("it" if it else f"the {words.noun}")
        more = _times(n) if verb == words.verb else ""
        return " ".join(filter(None, [verb, named, words.tail])) + more
    names = [one_line(name, _MAX_NAME) for name in seen["names"]]
    if targets <= 1:
        named = f"the {words.noun} {names[0]}" if names else one_of(words.noun)
        # In brackets, so that the name does not run into the number.
        more = f" ({_times(n).strip()})" if n > 1 and verb == words.verb else ""
        return " ".join(filter(None, [verb, named, words.tail])) + more
    more = f"{n:,} times in all" if n > targets and verb == words.verb else ""
    named = f"{targets:,} {plural(words.noun)}"
    if targets == len(names) == _MAX_NAMED:
        named = f"the {plural(words.noun)} {' and '.join(names)}"
        more = f"({more})" if more else ""
    return " ".join(filter(None, [verb, named, words.tail_of_many or words.tail, more]))


def _merged(seen: Iterable[Seen]) -> list[Seen]:
    """Return the deeds with those of the same words as one, where their targets are known."""
    merged: dict[object, Seen] = {}
    for one in seen:
        words = phrase(str(one["action"]))
        key: object = _without_number(words) if words else one["action"]
        other = merged.get(key)
        if other is None:
            merged[key] = one
        elif joined := _joined(other, one):
            merged[key] = joined
        else:
            merged[key, one["action"]] = one
    return list(merged.values())


def _joined(one: Seen, other: Seen) -> Seen | None:
    """Return two deeds of the same words as one, or None if their targets are not all known."""
    if not (_all_known(one) and _all_known(other)):
        return None
    names = {
        id_: name
        for part in (one, other)
        for id_, name in zip(part["ids"], part["names"], strict=True)
    }
    words = phrase(str(other["action"]))
    return {
        **(other if words and words.verb_of_many else one),
        "n": int(one["n"]) + int(other["n"]),
        "targets": len(names),
        "ids": list(names),
        "names": list(names.values()),
        "first": first_at([one, other]),
        "last": last_at([one, other]),
    }


def _all_known(seen: Seen) -> bool:
    return len(seen["names"]) == len(seen["ids"]) == int(seen["targets"])


def _same_target(seen: Seen, before: Seen) -> bool:
    """Return whether both deeds were done to one target, the same one."""
    one = int(seen["targets"]) == int(before["targets"]) == len(seen["ids"]) == 1
    return one and list(seen["ids"]) == list(before["ids"])


def _same_noun(seen: Seen, before: Seen) -> bool:
    words = [phrase(str(one["action"])) for one in (seen, before)]
    return len({one.noun if one else "" for one in words}) == 1


def _without_number(words: Phrase) -> tuple[str, str, str]:
    return words.verb_of_many or words.verb, words.noun, words.tail


def _shared_verb(seen: Seen) -> str:
    """Return the verb if a list of deeds may leave it out after the first one."""
    words = phrase(str(seen["action"]))
    if words is None or words.tail or words.verb_of_many or int(seen["n"]) > int(seen["targets"]):
        return ""
    return words.verb


def _times(n: int) -> str:
    return "" if n <= 1 else " twice" if n == 2 else f" {n:,} times"
