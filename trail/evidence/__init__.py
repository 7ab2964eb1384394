"""The evidence pack: one ZIP for an auditor, which they can check without this program.

By ideas: `period` (what is chosen, fixed in time, and in words), `manifest` (what is said about
it), `readme` (the page that an auditor reads first), `pack` (the files, streamed and signed).
`trail/seals/standalone.py` is the program in the pack that checks it.
"""
