"""Assignee, comments and mute of a subject: an incident, a finding, a source, a destination.

A subject is named by its kind and identifier (`incident:3f2a…`). Entries are only added; the latest
assignment and the latest mute count. Times are UTC without a zone.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.storage import ledger
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store
from trail.storage.engine import Engine

Kind = Literal[
    "incident", "finding", "source", "gap", "quarantine", "delivery", "integrity", "retention",
    "settings",
]  # fmt: skip

MAX_COMMENT_CHARS = 2_000
MAX_MUTE = dt.timedelta(days=90)
MAX_COMMENTS = 200  # of a subject: a page draws them all
_ASSIGN, _COMMENT, _MUTE = "assign", "comment", "mute"


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment, and who wrote it when."""

    text: str
    made_by: str
    made_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Triage:
    """The state of one subject: `assignee` is a user name, empty for nobody; comments oldest first.

    `muted_until` is None if it was never muted or the mute was ended; it may be past.
    """

    assignee: str = ""
    muted_until: dt.datetime | None = None
    mute_reason: str = ""
    comments: tuple[Comment, ...] = ()

    def is_muted(self, now: dt.datetime) -> bool:
        """Return whether it is muted at *now*."""
        return self.muted_until is not None and now < self.muted_until


NONE = Triage()


def subject(kind: Kind, identifier: str = "") -> str:
    """Return the name of a subject."""
    return f"{kind}:{identifier}" if identifier else kind


def of(engine: Engine, subjects: Iterable[str], *, comments: bool = True) -> dict[str, Triage]:
    """Return the state of each of *subjects* that has one, without its *comments* if not asked."""
    wanted = list(dict.fromkeys(subjects))
    if not wanted:
        return {}
    rows = engine.table(
        "select subject, action, value, until, made_by, made_at from triage "
        "where list_contains($subjects, subject) and ($comments or action <> $comment) "
        "order by made_at, rowid",
        {"subjects": wanted, "comments": comments, "comment": _COMMENT},
    ).to_pylist()
    by_subject: dict[str, list[dict[str, object]]] = {}
    for row in rows:
        by_subject.setdefault(row["subject"], []).append(row)
    return {name: _state(entries) for name, entries in by_subject.items()}


def muted(engine: Engine, subjects: Iterable[str], now: dt.datetime) -> frozenset[str]:
    """Return those of *subjects* that are muted at *now* (UTC without zone)."""
    states = of(engine, subjects, comments=False)
    return frozenset(name for name, state in states.items() if state.is_muted(now))


def by_identifier(engine: Engine, kind: Kind, identifiers: Iterable[str]) -> dict[str, Triage]:
    """Return by identifier the state of each of these subjects of *kind* that has one."""
    subjects = {subject(kind, identifier): identifier for identifier in identifiers}
    return {subjects[name]: state for name, state in of(engine, subjects).items()}


def assign(store: Store, name: str, assignee: str, made_by: str) -> None:
    """Assign the subject *name* to the user *assignee*, or to nobody if that is empty."""
    _add(store, name, _ASSIGN, assignee, None, made_by)


def comment(store: Store, name: str, text: str, made_by: str) -> None:
    """Add a comment on the subject *name*.

    Raises `InputError` if it is empty or too long, or if there are `MAX_COMMENTS` already.
    """
    text = text.strip()
    if not text:
        raise InputError("The comment is empty.", "Enter a text.")
    if len(text) > MAX_COMMENT_CHARS:
        raise InputError(
            f"The comment is too long: {len(text):,} characters.",
            f"Use at most {MAX_COMMENT_CHARS:,}.",
        )
    if len(of(store, [name]).get(name, NONE).comments) >= MAX_COMMENTS:
        raise InputError(
            f"There are {MAX_COMMENTS} comments already.", "Continue where your team discusses it."
        )
    _add(store, name, _COMMENT, text, None, made_by)


def mute(store: Store, name: str, until: dt.datetime | None, reason: str, made_by: str) -> None:
    """Mute the subject *name* until a time, or end its mute with None.

    Raises `InputError` for a time that is past or further away than `MAX_MUTE`.
    """
    if until is not None and until - utc_now() > MAX_MUTE:
        raise InputError(
            "The end of the mute is too far away.", f"Use at most {MAX_MUTE.days} days."
        )
    if until is not None and until <= utc_now():
        raise InputError("The end of the mute is past.", "Choose a time in the future.")
    _add(store, name, _MUTE, reason.strip()[:MAX_COMMENT_CHARS], until, made_by)


def _add(
    store: Store, name: str, action: str, value: str, until: dt.datetime | None, made_by: str
) -> None:
    def write(cursor: Cursor) -> None:
        with ledger.changing(cursor, "triage", "subject = $subject", {"subject": name}):
            cursor.execute(
                "insert into triage values ($subject, $action, $value, $until, $by, $now)",
                {
                    "subject": name,
                    "action": action,
                    "value": value,
                    "until": until,
                    "by": made_by,
                    "now": utc_now(),
                },
            )

    store.write(write)


def _state(entries: list[dict[str, object]]) -> Triage:
    assignee, muted_until, reason = "", None, ""
    comments: list[Comment] = []
    for entry in entries:
        value, made_at = str(entry["value"] or ""), entry["made_at"]
        assert isinstance(made_at, dt.datetime)
        if entry["action"] == _ASSIGN:
            assignee = value
        elif entry["action"] == _COMMENT:
            comments.append(Comment(value, str(entry["made_by"]), made_at))
        elif entry["action"] == _MUTE:
            until = entry["until"]
            muted_until = until if isinstance(until, dt.datetime) else None
            reason = value if muted_until else ""
    return Triage(assignee, muted_until, reason, tuple(comments))
