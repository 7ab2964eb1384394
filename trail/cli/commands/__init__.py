"""The commands, one file each: `COMMAND` in `load.py` is `python -m trail load`."""
