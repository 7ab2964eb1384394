"""The pages, one file each: what the user sees, top to bottom. No SQL."""
