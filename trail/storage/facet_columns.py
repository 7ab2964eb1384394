"""Facets whose values are derived from a column, as SQL."""

from trail.core.catalogue import NO_CHANGE_KINDS
from trail.storage.filters import NO, YES

# Whether an action changes something, from its kind.
CHANGES = f"if(kind in {NO_CHANGE_KINDS}, '{NO}', '{YES}')"

# The column of a flag, and the value of its facet that events with the flag have.
ON_FLAG = {"verified": ("unverified", NO), "future_dated": ("future_dated", YES)}
