"""The catalogue of audit actions: what each of Segment's event types is called, means and risks.

Separate because Segment publishes no list of types any more and renames those it has: everything
that depends on a spelling is kept here and in ``catalogue.csv``, so that the rest of the program
may compare canonical names. Nothing is refused: a type that the table does not know is classified
by its verb and marked ``known=False``.

The table's names are those of the 66 types that Segment listed in 2022 (``listed``) and of the
types seen since in captures, in the Public API's documentation and in the alerts' documentation.
``category``, ``kind`` and ``risk`` are this project's reading of the names, not Segment's fields.
"""

import csv
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Action:
    """One kind of audit event. ``risk`` is 0 (routine) to 10; ``target_type`` '' if not known."""

    name: str
    category: str
    kind: str
    outcome: str
    risk: int
    target_type: str
    aliases: tuple[str, ...]
    listed: bool
    known: bool


# The eight areas of the 2022 list in the order in which the pages show them, then the later ones.
CATEGORIES: tuple[str, ...] = (
    "Source",
    "Integrations",
    "Protocols",
    "Engage",
    "Access Management",
    "Warehouses",
    "Functions",
    "Destination Filters",
    "Schema",
    "Storage",
    "Profiles Sync",
    "Reverse ETL",
    "Transformations",
    "Workspace",
    "Privacy",
    "Data Graph",
    "Other",
)

# fmt: off
KINDS: tuple[str, ...] = (
    "create", "modify", "delete", "enable", "disable", "connect", "disconnect", "access",
    "failure", "partial", "detect", "enforce", "download", "read", "run", "complete",
)
# fmt: on

OUTCOMES: tuple[str, ...] = ("success", "failure", "unknown")

# Kinds that change no setting and that a page may fold away, and those that take something away.
ROUTINE_KINDS = frozenset({"read", "run", "complete", "enforce", "detect"})
FAILED_KINDS = ("failure", "partial")
DESTRUCTIVE_KINDS = frozenset({"delete", "disable", "disconnect"})
# An event of any other kind is a change.
NO_CHANGE_KINDS = (*sorted(ROUTINE_KINDS), *FAILED_KINDS)

# The levels of a risk, each from the first number to the last one.
RISK_LEVELS = {"high": (7, 10), "medium": (4, 6), "low": (0, 3)}

# The verb of a type that the table does not know; the last verb of the name decides. Verbs that
# only may be routine ("sent", "published") are left out: an unknown type must stay in sight, so
# it falls back to "modify".
VERBS: dict[str, str] = {
    verb: kind
    for kind, verbs in {
        "create": "created added uploaded imported duplicated cloned generated",
        "modify": "modified updated edited changed saved renamed toggled rotated",
        "delete": "deleted removed archived purged revoked",
        "enable": "enabled activated resumed started published launched restored",
        "disable": "disabled deactivated paused stopped suspended unpublished",
        "connect": "connected linked attached",
        "disconnect": "disconnected unlinked detached",
        "access": "invited granted accepted login logout joined",
        "download": "downloaded exported",
        "read": "viewed retrieved listed read",
        "detect": "detected inferred",
        "enforce": "blocked allowed omitted",
        "complete": "completed complete",
    }.items()
    for verb in verbs.split()
}
_GUESSED_RISK = {
    "delete": 6,
    "disable": 6,
    "disconnect": 6,
    "download": 7,
    "create": 4,
    "modify": 3,
    "enable": 3,
    "failure": 1,
}
_ACCESS_RISK = 7
_ACCESS_WORDS = frozenset({"group", "role", "policy", "permission"})

# Nouns that Segment writes now in the plural, now in the singular.
# fmt: off
_PLURALS = frozenset({
    "integrations", "destinations", "warehouses", "filters", "sources", "functions", "plans",
    "audiences", "traits", "spaces", "users", "groups", "roles", "policies", "permissions",
    "invites", "models", "transformations", "labels", "credentials", "subjects", "tokens",
    "events", "violations", "regulations",
})
# fmt: on
_SEPARATORS = re.compile(r"[\s_-]+")  # a warehouse table is called integration_modified
_CACHED_NAME = 200  # characters; longer names are hostile and would only fill the cache


def folded(name: str) -> str:
    """Return the form in which two spellings of one type are equal."""
    words = _SEPARATORS.sub(" ", name.casefold()).strip().split(" ")
    return " ".join(_singular(word) for word in words)


def _singular(word: str) -> str:
    if word not in _PLURALS:
        return word
    return f"{word[:-3]}y" if word.endswith("ies") else word[:-1]


def _read_table() -> tuple[Action, ...]:
    path = Path(__file__).with_name("catalogue.csv")
    with path.open(encoding="utf-8", newline="") as table:
        return tuple(
            Action(
                name=row["name"],
                category=row["category"],
                kind=row["kind"],
                outcome=row["outcome"],
                risk=int(row["risk"]),
                target_type=row["target_type"],
                aliases=tuple(filter(None, row["aliases"].split(";"))),
                listed=row["listed"] == "yes",
                known=True,
            )
            for row in csv.DictReader(table)
        )


ACTIONS: tuple[Action, ...] = _read_table()

# Covers the guesses as well: either changing makes a stored classification out of date.
VERSION: str = hashlib.sha256(
    repr((ACTIONS, VERBS, _GUESSED_RISK, sorted(_ACCESS_WORDS), sorted(_PLURALS))).encode()
).hexdigest()[:12]

_BY_SPELLING: dict[str, Action] = {
    folded(spelling): action for action in ACTIONS for spelling in (*action.aliases, action.name)
}


def risk_level(risk: int) -> str:
    """Return the level of *risk*: high, medium or low."""
    return next(name for name, (least, _) in RISK_LEVELS.items() if risk >= least or not least)


def resolve(action_raw: str) -> Action:
    """Return the action that a producer's spelling means; never raises, whatever the string.

    Case, spacing, singular or plural, and former names do not matter. A type that is not in the
    table comes back in category "Other" with ``known=False`` under the name it came with.
    """
    if len(action_raw) > _CACHED_NAME:
        return _unknown(action_raw)
    return _resolve(action_raw)


@lru_cache(maxsize=4096)
def _resolve(action_raw: str) -> Action:
    return _BY_SPELLING.get(folded(action_raw)) or _unknown(action_raw)


def _unknown(action_raw: str) -> Action:
    words = folded(action_raw).split(" ")
    failed = words[-1] == "failed"
    kind = "failure" if failed else _kind_of(words)
    concerns_access = not failed and not _ACCESS_WORDS.isdisjoint(words)
    return Action(
        name=action_raw.strip() or "(no type)",
        category="Other",
        kind=kind,
        outcome="failure" if failed else "unknown",
        risk=_ACCESS_RISK if concerns_access else _GUESSED_RISK.get(kind, 2),
        target_type="",
        aliases=(),
        listed=False,
        known=False,
    )


def _kind_of(words: list[str]) -> str:
    for word in reversed(words):
        if word in VERBS:
            return VERBS[word]
    return "modify"
