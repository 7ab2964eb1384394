"""The two flags of an event: `unverified` and `future_dated`.

Such events are shown, marked and counted. Whatever draws conclusions (detectors, incidents, alerts)
reads the view `trusted_events`, which has neither; `TRUSTED` is the same condition on the cube.
"""

import datetime as dt

# A clock may be a little ahead of this one; what is later than that is dated in the future.
AHEAD = dt.timedelta(minutes=10)

# The condition on `occurred_at` and `ingested_at` that sets the flag.
FUTURE_DATED = f"occurred_at > ingested_at + interval {int(AHEAD.total_seconds())} second"

TRUSTED = "not unverified and not future_dated"
