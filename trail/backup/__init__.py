"""Copies of the whole trail in one file, and the way back from them. See docs/adr/0011."""
