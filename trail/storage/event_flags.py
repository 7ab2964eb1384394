"""The two flags of an event: `unverified` and `future_dated`.

Such events are shown, marked and counted. Whatever draws conclusions (detectors, incidents, alerts)
reads the view `trusted_events`, which has neither; `TRUSTED` is the same condition on the cube.
"""

import datetime as dt

# A clock may be a little ahead of this one; what is later than that is dated in the future.
AHEAD = dt.timedelta(minutes=10)

TRUSTED = "not unverified and not future_dated"
