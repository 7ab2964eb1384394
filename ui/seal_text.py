"""How the seals stand, in words: for owners on Admin, and for whoever signs a period."""

import datetime as dt

from trail.seals import known, mirror
from trail.seals import standing as seals
from trail.seals.known import Shortfall
from ui import text
from ui.page import Context

# What a person does about each kind of problem.
_ADVICE = {
    "missing": "Pull these days again, or put a backup of the database in its place. Then verify.",
    "added": "Find out who could write to the database file. Events that no load has brought prove "
    "nothing.",
    "changed": "Find out who could write to the database file. A backup or the archive has the "
    "events as they were.",
    "rolled back": "An older copy of the database was put in its place, or its log was cut. Pull "
    "again what is lost, or put the newest backup in its place.",
    "seal removed": "Seals are gone. Put a backup of the database in its place.",
    "seal changed": "The chain of seals was written anew. Compare it with a copy kept elsewhere: "
    "python -m trail verify --against FILE",
    "seal forged": "Somebody wrote a seal without the key. Compare with a copy kept elsewhere: "
    "python -m trail verify --against FILE",
    "wrong key": "Another key has signed. Put the copy of the key file in its place.",
    "key missing": "Put the copy of the key file beside the database. Without it no day is sealed.",
    "purge forged": "Events were removed, not by retention. Pull these days again, or put a backup "
    "in its place.",
}
_FILE = "The file of the seals was cut or changed. Put a copy of it back, then verify."


def lost(ctx: Context) -> tuple[Shortfall, ...]:
    """Return what the database held once and does not any more, as far as it is not settled."""
    if ctx.runtime.demo:
        return ()
    return known.shortfalls(mirror.files(ctx.runtime.store.path, ctx.runtime.settings).known)


def standing(ctx: Context) -> str:
    """Return in one sentence or two how the seals stand."""
    found = seals.standing(ctx.runtime.store)
    if ctx.runtime.demo:
        return "○ The demo is not sealed."
    if found.sealed_from is None:
        return "○ No day is sealed yet. A day is sealed the day after it ends."
    span = f"{found.sealed_from} to {found.sealed_to} (UTC days)"
    if found.verified_at is None or found.ok is None:
        return f"○ Sealed {span}. Not verified yet."
    ago = text.ago(found.verified_at, dt.datetime.now(dt.UTC))
    checked = f"{text.count(found.checked_days, 'sealed day')} checked {ago}"
    if found.ok:
        return f"✓ Unchanged since {found.sealed_from}. {checked}, sealed {span}."
    return f"▲ {text.count(found.problem_count, 'problem')}. {checked}, sealed {span}."


def advice(problem: str) -> str:
    """Return what to do about a kind of problem."""
    return _FILE if problem.startswith(("mirror", "copy")) else _ADVICE[problem]
