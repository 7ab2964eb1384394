"""What needs attention, most urgent first, for the Overview, the API, digests and alerts."""
