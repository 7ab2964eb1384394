"""Counting a download: only what was sent, and its end is told once however it comes."""

import hashlib
from collections.abc import Iterator

import pytest

from trail.core.download_stats import Tallied, Tally
from trail.web.downloads import count_rows

LINES = [b"name\n", b"one\n", b"two\n", b"three\n"]


def tallied() -> tuple[Tallied, Tally, list[Tally]]:
    tally, ends = Tally(), list[Tally]()
    return Tallied(count_rows(iter(LINES), tally), tally, ends.append), tally, ends


def test_all_sent_bytes_are_counted() -> None:
    stream, tally, ends = tallied()
    sent = b"".join(stream)
    stream.close()
    stream.close()
    assert ends == [tally]
    assert tally.whole
    assert (tally.rows, tally.size) == (3, len(sent))
    assert tally.digest == hashlib.sha256(sent).hexdigest()


@pytest.mark.parametrize("taken", [0, 1, 2, 3])
def test_an_interrupted_download_counts_the_bytes_sent(taken: int) -> None:
    stream, tally, ends = tallied()
    for _ in range(taken):
        next(stream)
    stream.close()
    assert ends == [tally]
    assert not tally.whole
    sent = b"".join(LINES[: max(taken - 1, 0)])  # nobody asked for more, so the last may be lost
    assert tally.size == len(sent)
    assert tally.rows == max(taken - 2, 0)
    assert tally.digest == hashlib.sha256(sent).hexdigest()


def test_the_end_is_reported_even_if_closing_fails() -> None:
    def broken() -> Iterator[bytes]:
        try:
            yield b"one"
        finally:
            raise RuntimeError("gone")

    ends: list[Tally] = []
    stream = Tallied(broken(), Tally(), ends.append)
    next(stream)
    with pytest.raises(RuntimeError):
        stream.close()
    assert len(ends) == 1
