"""The cards of the Account page, one file each."""
