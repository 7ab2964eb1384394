"""SQL conditions of periods under legal hold, for all packages that need to know what is kept."""


def moment_held(column: str, holds: str = "ended_at is null") -> str:
    """Return the SQL condition that the time in *column* lies in a period on hold.

    *holds* is the condition that selects rows of `holds`.
    """
    return (
        f"exists (select 1 from holds where {holds} and kind = 'period' "
        f"and {column} >= from_at and {column} < to_at)"
    )


def day_held(column: str) -> str:
    """Return the SQL condition that one active hold covers the whole UTC day in *column*."""
    return (
        "exists (select 1 from holds where ended_at is null and kind = 'period' "
        f"and from_at <= {column} and to_at >= {column} + interval 1 day)"
    )
