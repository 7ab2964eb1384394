"""The names of time zones."""

from functools import cache
from zoneinfo import available_timezones


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all zones. Cached, since listing them walks hundreds of files."""
    # Their meaning depends on the machine, or they have none.
    return frozenset(available_timezones() - {"localtime", "Factory"})
