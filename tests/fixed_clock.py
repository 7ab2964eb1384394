"""Retention and sealing at a date that a test fixes, while events arrive at the present moment.

The two disagree, so an owner confirms the fixed date first, as with the product itself.
"""

import datetime as dt

from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.integrity import acceptance, clock_check, sealing
from trail.retention import policy
from trail.storage.duckdb import Store


def confirm(store: Store, now: dt.datetime) -> None:
    """Confirm *now* as an owner does."""
    clock_check.confirm(store, clock_check.moments(store, now))


def retain(
    store: Store, settings: Settings, now: dt.datetime, made_by: str = "schedule"
) -> policy.Purged:
    """Confirm *now*, then apply the retention policy."""
    confirm(store, now)
    return policy.retain(store, settings, now, made_by)


def seal(store: Store, settings: Settings, now: dt.datetime) -> int:
    """Confirm *now*, then seal what is due."""
    confirm(store, now)
    return sealing.seal(store, settings, now)


def accept(store: Store, settings: Settings, reason: str, made_by: str) -> int:
    """Confirm the present moment, then accept the current state."""
    confirm(store, utc_now())
    return acceptance.accept(store, settings, reason, made_by)
