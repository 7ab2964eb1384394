"""On which day the weeks of the viewer start: as in the settings, else by the browser's locale."""

import re

import streamlit as st

from trail.runtime import process
from trail.storage.time_expressions import MONDAY, SATURDAY, SUNDAY

_BY_NAME = {"monday": MONDAY, "saturday": SATURDAY, "sunday": SUNDAY}
# Regions in which weeks do not start on Monday, by Unicode CLDR's week data.
_SUNDAY = (
    "AG AS BD BR BS BT BW BZ CA CO DM DO ET GT GU HK HN ID IL IN JM JP KE KH KR LA MH MM MO MT MX "
    "MZ NI NP PA PE PH PK PR PT PY SA SG SV TH TT TW UM US VE VI WS YE ZA ZW"
)
_SATURDAY = "AF BH DJ DZ EG IQ IR JO KW LY OM QA SD SY"


def week_start() -> int:
    """Return the first day of the viewer's week; Monday is 0."""
    setting = process.current().settings.week_start
    return _BY_NAME.get(setting) or (of_locale(st.context.locale) if setting == "auto" else MONDAY)


def of_locale(locale: str | None) -> int:
    """Return the first day of the week of a locale such as `en-US`; Monday without a region."""
    region = re.search(r"[-_]([A-Za-z]{2})(?=$|[-_.@])", locale or "")
    name = region[1].upper() if region else ""
    starts = ((_SUNDAY.split(), SUNDAY), (_SATURDAY.split(), SATURDAY))
    return next((day for regions, day in starts if name in regions), MONDAY)
