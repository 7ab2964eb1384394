"""The names of time zones."""

from functools import cache
from zoneinfo import available_timezones


@cache
def zone_names() -> frozenset[str]:
    """Return every zone's name. Kept, since looking walks a folder of hundreds of files."""
    # These mean something else on every machine, and nothing.
    return frozenset(available_timezones() - {"localtime", "Factory"})
