"""The sections of the Admin page, one file each."""
