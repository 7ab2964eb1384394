"""The commands of `python -m trail`."""
