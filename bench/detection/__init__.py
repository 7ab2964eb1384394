"""Detection quality: simulated workspaces, other methods and real histories.

`python -m bench.detection` prints the tables and writes bench/DETECTION.md. Detectors are tuned on
`DEV_SEEDS` only; `HELD_OUT_SEEDS` are for the published tables.

The simulator shares no world model with `trail.demo`: the demo plants what the detectors are meant
to show, and its habits and resources would decide what counts as unusual here. Both only share the
catalogue of actions.
"""

DEV_SEEDS = (1, 2, 3, 4, 6, 7, 8, 9, 21, 22, 23, 24)
HELD_OUT_SEEDS = (11, 12, 13, 14, 15, 16, 17, 18)
BUDGETS = (1.0, 3.0, 5.0)
DAYS = 90
