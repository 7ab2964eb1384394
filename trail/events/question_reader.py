"""Reads the words of a question, from what is surest to what is vaguest; see `questions`."""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from trail.core.catalogue import Action
from trail.core.errors import FilterError
from trail.events import question_words as vocabulary
from trail.events.completions import fold, term
from trail.events.question_names import MOST_WORDS, Directory, Named
from trail.events.question_words import Thing
from trail.storage import search_syntax, time_window
from trail.storage.engine import Engine
from trail.storage.filters import FACETS, Filter

_MOST_WORDS = 40
_MOST_TIME_WORDS = 8
_MOST_ACTIONS = 12

# Quoted names, and words without the punctuation around them.
_WORD = re.compile(r'"([^"]*)"|([^\s"]+)')
_AROUND = ".,;:!?()[]{}'`´’“”…"
# Months and days that also are names or verbs, so that they need a word such as `in` before them.
_MAYBE_TIME = frozenset(
    (
        "may",
        "march",
        "april",
        "june",
        "august",
        "sun",
        "sat",
        "mon",
        "wed",
        "fri",
        "mar",
        "jan",
        "dec",
        "sep",
    )
)
_BEFORE_TIME = frozenset(
    ("in", "on", "since", "during", "last", "this", "before", "after", "until", "from", "by")
)


@dataclass(slots=True)
class Word:
    """One word or quoted name of a question, and what became of it."""

    text: str
    folded: str
    is_quoted: bool
    is_capital: bool
    state: str = ""  # used, ignored, or not decided yet
    role: str = ""  # of a used word: actor, target, thing, verb


def words_of(text: str) -> list[Word]:
    """Return the words of *text* without the punctuation around them."""
    result = []
    for match in _WORD.finditer(text[: search_syntax.MAX_CHARS]):
        word = match[1] if match[1] is not None else match[2].strip(_AROUND)
        word = re.sub(r"['’]s$", "", word)
        if word.strip():
            result.append(Word(word, fold(word).strip(), match[1] is not None, word[:1].isupper()))
    return result


def is_verb(word: str) -> bool:
    """Return whether *word* tells what happened: deleted, failed, changes."""
    if word in vocabulary.PHRASES:
        return vocabulary.PHRASES[word][0][0] in ("outcome", "changes")
    return bool(vocabulary.kind_of(word)) and word.endswith("ed")


@dataclass(slots=True)
class Reader:
    """Reads one question for a filter whose zone, order and window remain.

    Weeks start on *week_start* (Monday is 0).
    """

    engine: Engine
    base: Filter
    text: str
    now: dt.datetime
    week_start: int
    words: list[Word] = field(default_factory=list)
    choices: dict[str, dict[str, bool]] = field(default_factory=dict)  # facet: value: excluded
    labels: dict[tuple[str, str], str] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    things: list[Thing] = field(default_factory=list)
    nouns: list[str] = field(default_factory=list)  # the words of these things
    in_names: list[str] = field(default_factory=list)  # words of the names of actions
    searches: list[str] = field(default_factory=list)
    window: tuple[str, str] | None = None

    def read(self) -> Filter:
        """Return the filter that is asked for, and mark what becomes of each of `words`."""
        everything = words_of(self.text)
        self.words = everything[:_MOST_WORDS]
        unknown = [
            word.folded
            for word in self.words
            if not self._is_common(word) or (word.is_capital and word is not self.words[0])
        ]
        directory = Directory(self.engine, unknown)
        self._names(directory, whole=True)
        self._times()
        self._phrases()
        self._things()
        self._names(directory, whole=False)
        self._verbs()
        for word in self.words:
            is_filler = word.folded in vocabulary.FILLERS and not word.is_quoted
            word.state = word.state or ("ignored" if is_filler else "")
        self._conclude()
        self.words = everything
        found = self._filter()
        try:
            found.check()
        except FilterError:  # over a limit
            found = replace(found, choices={}, q=())
        return found

    def _is_common(self, word: Word) -> bool:
        known = vocabulary.FILLERS | vocabulary.NEGATIONS | vocabulary.PHRASES.keys()
        is_thing = vocabulary.thing_of(word.folded) is not None
        is_verb = bool(vocabulary.kind_of(word.folded))
        return not word.is_quoted and (word.folded in known or is_thing or is_verb)

    def _spans(self, most: int) -> Iterable[tuple[int, int]]:
        """Yield the ranges of words that are not decided yet, long ones first."""
        for length in range(min(most, len(self.words)), 0, -1):
            for start in range(len(self.words) - length + 1):
                if not any(word.state for word in self.words[start : start + length]):
                    yield start, start + length

    def _text(self, start: int, end: int) -> str:
        return " ".join(word.folded for word in self.words[start:end])

    def _use(self, start: int, end: int, role: str) -> None:
        for word in self.words[start:end]:
            word.state, word.role = "used", role

    def _names(self, directory: Directory, *, whole: bool) -> None:
        for start, end in self._spans(MOST_WORDS):
            span = self.words[start:end]
            if any(word.state for word in span):
                continue
            # A common word is no name; a part of a name begins and ends with words of its own.
            if not whole and any(
                self._is_common(word) or vocabulary.is_part_of_a_name(word.folded)
                for word in (span[0], span[-1])
            ):
                continue
            is_common = all(map(self._is_common, span))
            if is_common and (len(span) == 1 or not any(word.is_capital for word in span[:2])):
                continue
            found = [
                named
                for named in directory.find(self._text(start, end))
                if named.is_whole or not whole
            ]
            if found:
                self._choose(self._best(found, start), start, end)

    def _is_object(self, start: int) -> bool:
        """Return whether the name at *start* is of what `who` acted on."""
        asks_who = any(word.folded in ("who", "whom", "whose") for word in self.words[:start])
        return asks_who and self._before(start) not in vocabulary.ACTOR_CUES

    def _best(self, found: list[Named], start: int) -> Named:
        """Return the meaning that fits what stands before the word at *start*."""
        before = self._before(start)
        is_actor = before in vocabulary.ACTOR_CUES
        is_target = before in vocabulary.TARGET_CUES or self._thing_before(start) is not None
        is_target = is_target or (not is_actor and self._is_object(start))
        wanted = "actor" if is_actor else "target" if is_target else ""
        fitting = [named for named in found if named.field == wanted]
        return (fitting or found)[0]

    def _before(self, start: int) -> str:
        for word in reversed(self.words[:start]):
            if word.folded not in ("the", "a", "an", "our", "my"):
                return word.folded
        return ""

    def _noun_before(self, end: int) -> tuple[Thing | None, int]:
        """Return what the noun that ends before the word at *end* names, and where it begins."""
        for start in range(max(end - 3, 0), end):
            thing = vocabulary.thing_of(self._text(start, end))
            if thing and not any(word.state for word in self.words[start:end]):
                return thing, start
        return None, end

    def _thing_before(self, start: int) -> Thing | None:
        thing, _ = self._noun_before(start)
        return thing if thing and thing.target_type not in ("user", "token") else None

    def _choose(self, named: Named, start: int, end: int) -> None:
        excluded = self._is_negated(start)
        self._use(start, end, named.field)
        noun, at = self._noun_before(start)
        if noun:
            # In `source Checkout` or `token terraform`, the noun only says what the name is.
            self._use(at, start, named.field)
            if named.field == "target" and noun.target_type in named.types and len(named.types) > 1:
                self._add("target_type", noun.target_type, excluded=excluded)
        if named.field == "actor" and self._is_object(start):
            self._search(term("target", self._text(start, end)), excluded=excluded)
            return
        for value, label in named.values:
            self._add(named.field, value, label, excluded=excluded)

    def _search(self, text: str, *, excluded: bool) -> None:
        self.searches.append(f"-{text}" if excluded else text)

    def _is_negated(self, start: int) -> bool:
        """Return whether a negation stands before *start*, which is then used."""
        for word in reversed(self.words[:start]):
            if word.folded in vocabulary.NEGATIONS or word.folded.endswith(("n't", "n’t")):
                word.state = "used"
                return True
            if word.folded not in vocabulary.FILLERS:
                return False
        return False

    def _times(self) -> None:
        for start, end in self._spans(_MOST_TIME_WORDS):
            span = self.words[start:end]
            if self.window is not None or any(word.state or word.is_quoted for word in span):
                continue
            last = span[-1].folded
            before = span[-2].folded if len(span) > 1 else ""
            is_led = before in _BEFORE_TIME | {"and", "to"} or before[:1].isdigit()
            if last in _MAYBE_TIME and not is_led:
                continue
            if span[0].folded in vocabulary.FILLERS - _BEFORE_TIME - {"between", "at", "within"}:
                continue
            window = self._typed(" ".join(word.text for word in span))
            if window:
                self.window = window
                self._use(start, end, "time")

    def _typed(self, text: str) -> tuple[str, str] | None:
        if not re.search(r"[a-z]|\d-\d", text.lower()):
            return None
        try:
            words, zone = re.sub(r"^by ", "", text), self.base.zone
            window = time_window.typed(words, zone, self.now, self.week_start)
            replace(self.base, start=window[0], end=window[1], choices={}, q=()).check()
        except FilterError:
            return None
        return window

    def _phrases(self) -> None:
        for start, end in self._spans(2):
            text = self._text(start, end)
            if any(word.state or word.is_quoted for word in self.words[start:end]):
                continue
            if text in vocabulary.PHRASES:
                excluded = self._is_negated(start)
                self._use(start, end, "verb")
                for name, value in vocabulary.PHRASES[text]:
                    self._add(name, value, excluded=excluded)
            elif end - start > 1 and (kind := vocabulary.kind_of(text)):
                self._use(start, end, "verb")
                self.kinds.add(kind)

    def _things(self) -> None:
        for start, end in self._spans(3):
            span = self.words[start:end]
            if any(word.state or word.is_quoted for word in span):
                continue
            thing = vocabulary.thing_of(self._text(start, end))
            if thing is None or self._text(start, end) in vocabulary.FILLERS:
                continue
            if self._names_follow(end):
                continue
            if thing.target_type in ("user", "token") and self._is_subject(start, end):
                self._use(start, end, "actor")
                self._add("actor_type", thing.target_type, excluded=self._is_negated(start))
            else:
                self._use(start, end, "thing")
                self._add_thing(thing, self._text(start, end))

    def _add_thing(self, thing: Thing, text: str) -> None:
        self.things.append(thing)
        self.nouns += text.split()

    def _is_subject(self, start: int, end: int) -> bool:
        """Return whether users or tokens at this place act: `by tokens`, `what did users do`."""
        if self._before(start) in ("by", "did", "do", "does", "have", "has", "had"):
            return True
        following = self.words[end].folded if end < len(self.words) else ""
        is_asked = self._before(start) in ("which", "what")
        return is_asked and (is_verb(following) or following in vocabulary.PHRASES)

    def _names_follow(self, at: int) -> bool:
        """Return whether the word at *at* may be a name, which then explains the noun before."""
        following = self.words[at] if at < len(self.words) else None
        return following is not None and not following.state and not self._is_common(following)

    def _verbs(self) -> None:
        for place, word in enumerate(self.words):
            if word.state or word.is_quoted:
                continue
            thing = vocabulary.thing_of(word.folded)
            kind = vocabulary.kind_of(word.folded)
            if kind and not (place == 0 and word.folded in vocabulary.ASKING):
                word.state, word.role = "used", "verb"
                self.kinds.add(kind)
                if kind == "access":
                    self.in_names.append(word.folded)
            elif thing and word.folded not in vocabulary.FILLERS:
                word.state, word.role = "used", "thing"
                self._add_thing(thing, word.folded)
            elif vocabulary.is_part_of_a_name(word.folded):
                word.role = "in name"
                self.in_names.append(word.folded)

    def _conclude(self) -> None:
        """Turn verbs and things into facets: of kinds and areas where these suffice, or actions."""
        kinds = frozenset(self.kinds)
        outcome = frozenset(
            value for value, excluded in self.choices.get("outcome", {}).items() if not excluded
        )
        actions = self._actions(kinds, outcome)
        for action in actions:
            self._add("action", action.name)
        if actions:
            return
        for kind in sorted(kinds):
            self._add("kind", kind)
        by_type = all(thing.target_type for thing in self.things)
        by_area = all(thing.category for thing in self.things)
        for thing in self.things:
            if thing.category and (by_area or not by_type):
                self._add("category", thing.category)
            else:
                self._add("target_type", thing.target_type)

    def _actions(self, kinds: frozenset[str], outcome: frozenset[str]) -> list[Action]:
        """Return the actions that are meant; none where kinds and areas are enough."""
        ways: list[tuple[list[Thing], list[str]]] = []
        if self.in_names or len(self.things) > 1:
            ways.append(([], [*self.nouns, *self.in_names]))
        if self.in_names:
            ways.append((self.things[-1:], self.in_names))
        for things, words in ways:
            actions = vocabulary.actions_of(things, words, kinds, outcome)
            if 0 < len(actions) <= _MOST_ACTIONS:
                for word in self.words:
                    word.state = "used" if word.role == "in name" else word.state
                return actions
        actions = vocabulary.actions_of(self.things[-1:], (), kinds, outcome) if self.things else []
        is_enough = not kinds or vocabulary.are_of_kind(actions, kinds)
        return [] if is_enough or len(actions) > _MOST_ACTIONS else actions

    def _add(self, name: str, value: str, label: str = "", *, excluded: bool = False) -> None:
        if name in FACETS:
            self.choices.setdefault(name, {})[value] = excluded
            self.labels[name, value] = label or value

    def _filter(self) -> Filter:
        result = replace(self.base.cleared(), q=(" ".join(self.searches),) * bool(self.searches))
        if self.window is not None:
            result = replace(result, start=self.window[0], end=self.window[1])
        for name in FACETS:
            for value, excluded in self.choices.get(name, {}).items():
                result = result.put(name, value, "exclude" if excluded else "include")
        return result
