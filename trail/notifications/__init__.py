"""Alert rules, destinations, the outbox and its transports."""
