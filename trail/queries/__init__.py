"""Every SELECT of the product, by what it answers: counts, events, the overview, the store."""
