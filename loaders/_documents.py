"""JSON documents that span lines, or are longer than a line may be: wrappers of any length.

Records are cut out one at a time with their exact text, so that memory stays flat.
"""

from collections.abc import Iterator

import pyarrow as pa

from loaders._streams import Stream
from trail.core.limits import Limits
from trail.core.model import Chunk, Reject
from trail.ingest import json_cutter
from trail.ingest.json_records import Record, extract_records

_CHUNK_BYTES = 256 << 20


def chunks(stream: Stream, rows: int, limits: Limits) -> Iterator[Chunk]:
    """Yield the records of the documents of *stream*; lines count records from 1."""
    numbers: list[int] = []
    texts: list[str] = []
    rejects: list[Reject] = []
    size = 0
    for number, piece in enumerate(json_cutter.cut(stream.blocks(), limits.line_bytes), 1):
        size += len(piece.raw)
        if piece.reason:
            rejects.append(Reject(number, piece.reason, piece.raw, piece.size))
        else:
            good, bad = decoded(number, piece.raw, limits)
            numbers.extend([number] * len(good))
            texts.extend(good)
            rejects.extend(bad)
        if len(numbers) >= rows or len(rejects) >= rows or size > _CHUNK_BYTES:
            yield _chunk(numbers, texts, rejects, stream.progress)
            numbers, texts, rejects, size = [], [], [], 0
    yield _chunk(numbers, texts, rejects, 1.0)
    stream.finish()


def decoded(line: int, text: bytes, limits: Limits) -> tuple[list[str], list[Reject]]:
    """Return *text* as one string; if it is not UTF-8, the records inside it that are, and others.

    A wrapper of many records may have one broken name.
    """
    fault = json_cutter.utf8_fault(text)
    if not fault:
        return [text.decode()], []
    items = list(extract_records(text, limits))
    if len(items) == 1:
        return [], [Reject(line, fault, text)]
    good = [item.raw for item in items if isinstance(item, Record)]
    bad = [
        Reject(line, item.reason, item.raw, item.size)
        for item in items
        if not isinstance(item, Record)
    ]
    return good, bad


def _chunk(numbers: list[int], texts: list[str], rejects: list[Reject], progress: float) -> Chunk:
    table = pa.table(
        {"line": pa.array(numbers, pa.int64()), "raw": pa.array(texts, pa.large_string())}
    )
    return Chunk(table, tuple(rejects), progress)
