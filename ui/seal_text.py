"""The status of the seals in words, and the remedy for each kind of problem."""

import datetime as dt

from trail.core import time_labels
from trail.integrity import high_water_mark, mirror, seal_status
from trail.integrity.high_water_mark import Shortfall
from ui import text
from ui.page import Context

_BACKUP = "restore a backup of the database"
_COMPARE = "Compare with a copy of the seals: python -m trail verify --against FILE"
_REMEDIES = {
    "missing": f"Pull these days again or {_BACKUP}. Then verify.",
    "added": "Find out who has write access to the database file. Events that do not belong to a "
    "load prove nothing.",
    "changed": "Find out who has write access to the database file. The original events are in "
    "backups and in the archive.",
    "rolled back": "The database was replaced with an older copy, or its log was truncated. Pull "
    "the lost events again or restore the newest backup.",
    "seal removed": f"To recover the missing seals, {_BACKUP}.",
    "seal changed": f"The chain of seals was rewritten. {_COMPARE}",
    "seal forged": f"A seal was written without the key. {_COMPARE}",
    "wrong key": "The seals were signed with another key. Restore the key file from its copy.",
    "key missing": "Restore the key file from its copy. Without it, no day is sealed.",
    "archive unreachable": "Find out why: python -m trail doctor. Then verify again.",
    "purge forged": f"Events were removed outside retention. Pull these days again or {_BACKUP}.",
}
_LEDGER_REMEDY = (
    "A ledger of decisions, settings or commits was changed outside this product. Compare with a "
    "backup of the database, and find out who has write access to the database file."
)
_SHOWN_REMEDY = (
    "What pages show does not follow from the records. Find out who has write access to the "
    "database file, and compare with a backup."
)
_ARCHIVE_REMEDY = (
    "Restore the file from a copy of the archive. Until then, what the archive shows of that day "
    "proves nothing."
)
_FILE_REMEDY = "The seal file was truncated or changed. Restore it from a copy, then verify."


def lost(ctx: Context) -> tuple[Shortfall, ...]:
    """Return the unresolved losses of events that the database had before."""
    if ctx.runtime.demo:
        return ()
    return high_water_mark.shortfalls(
        mirror.files(ctx.runtime.store.path, ctx.runtime.settings).known
    )


def status(ctx: Context) -> str:
    """Return the status of the seals in one or two sentences."""
    seals = seal_status.status(ctx.runtime.store)
    if seals.sealed_from is None or seals.sealed_to is None:
        return "○ No sealed days yet. A day is sealed on the following day."
    first, last = (time_labels.full_day(day) for day in (seals.sealed_from, seals.sealed_to))
    span = f"{first} to {last} (UTC days)"
    if seals.verified_at is None or seals.ok is None:
        return f"○ Sealed {span}. Not verified yet."
    ago = text.ago(seals.verified_at, dt.datetime.now(dt.UTC))
    checked = f"{text.count(seals.checked_days, 'sealed day')} verified {ago}, sealed {span}."
    if seals.ok:
        return f"✓ Unchanged. {checked}"
    return f"▲ {text.count(seals.problem_count, 'problem')}. {checked}"


def remedy(problem: str) -> str:
    """Return what to do about a kind of problem."""
    if problem.startswith(("mirror", "copy")):
        return _FILE_REMEDY
    if problem.startswith("archive") and problem not in _REMEDIES:
        return _ARCHIVE_REMEDY
    if problem.startswith("ledger"):
        return _LEDGER_REMEDY
    return _REMEDIES.get(problem, _SHOWN_REMEDY)
