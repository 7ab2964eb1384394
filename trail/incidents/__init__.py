"""Incidents: failed attempts grouped, classified, described and stored."""
