"""The search box's language: words, "quoted words", field:value, and a leading dash for not.

A bare term is searched for in the values that people see, not in the keys and the envelope of a
record. Comparison ignores case and Unicode form. All terms must hold.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from trail.core.errors import FilterError
from trail.storage import record_text

MAX_TERMS = 32  # of all search texts of a filter
MAX_CHARS = 1_000  # of each

HELP = (
    "Words match the action, the actor (ID, name, email), the target (type, ID, name), the "
    "workspace and the values in an event's details, regardless of case. All words must match. "
    'Quote phrases: "Snowflake prod"; write \\" for a quote. Start a word with - to exclude it. '
    "Search one field with action:, category:, kind:, outcome:, actor:, actor_type:, target:, "
    "target_type:, id: or workspace:, and the record as received with raw:."
)


_KEYS = {
    "actions": "action_key",
    "actors": "actor_key",
    "identities": "identity_key",
    "targets": "target_key",
}


def _contains(text: str) -> str:
    return f"contains({record_text.fold(text)}, {record_text.fold('{term}')})"


def _any(table: str, *columns: str) -> str:
    """Return the condition on the star's key of *table* that one of *columns* has the term."""
    key = _KEYS[table]
    return f"{key} in (select {key} from {table} where {' or '.join(map(_contains, columns))})"


# What may stand before the colon, and the SQL (over the star's tables) that it means.
FIELDS: dict[str, str] = {
    "action": _any("actions", "action", "action_raw"),
    "category": _any("actions", "category"),
    "kind": _any("actions", "kind"),
    "outcome": _any("actions", "outcome"),
    "actor": f"({_any('actors', 'actor_id', 'actor_name', 'actor_email')} or "
    f"{_any('identities', 'recorded_actor_id', 'actor_name', 'actor_email')})",
    "actor_type": _any("actors", "actor_type"),
    "target": _any("targets", "target_id", "target_name"),
    "target_type": _contains("e.target_type"),
    "id": _contains("e.event_id"),
    "workspace": _contains("e.workspace_id"),
    "raw": "contains(lower(e.raw), lower({term}))",
}
_NAMES = " or ".join(
    (
        FIELDS["action"],
        FIELDS["actor"],
        _any("targets", "target_type", "target_id", "target_name"),
        FIELDS["workspace"],
    )
)
# Decoding is slow, so it comes last.
_BARE = (
    f"case when {_NAMES} then true when {record_text.may_contain('e.raw', '{term}')} "
    f"then {_contains(record_text.values('e.raw'))} else false end"
)

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


def check(texts: Iterable[str]) -> None:
    """Raise `FilterError` if the search *texts* of a filter are longer than the limits."""
    count = 0
    for text in texts:
        if len(text) > MAX_CHARS:
            raise FilterError(
                f"The search text is too long: {len(text):,} characters.",
                f"Use at most {MAX_CHARS:,}.",
            )
        count += len(terms(text))
    if count > MAX_TERMS:
        raise FilterError(f"The search has too many words: {count:,}.", f"Use at most {MAX_TERMS}.")


def clause(text: str, prefix: str, params: dict[str, object]) -> str:
    """Return the SQL of a search text; adds its parameters, named *prefix* and a number."""
    parts = []
    for number, term in enumerate(terms(text)):
        name = f"{prefix}_{number}"
        # Arguments of a command may contain bytes that are not text.
        params[name] = term.text.encode(errors="replace").decode()
        sql = (FIELDS[term.field] if term.field else _BARE).replace("{term}", f"${name}")
        parts.append(f"not coalesce({sql}, false)" if term.negated else sql)
    return " and ".join(f"({part})" for part in parts) or "true"
