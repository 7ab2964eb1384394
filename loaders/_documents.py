"""JSON documents that span lines, or are longer than a line may be: wrappers of any length.

Records are cut out one at a time with their exact text, so that memory stays flat.
"""

from collections.abc import Iterator

import pyarrow as pa

from loaders._streams import Stream
from trail.core.model import Chunk, Reject
from trail.ingest import json_cutter

_CHUNK_BYTES = 256 << 20


def chunks(stream: Stream, rows: int, longest: int) -> Iterator[Chunk]:
    """Yield the records of the documents of *stream*; lines count records from 1."""
    numbers: list[int] = []
    texts: list[str] = []
    rejects: list[Reject] = []
    size = 0
    for number, piece in enumerate(json_cutter.cut(stream.blocks(), longest), 1):
        size += len(piece.raw)
        reason, text = piece.reason, ""
        try:
            text = piece.raw.decode()
        except UnicodeDecodeError:
            reason = "Not UTF-8"
        if reason:
            rejects.append(Reject(number, reason, piece.raw, piece.size))
        else:
            numbers.append(number)
            texts.append(text)
        if len(numbers) >= rows or len(rejects) >= rows or size > _CHUNK_BYTES:
            yield _chunk(numbers, texts, rejects, stream.progress)
            numbers, texts, rejects, size = [], [], [], 0
    yield _chunk(numbers, texts, rejects, 1.0)
    stream.finish()


def _chunk(numbers: list[int], texts: list[str], rejects: list[Reject], progress: float) -> Chunk:
    table = pa.table(
        {"line": pa.array(numbers, pa.int64()), "raw": pa.array(texts, pa.large_string())}
    )
    return Chunk(table, tuple(rejects), progress)
