"""The views that everybody has and nobody can change, defined by the catalogue.

They narrow the window that the reader is looking at, so their queries contain no range.
"""

from dataclasses import dataclass

from trail.core.catalogue import DESTRUCTIVE_KINDS
from trail.storage.filters import YES, Choice, Filter


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A built-in view: its ID, name, purpose and query string."""

    view_id: str
    name: str
    purpose: str
    query: str


def _query(**choices: Choice) -> str:
    return Filter(choices=choices).query()


BUILT_IN: tuple[BuiltIn, ...] = (
    BuiltIn(
        "destructive",
        "Destructive changes",
        "What was deleted, disabled or disconnected",
        _query(kind=Choice(tuple(sorted(DESTRUCTIVE_KINDS)))),
    ),
    BuiltIn(
        "access",
        "Access changes",
        "Changes to users, groups, roles, invites and tokens",
        _query(
            category=Choice(("Access Management",)),
            changes=Choice((YES,)),
        ),
    ),
    BuiltIn(
        "failures",
        "Failures",
        "Attempts that failed",
        _query(outcome=Choice(("failure",))),
    ),
    BuiltIn(
        "tokens",
        "Tokens",
        "What API tokens did",
        _query(actor_type=Choice(("token",))),
    ),
)
