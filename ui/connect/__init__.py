"""The cards of the Connect page, one for each ingestion method."""
