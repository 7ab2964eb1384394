"""The cards of the page Connect, one for each way in."""
