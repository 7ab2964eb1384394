"""The search box: completes fields and values as one types, and shows errors under the text.

The browser asks `/api/complete` for suggestions; a search or a question comes as a message. What is
typed stays in the browser until then, whatever else the page draws.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from trail.storage import search_syntax
from ui.components import messages


class SearchProblem(TypedDict):
    """A text that cannot be read, in three parts; what is wrong, what to do, and the text meant."""

    before: str
    wrong: str
    after: str
    message: str
    hint: str
    correction: str


class SearchNotice(TypedDict):
    """A question that was turned into filters, and its words that were not understood.

    Or `meant`: the search text with its lowercase operators as operators.
    """

    question: str
    not_understood: Sequence[str]
    meant: str


class SearchMessage(TypedDict, total=False):
    """The text to search for, or to read as a question; `literal` is never a question."""

    search: str
    literal: str


_box = messages.component("trail_search_box", "search_box")


def search_box(
    text: str,
    query: str,
    problem: SearchProblem | None,
    notice: SearchNotice | None,
    answered: tuple[int, str],
    syntax: Sequence[tuple[str, str]],
    key: str,
    on_messages: Callable[[list[SearchMessage]], None],
) -> None:
    """Draw the box with the *text* of the last search, or that of the *problem*.

    *answered* is the number of questions that became filters, and the last one, which leaves the
    box. Suggestions are those for the query string *query*; *syntax* lists examples and meanings.
    """
    data = {
        "text": text,
        "query": query,
        "max": search_syntax.MAX_CHARS,
        "problem": problem,
        "notice": notice,
        "answered": list(answered),
        "syntax": [list(row) for row in syntax],
    }
    messages.draw(_box, key, data, _parse, on_messages)


def _parse(message: Mapping[str, Any]) -> dict[str, Any] | None:
    for name in ("search", "literal"):
        text = message.get(name)
        if isinstance(text, str):
            return {name: text.strip()[: search_syntax.MAX_CHARS]}
    return None
