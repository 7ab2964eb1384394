"""Read as much of a query string as can be read, and say what cannot.

For pages: a link with a mistake, or with the parameters of a mail program, still shows the page.
Commands and routes use `Filter.parse`, where a mistake is an error.
"""

from dataclasses import dataclass

from trail.core.errors import FilterError
from trail.storage.filters import FACETS, Filter
from trail.storage.query_pairs import SYNTAX

# Read first, in this order: a time depends on the zone, a range on both of its ends, and a search
# on its syntax.
_FIRST = (SYNTAX, "tz", "from", "to")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A parameter that was left out, and the reason; empty if its name is unknown."""

    name: str
    reason: str = ""


def read(pairs: list[tuple[str, str]]) -> tuple[Filter, tuple[Unreadable, ...]]:
    """Return the filter of *pairs* without those that cannot be read, and these.

    All values of a name are left out together: half of a choice would show other events. Over the
    limits of a filter, the names read last are left out.
    """
    known = {*FACETS, *_FIRST, "q", "sort"}
    names = list(dict.fromkeys(name for name, _ in pairs))
    left_out = [Unreadable(name) for name in names if name not in known]
    usable = [pair for pair in pairs if pair[0] in known]
    try:
        return Filter.parse(usable), tuple(left_out)
    except FilterError:
        pass
    read_pairs: list[tuple[str, str]] = []
    for name in sorted((name for name in names if name in known), key=_place):
        more = [pair for pair in usable if pair[0] == name]
        try:
            Filter.parse([*read_pairs, *more])
        except FilterError as error:
            left_out.append(Unreadable(name, str(error)))
        else:
            read_pairs += more
    return Filter.parse(read_pairs), tuple(left_out)


def _place(name: str) -> int:
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)
