"""Time zone abbreviations with one meaning: those of RFC 5322, section 4.3, and UTC.

All others are ambiguous: BST is British Summer Time and Bangladesh Standard Time.
"""

import datetime as dt
import re

# Abbreviation -> hours from UTC.
HOURS = {
    "Z": 0,
    "UT": 0,
    "UTC": 0,
    "GMT": 0,
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
}

_ABBREVIATION = re.compile(r"[A-Z]{2,4}T|MSK")


def fixed_zone(name: str) -> dt.timezone | None:
    """Return the offset that *name* stands for, None if it is not an abbreviation with one."""
    hours = HOURS.get(name.upper())
    return None if hours is None else dt.timezone(dt.timedelta(hours=hours))


def is_ambiguous(name: str) -> bool:
    """Return whether *name* looks like an abbreviation of a time zone but has no fixed offset."""
    return fixed_zone(name) is None and bool(_ABBREVIATION.fullmatch(name))
