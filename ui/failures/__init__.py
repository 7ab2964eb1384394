"""Parts of the Failures page: the incident table, one incident, and the spotlights."""
