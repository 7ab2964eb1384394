"""The evidence pack: a ZIP for an auditor, who can verify it without this program.

`trail/seals/standalone.py` is the verifier in the pack.
"""
