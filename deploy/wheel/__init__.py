"""Audit trail dashboard for Twilio Segment workspaces, as one installed package.

The build puts the folders of the repository (`trail`, `ui`, `pages`, ...) inside this package.
"""
