"""The parts of the page of failures: the table, one incident, two spotlights."""
