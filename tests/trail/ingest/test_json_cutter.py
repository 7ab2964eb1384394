"""Broken records cost only themselves, in each text that carries several."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trail.core.limits import Limits
from trail.ingest.json_cutter import Piece, cut
from trail.ingest.json_records import Record, extract_records

LONGEST = 100_000


def record(number: int) -> bytes:
    value = {
        "id": f"e{number}",
        "timestamp": "2026-01-01T00:00:00Z",
        "type": "Source Created",
        "details": {"x": {"y": [1, {"z": 2}]}, "n": "t"},
        "actor": "users/a",
    }
    return json.dumps(value, separators=(",", ":")).encode()


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "half a pair": lambda text: text.replace(b'"t"', b'"\\ud83d"'),
    "no number": lambda text: text.replace(b'"t"', b"NaN"),
    "not UTF-8": lambda text: text.replace(b'"t"', b'"\xff"'),
    "line feed in a string": lambda text: text.replace(b'"t"', b'"a\nb"'),
    "other quotes": lambda text: text.replace(b'"t"', b"'t'"),
    "no closing quote": lambda text: text.replace(b'"t"', b'"t'),
    "no opening quote": lambda text: text.replace(b'"actor"', b'actor"'),
    "no opening brace": lambda text: text.replace(b'{"z"', b'"z"'),
    "no closing bracket": lambda text: text.replace(b"]", b""),
    "no closing brace": lambda text: text[:-1],
    "a brace too many": lambda text: text + b"}",
    "a comma too many": lambda text: text[:-1] + b",}",
    "cut": lambda text: text[:40],
    "cut inside": lambda text: text[:-30],
    "a number": lambda text: b"7",
    "nothing": lambda text: b"{}",
    "a brace": lambda text: b"{",
}
ENVELOPES: dict[str, Callable[[list[bytes]], bytes]] = {
    "array": lambda texts: b"[" + b",".join(texts) + b"]",
    "array over lines": lambda texts: b"[\r\n " + b",\r\n ".join(texts) + b"\r\n]\r\n",
    "page": lambda texts: (
        b'{"data":{"events":[' + b",".join(texts) + b'],"pagination":{"next":"x"}}}'
    ),
    "batch": lambda texts: (
        b'{"writeKey":"k","batch":[' + b", ".join(texts) + b'],"context":{"a":[{}]}}'
    ),
    "concatenated": b"".join,
    "lines": b"\n".join,
    "sequence": lambda texts: b"".join(b"\x1e" + text + b"\n" for text in texts),
}
BATCHES = st.lists(st.none() | st.sampled_from(sorted(DAMAGE)), min_size=1, max_size=9)


def texts_of(batch: list[str | None]) -> tuple[list[bytes], set[bytes]]:
    """Return the records of a batch, some of them damaged, and those that are good."""
    good = [record(number) for number in range(len(batch))]
    texts = [DAMAGE[name](text) if name else text for name, text in zip(batch, good, strict=True)]
    return texts, {text for text, name in zip(good, batch, strict=True) if not name}


def pieces(data: bytes, step: int) -> list[Piece]:
    return list(cut((data[at : at + step] for at in range(0, len(data), step)), LONGEST))


@pytest.mark.parametrize("envelope", ENVELOPES)
@given(BATCHES, st.sampled_from([7, 64, 1 << 20]))
def test_every_valid_record_is_kept(envelope: str, batch: list[str | None], step: int) -> None:
    texts, good = texts_of(batch)
    kept = set()
    for piece in pieces(ENVELOPES[envelope](texts), step):
        if not piece.reason:
            kept |= {
                item.raw.encode()
                for item in extract_records(piece.raw, Limits())
                if isinstance(item, Record)
            }
    assert {item for item in kept if b'"id"' in item} == good


@pytest.mark.parametrize("envelope", ["array", "page", "batch"])
@given(BATCHES)
def test_every_valid_record_of_a_line_is_kept(envelope: str, batch: list[str | None]) -> None:
    texts, good = texts_of(batch)
    kept = {
        item.raw.encode()
        for item in extract_records(ENVELOPES[envelope](texts), Limits())
        if isinstance(item, Record)
    }
    assert {item for item in kept if b'"id"' in item} == good


@given(st.binary(max_size=300) | st.text(' ,:{}[]"\\\n\x1eae1', max_size=60).map(str.encode))
def test_any_bytes_are_read_to_the_end_without_an_error(data: bytes) -> None:
    result = pieces(data, 5)
    assert sum(len(piece.raw) for piece in result) <= len(data)


def test_a_record_over_the_limit_keeps_its_beginning_and_the_others() -> None:
    long = b'{"x":"' + b"y" * 5 * LONGEST + b'"}'
    for texts in ([record(1), long, record(2)], [record(1), long[:-2] + b"\n", record(2)]):
        data = b"[" + b",".join(texts) + b"]"
        result = pieces(data, 4_096)
        assert [piece.raw for piece in result if not piece.reason] == [record(1), record(2)]
        (refused,) = (piece for piece in result if piece.reason)
        assert refused.reason == "Longer than 100,000 bytes"
        assert refused.raw == long[:LONGEST]
        assert abs(refused.size - len(long)) <= 2
