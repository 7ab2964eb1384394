"""The tables of the store, and the steps from one version of them to the next.

A database carries its version; opening it runs the steps it lacks, each in one transaction. A step
is one numbered file of SQL in `migrations/`; a step that has been released is never changed. The
layout is a star: `events` holds small keys into `actions`, `actors` and `targets`, so that a facet
counts integers and a new reading of an action's name changes one row, not millions. No primary
key, index or enum: see docs/adr/0002.
"""

from pathlib import Path

from trail.core.errors import InputError

# Rows that DuckDB keeps in one row group; inserts of whole multiples skip the write-ahead log.
ROW_GROUP = 122_880

_FOLDER = Path(__file__).parent / "migrations"


def _steps() -> tuple[str, ...]:
    files = sorted(_FOLDER.glob("*.sql"))
    numbers = [int(file.name.partition("_")[0]) for file in files]
    if numbers != list(range(1, len(files) + 1)):
        raise LookupError("migrations/ must be numbered from 001 without a gap")
    return tuple(file.read_text(encoding="utf-8") for file in files)


# One entry per version: the SQL that upgrades a database from the version before.
STEPS: tuple[str, ...] = _steps()

NEWEST = len(STEPS)


def pending(version: int) -> tuple[tuple[int, str], ...]:
    """Return the steps that a database of *version* lacks, as (version after it, SQL).

    Raises `InputError` for a database written by a newer release.
    """
    if version > NEWEST:
        raise InputError(
            f"The database has version {version}; this release supports versions up to {NEWEST}.",
            "Start the newer release again, or restore an older copy.",
        )
    return tuple((number + 1, STEPS[number]) for number in range(version, NEWEST))
