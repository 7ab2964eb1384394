"""Seals: what each closed UTC day held, signed, chained, and kept outside the database too.

By ideas: `rows` (what is hashed), `chain` (one signed line and its check), `keys` and `mirror`
(the files beside the database), `kept` (the lines in it), `sealing` (days that close, late rows),
`removal` (what a purge leaves behind), `accounts` (batches against rows), `checking` (verify),
`standing` (the badge), `known` and `watching` (is the database shorter than it was), `accepting`
(the way out of an alarm), `standalone` (a script that goes with an export). See
docs/adr/0010-seals.md.
"""
