"""Failed attempts as incidents: how they are grouped, classed, put into words, and kept."""
