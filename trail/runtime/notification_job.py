"""The job that sends notifications: evaluate the alert rules, then deliver what is due.

One job for both, so that an alert is sent in the run that found it.
"""

import datetime as dt
from collections.abc import Callable

from trail.attention.problems import problems
from trail.core.clock import utc_now
from trail.core.settings import Settings
from trail.notifications import evaluate, state_alerts
from trail.notifications.evaluate import Alerts
from trail.notifications.worker import Forwarding
from trail.storage.duckdb import Store

# So that an event is sent within a few seconds of its arrival.
EVERY_S = 1.0
_PRUNE_EVERY = dt.timedelta(days=1)
# A source that fails is reported within two minutes of its poll.
_STATES_EVERY = dt.timedelta(seconds=30)


class NotificationJob:
    """Alert rules and deliveries of the store that *store* returns; *clock* is UTC without zone."""

    def __init__(
        self,
        settings: Settings,
        store: Callable[[], Store],
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._settings = settings
        self.alerts = Alerts(settings, store, clock)
        self.forwarding = Forwarding(settings, store, clock)
        self._store = store
        self._clock = clock
        self._pruned_at: dt.datetime | None = None
        self._states_at: dt.datetime | None = None

    def configure(self, settings: Settings) -> None:
        """Use *settings* from the next run on."""
        self._settings = self.alerts.settings = settings
        self.forwarding.configure(settings)

    def run(self) -> str:
        """Evaluate new events and start the deliveries that are due; return the status text.

        Returns immediately: slow deliveries continue in their own threads.
        """
        alerts_status = self.alerts.run_once()
        now = self._clock()
        if self._states_at is None or abs(now - self._states_at) >= _STATES_EVERY:
            self._report_states(now)
            self._states_at = now
        if self._pruned_at is None or now - self._pruned_at >= _PRUNE_EVERY:
            self._store().write(lambda cursor: evaluate.prune(cursor, now))
            self._pruned_at = now
        return f"{alerts_status}; {self.forwarding.run_once()}"

    def _report_states(self, now: dt.datetime) -> None:
        store = self._store()
        if kinds := state_alerts.kinds_in_use(store):
            moment = now.replace(tzinfo=dt.UTC)
            state_alerts.run(store, problems(store, self._settings, moment, kinds), now)

    def close(self) -> None:
        """Stop; a delivery that does not end within a moment counts as not sent."""
        self.forwarding.close()
