"""Integrity of stored events: signed daily seals, verification, and detection of data loss.

See docs/adr/0010-seals.md.
"""
