"""Questions in plain words, such as `who disabled warehouses last week`, read as a filter.

By rules alone: the catalogue explains verbs and kinds of things, the store's directory names, and
`time_window` times. Every word is used, says nothing about which events are meant, or is reported
as not understood; whatever the text, the filter is valid.
"""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

from trail.events import question_words as vocabulary
from trail.events.completions import fold
from trail.events.question_reader import Reader, is_verb, words_of
from trail.storage import time_text
from trail.storage.engine import Engine
from trail.storage.filters import FACETS, Filter

# What only the search language means: a field, a group, an operator, a wildcard.
_LANGUAGE = re.compile(r"\b[a-z_]+:(?=\S)|[()*\\]|\?(?=\w)|[<>]=?|\b(?:AND|OR|NOT)\b|(?:^|\s)-\w")


@dataclass(frozen=True, slots=True)
class Part:
    """One condition of a question for display: `Kind`, whether it excludes, and its values."""

    name: str
    excluded: bool
    label: str


@dataclass(frozen=True, slots=True)
class Question:
    """The filter that a question asks for, its conditions, and what became of its words."""

    filter: Filter
    parts: tuple[Part, ...]
    used: tuple[str, ...]
    ignored: tuple[str, ...]
    not_understood: tuple[str, ...]


def is_question(text: str) -> bool:
    """Return whether *text* reads as a question or a request, not as words to search for."""
    if _LANGUAGE.search(re.sub(r'"[^"]*"', "", text)) or text.lstrip().startswith('"'):
        return False
    words = [word.folded for word in words_of(text)]
    if len(words) < 2:
        return False
    first = re.sub(r"['’].*", "", words[0])
    return first in vocabulary.ASKING or (len(words) > 2 and is_verb(first))


def read(
    engine: Engine, filter_: Filter, text: str, now: dt.datetime, week_start: int
) -> Question | None:
    """Return what the question *text* asks for at *now* (aware), or None if it is not a question.

    Weeks start on *week_start* (Monday is 0). Of *filter_*, the zone and the order remain, and the
    window if the question names no time. None also if less than half of what the question says is
    understood.
    """
    if not is_question(text):
        return None
    question = interpret(engine, filter_, text, now, week_start)
    starts_with_verb = fold(text).split()[0] not in vocabulary.ASKING
    least = len(question.not_understood) + (2 if starts_with_verb else 0)
    if not question.parts or len(question.used) < max(least, 1):
        return None
    return question


def interpret(
    engine: Engine, filter_: Filter, text: str, now: dt.datetime, week_start: int
) -> Question:
    """Return what *text* asks for, read as a question whatever it is; see `read`."""
    reader = Reader(engine, filter_, text, now, week_start)
    found = reader.read()
    return Question(
        found,
        tuple(_parts(found, reader)),
        tuple(word.text for word in reader.words if word.state == "used"),
        tuple(word.text for word in reader.words if word.state == "ignored"),
        tuple(word.text for word in reader.words if not word.state),
    )


def _parts(found: Filter, reader: Reader) -> Iterable[Part]:
    for name in FACETS:
        title = name.replace("_", " ").capitalize()
        choice = found.choice(name)
        for values, excluded in ((choice.include, False), (choice.exclude, True)):
            if values:
                labels = ", ".join(reader.labels[name, value] for value in values)
                yield Part(title, excluded, "only" if name == "changes" else labels)
    for search in found.q:
        yield Part("Search", excluded=False, label=search)
    if reader.window is not None:
        printed = time_text.printed(found.start, found.end, found.zone, reader.week_start)
        yield Part("Time", excluded=False, label=printed)
