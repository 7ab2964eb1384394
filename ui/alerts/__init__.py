"""The tabs of the Alerts page, one file each."""
