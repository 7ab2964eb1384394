"""The actor of an event: from the text of a record to an actor id and a type.

Segment writes the actor in several forms (`users/abc`, a bare user id, a token, `__system__`), and
which field carries it differs by source. Ingest picks the field and marks it with one letter; only
this module interprets the text.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

SYSTEM_ID = "system"
SYSTEM_NAME = "Segment"
UNKNOWN_ID = "unknown"
# What people read for each type.
TYPE_NAMES = {"user": "Person", "token": "Token", "system": "System", "unknown": "Unknown"}

_SYSTEM_WORDS = frozenset({"__system__", "system", "segment"})
_PREFIXED = re.compile(r"^(users?|tokens?)/(.+)$", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Actor:
    """An actor as stored: `actor_id`, `actor_type` (user, token, system, unknown), a name."""

    actor_id: str
    actor_type: str
    name: str = ""


@lru_cache(maxsize=65_536)
def resolve(marked: str) -> Actor:
    """Return the actor that *marked* names: one letter for the field, a colon, its text.

    `s:` details.subject, `i:TYPE:` details.subject_id with its type, `u:` the call's userId,
    `a:` the API's actor, `e:` the API's actor when an e-mail came with it. Never raises; text of
    an unknown form is kept as it is, with type `unknown`.
    """
    field, _, text = marked.partition(":")
    if field == "i":
        subject_type, _, text = text.partition(":")
        kind = {"user": "user", "token": "token"}.get(subject_type.strip().lower(), "unknown")
        return _typed(text, kind)
    return _typed(text, "user" if field in ("u", "e") else "unknown")


def type_of(actor_id: str) -> str:
    """Return the type of the actor with that id."""
    return _typed(actor_id, "unknown").actor_type


def _typed(text: str, kind_of_bare: str) -> Actor:
    text = text.strip()
    if not text:
        return Actor(UNKNOWN_ID, "unknown")
    if text.lower() in _SYSTEM_WORDS:
        return Actor(SYSTEM_ID, "system", SYSTEM_NAME)
    prefixed = _PREFIXED.match(text)
    if prefixed:
        kind = prefixed[1].lower().rstrip("s")
        return Actor(f"{kind}s/{prefixed[2]}", kind)
    if kind_of_bare in ("user", "token"):
        return Actor(f"{kind_of_bare}s/{text}", kind_of_bare)
    return Actor(text, "unknown")
