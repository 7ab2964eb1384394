"""The tabs of the Admin page, one file each."""
