"""Rules: which events, findings, incidents or silences become messages, and how many of them."""
