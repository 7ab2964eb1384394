"""The search box's language: words, "quoted words", field:value, and a leading dash for not.

A bare term is looked for in the action, the actor, the target and the raw record, without regard
to case. All terms must hold.
"""

import re
from dataclasses import dataclass

from trail.core.errors import FilterError

# What may stand before the colon, and the SQL (over the star's tables) that it means.
_ACTION = "action_key in (select action_key from actions where {})"
_ACTOR = "actor_key in (select actor_key from actors where {})"
_IDENTITY = "identity_key in (select identity_key from identities where {})"
_TARGET = "target_key in (select target_key from targets where {})"
_LIKE = "{column} ilike {term} escape '!'"


def _any(table: str, *columns: str) -> str:
    return table.format(" or ".join(f"{column} ilike {{term}} escape '!'" for column in columns))


FIELDS: dict[str, str] = {
    "action": _any(_ACTION, "action", "action_raw"),
    "category": _any(_ACTION, "category"),
    "kind": _any(_ACTION, "kind"),
    "outcome": _any(_ACTION, "outcome"),
    "actor": f"({_any(_ACTOR, 'actor_id', 'actor_name', 'actor_email')} or "
    f"{_any(_IDENTITY, 'recorded_actor_id', 'actor_name', 'actor_email')})",
    "actor_type": _any(_ACTOR, "actor_type"),
    "target": _any(_TARGET, "target_id", "target_name"),
    "target_type": "e.target_type ilike {term} escape '!'",
    "id": "e.event_id ilike {term} escape '!'",
    "workspace": "e.workspace_id ilike {term} escape '!'",
    "raw": "e.raw ilike {term} escape '!'",
}
_BARE = "({})".format(" or ".join(FIELDS[name] for name in ("action", "actor", "target", "raw")))

_TERM = re.compile(r'(-?)(?:([a-z_]+):)?("(?:[^"\\]|\\.)*"|\S+)')


@dataclass(frozen=True, slots=True)
class Term:
    """One term: its field (empty for all), its text, and whether it must not hold."""

    field: str
    text: str
    negated: bool = False


def terms(text: str) -> tuple[Term, ...]:
    """Return the terms of a search text. A word before a colon that is no field is plain text."""
    result = []
    for match in _TERM.finditer(text):
        dash, name, word = match.groups()
        if name and name not in FIELDS:
            name, word = "", f"{name}:{word}"
        if word.startswith('"') and word.endswith('"') and len(word) > 1:
            word = re.sub(r"\\(.)", r"\1", word[1:-1])
        if word:
            result.append(Term(name or "", word, bool(dash)))
    return tuple(result)


def clause(text: str, prefix: str, params: dict[str, object]) -> str:
    """Return the SQL of a search text; adds its parameters, named *prefix* and a number.

    Raises `FilterError` when the text is longer than anybody types.
    """
    if len(text) > 1000:
        raise FilterError("The search text is too long.", "Use at most 1,000 characters.")
    parts = []
    for number, term in enumerate(terms(text)):
        name = f"{prefix}_{number}"
        params[name] = f"%{_literal(term.text)}%"
        sql = (FIELDS[term.field] if term.field else _BARE).format(term=f"${name}")
        parts.append(f"not coalesce({sql}, false)" if term.negated else sql)
    return " and ".join(f"({part})" for part in parts) or "true"


def _literal(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
