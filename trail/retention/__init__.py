"""Retention policy, purge, legal holds and the archive."""
