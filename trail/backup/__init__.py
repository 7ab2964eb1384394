"""Back up the whole trail into one file, and restore it. See docs/adr/0011."""
