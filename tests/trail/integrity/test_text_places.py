"""The digest of texts is that of the plain description, whatever the layout in memory."""

import hashlib
import random

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from trail.integrity.text_places import places

TEXTS = st.lists(st.text(max_size=30), max_size=30)


def plain(texts: list[str]) -> bytes:
    data = [text.encode() for text in texts]
    content = hashlib.sha256(b"".join(text + b"\n" for text in data))
    lengths = hashlib.sha256(b"".join(len(text).to_bytes(8, "little") for text in data))
    return hashlib.sha256(content.digest() + lengths.digest()).digest()


def views_of_lines(texts: list[str]) -> pa.Array:
    """Return views into one buffer in which the texts stand on lines, as the reader makes them."""
    data = "\n".join(texts).encode()
    fields, at = [], 0
    for text in texts:
        raw = text.encode()
        if len(raw) <= 12:
            fields.append(len(raw).to_bytes(4, "little") + raw.ljust(12, b"\0"))
        else:
            numbers = (0).to_bytes(4, "little") + at.to_bytes(4, "little")
            fields.append(len(raw).to_bytes(4, "little") + raw[:4] + numbers)
        at += len(raw) + 1
    buffers = [None, pa.py_buffer(b"".join(fields)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string_view(), len(texts), buffers)


@given(TEXTS, TEXTS, st.integers(0, 30), st.randoms())
def test_digest_of_any_layout_and_order(
    one: list[str], two: list[str], cut: int, dice: random.Random
) -> None:
    texts = one + two
    order = list(range(len(texts)))
    dice.shuffle(order)
    layouts = [
        places([pa.chunked_array([pa.array(one, kind), pa.array(two, kind)])])
        for kind in (pa.string(), pa.large_string(), pa.string_view())
    ]
    with_newlines = pa.chunked_array([pa.array([f"{text}\n" for text in texts], pa.string())])
    layouts.append(places([with_newlines], lines=True))
    sliced = pa.array(["before", *texts, "after"], pa.string_view()).slice(1, len(texts))
    layouts.append(places([pa.chunked_array([sliced])]))
    layouts.append(places([pa.chunked_array([views_of_lines(one), views_of_lines(two)])]))
    for found in layouts:
        shuffled = found.taken(np.array(order, np.int64))
        assert found.digest(0, len(texts)) == plain(texts)
        assert found.digest(cut, len(texts)) == plain(texts[cut:])
        assert shuffled.digest(0, len(texts)) == plain([texts[at] for at in order])
