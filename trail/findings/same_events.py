"""Reasons that are about the same events are one.

The burst of all changes of a day and that of one verb are the same if there were no others.
"""

from collections.abc import Sequence
from typing import Any

from trail.core import catalogue
from trail.findings import amounts

Record = dict[str, Any]


def merged(reasons: Sequence[Record]) -> list[Record]:
    """Return *reasons*, as stored, with bursts of the same events as one.

    It has the sentences of the narrower one, the points of both, and the place of the first.
    """
    bursts = [reason for reason in reasons if reason["detector"] == "burst"]
    whole = next((burst for burst in bursts if burst["facts"]["verb"] == "all"), None)
    narrow = [burst for burst in bursts if burst is not whole]
    same = next((burst for burst in narrow if whole and _events(burst) == _events(whole)), None)
    if whole is None or same is None:
        return list(reasons)
    one = {**same, "points": same["points"] + whole["points"]}
    first = min(reasons.index(whole), reasons.index(same))
    rest = [reason for reason in reasons if reason is not whole and reason is not same]
    return [*rest[:first], one, *rest[first:]]


def _events(burst: Record) -> dict[str, int]:
    """Return the number of events of each action that changed something."""
    return {
        seen["action"]: seen["n"]
        for seen in burst["facts"]["seen"]
        if catalogue.resolve(seen["action"]).kind not in amounts.PASSIVE
    }
