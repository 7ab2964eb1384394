"""Types and helpers that every other package builds on."""
