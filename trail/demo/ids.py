"""Identifiers in Segment's formats, drawn for many events at once.

A KSUID is 4 bytes of seconds since 2014 and 16 random bytes, written in base 62 as 27 characters.
Here the first six characters carry the exact time and the other 21 are random.
"""

import numpy as np
from numpy.typing import NDArray

KSUID_EPOCH = 1_400_000_000
_ALPHABET = np.frombuffer(
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", dtype=np.uint8
)
KSUID_LENGTH, _HEAD = 27, 6
# How many values of the six leading characters one second spans: 2**128 / 62**21.
_PER_SECOND = 2.0**128 / 62.0**21


def ksuids(rng: np.random.Generator, seconds: NDArray[np.float64]) -> list[str]:
    """Return one KSUID of 27 characters for each Unix time in *seconds*."""
    count = len(seconds)
    digits = np.empty((count, KSUID_LENGTH), dtype=np.uint8)
    digits[:, _HEAD:] = rng.integers(0, 62, (count, KSUID_LENGTH - _HEAD), dtype=np.uint8)
    # Keep clear of both edges of the second, so that the random tail cannot carry into the next.
    within = 0.15 + 0.7 * rng.random(count)
    head = ((np.floor(seconds) - KSUID_EPOCH + within) * _PER_SECOND).astype(np.int64)
    for place in range(_HEAD - 1, -1, -1):
        head, digits[:, place] = np.divmod(head, 62)
    text = _ALPHABET[digits].tobytes().decode("ascii")
    return [text[at : at + KSUID_LENGTH] for at in range(0, count * KSUID_LENGTH, KSUID_LENGTH)]


def sibling(ksuid: str) -> str:
    """Return another KSUID of the same second, for the thing that the event created."""
    return ksuid[:_HEAD] + ksuid[: _HEAD - 1 : -1]


def object_id(ksuid: str, seconds: int) -> str:
    """Return 24 hexadecimal characters that begin with the time, as an integration's id does."""
    return f"{seconds:08x}{ksuid[10:18].encode('ascii').hex()}"
