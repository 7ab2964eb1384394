"""The outbox fixtures, for forwarders that are tested with it."""

from tests.trail.notifications.conftest import clock, make, receiver, sending

__all__ = ["clock", "make", "receiver", "sending"]
