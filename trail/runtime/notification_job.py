"""The one job of the schedule that sends: rules look first, then the outbox goes its round.

Separate so that the schedule starts and stops one thing, and so that an alert leaves in the very
round that found it.
"""

import datetime as dt
from collections.abc import Callable

from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.notifications import evaluate
from trail.notifications.evaluate import Alerts
from trail.notifications.worker import Forwarding
from trail.storage.database import Store

# The interval of the schedule: an event is sent within a few seconds of its arrival.
EVERY_S = 1.0
_PRUNE = dt.timedelta(days=1)


class Outgoing:
    """Rules and outbox of the store that *store* gives; *clock* gives UTC without zone."""

    def __init__(
        self,
        settings: Settings,
        store: Callable[[], Store],
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self.alerts = Alerts(settings, store, clock)
        self.forwarding = Forwarding(settings, store, clock)
        self._store = store
        self._clock = clock
        self._pruned: dt.datetime | None = None

    def run(self) -> str:
        """Evaluate new events and start the deliveries that are due; return the status text.

        Returns immediately: slow deliveries continue in their own threads.
        """
        message = self.alerts.run_once()
        now = self._clock()
        if self._pruned is None or now - self._pruned >= _PRUNE:
            self._store().write(lambda cursor: evaluate.prune(cursor, now))
            self._pruned = now
        return f"{message}; {self.forwarding.run_once()}"

    def close(self) -> None:
        """Stop; what is under way is given a moment, and else counts as not sent."""
        self.forwarding.close()
