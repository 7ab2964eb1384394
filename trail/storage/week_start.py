"""On which day the weeks of a reader start: as in the settings, else by their locale.

Words such as "last week" are read and printed with it. Names such as `last_week_sun`, which links,
views and schedules store, say it themselves and mean the same for everyone.
"""

import re

from trail.storage.time_expressions import MONDAY, SATURDAY, SUNDAY

_BY_NAME = {"monday": MONDAY, "saturday": SATURDAY, "sunday": SUNDAY}
# Regions in which weeks do not start on Monday, by Unicode CLDR's week data.
_SUNDAY = (
    "AG AS BD BR BS BT BW BZ CA CO DM DO ET GT GU HK HN ID IL IN JM JP KE KH KR LA MH MM MO MT MX "
    "MZ NI NP PA PE PH PK PR PT PY SA SG SV TH TT TW UM US VE VI WS YE ZA ZW"
)
_SATURDAY = "AF BH DJ DZ EG IQ IR JO KW LY OM QA SD SY"
_BY_REGION = dict.fromkeys(_SUNDAY.split(), SUNDAY) | dict.fromkeys(_SATURDAY.split(), SATURDAY)


def week_start(setting: str, locale: str | None) -> int:
    """Return the first day of the week (Monday is 0) by the *setting* `week_start`.

    `auto` is that of the *locale*, such as `en-US`; Monday without a region.
    """
    if setting in _BY_NAME:
        return _BY_NAME[setting]
    region = re.search(r"[-_]([A-Za-z]{2})(?=$|[-_.@])", locale or "")
    return _BY_REGION.get(region[1].upper(), MONDAY) if region else MONDAY
