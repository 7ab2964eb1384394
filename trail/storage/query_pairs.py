"""The names and values of a query string, and which search language its texts are written in.

Query strings that are kept (alert rules, destinations, sign-offs) keep their meaning: `syntax=1`
says that `q` is read as before groups, `OR` and wildcards. Kept ones of those versions do not say
so; later ones say `syntax=2` where the two readings differ.
"""

import re
from urllib.parse import parse_qsl

from trail.storage import earlier_search

SYNTAX = "syntax"
EARLIER, CURRENT = "1", "2"

# People write q=R&D on a command line, where a browser writes q=R%26D.
_AMPERSAND = re.compile(r"(?<=.)&(?=[^=&]+(?:&|$))")


def read(query: str) -> list[tuple[str, str]]:
    """Return the pairs of a query string, with or without `?`."""
    return parse_qsl(_AMPERSAND.sub("%26", query.lstrip("?")), keep_blank_values=True)


def to_keep(query: str) -> str:
    """Return *query* as it is kept, so that `from_kept` returns one of the same meaning."""
    return _marked(query, CURRENT)


def from_kept(query: str) -> str:
    """Return a kept *query* as a query string that means today what it meant."""
    return _marked(query, EARLIER)


def _marked(query: str, syntax: str) -> str:
    """Return *query*; with *syntax* if it depends on that and does not say it."""
    pairs = read(query)
    if any(name == SYNTAX for name, _ in pairs):
        return query
    differs = any(name == "q" and earlier_search.current(text) != text for name, text in pairs)
    return f"{query}&{SYNTAX}={syntax}" if differs else query
