"""The evidence pack: a ZIP for an auditor, who can verify it without this program.

`trail/integrity/standalone_verifier.py` is the verifier in the pack.
"""
