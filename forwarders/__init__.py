"""Forwarders: one kind of destination per file."""
