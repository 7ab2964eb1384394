"""The sections of the page of alerts, one file each."""
