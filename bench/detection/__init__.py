"""How well unusual changes are found: simulated workspaces, rivals, real histories.

`python -m bench.detection` prints the tables and writes bench/DETECTION.md. The workspaces follow
a description of their own, not the demo's stories. Rules and formulas were tuned on `DEV_SEEDS`
alone; `HELD_OUT_SEEDS` are for the table.
"""

DEV_SEEDS = (1, 2, 3, 4, 6, 7, 8, 9, 21, 22, 23, 24)
HELD_OUT_SEEDS = (11, 12, 13, 14, 15, 16, 17, 18)
BUDGETS = (1.0, 3.0, 5.0)
DAYS = 90
