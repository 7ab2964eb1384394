"""JSON files as they come: lines and documents, packed or not, whole or cut short."""

import itertools
import json
import random
from pathlib import Path

import pytest
import zstandard

from loaders import _streams, json_lines
from loaders._streams import BLOCK, SAMPLE
from tests.conftest import Load, quarantine, rows
from tests.segment_records import (
    api_event,
    api_page,
    forwarded,
    gz,
    line,
    message_id,
    ndjson,
    saved_request,
)
from trail.core.limits import Limits
from trail.core.model import Chunk, Source
from trail.core.settings import Settings
from trail.storage.duckdb import Store

EVENTS = [forwarded(n) for n in range(20)]
LINES = ndjson(EVENTS)
CUT = "The compressed file is damaged or cut short."


def zst(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def read(tmp_path: Path, data: bytes, settings: Settings) -> list[Chunk]:
    path = tmp_path / "given"
    path.write_bytes(data)
    return list(json_lines.read(Source(path), settings))


def texts(chunks: list[Chunk]) -> list[tuple[int, str]]:
    return [
        (number, text)
        for chunk in chunks
        for number, text in zip(
            chunk.records["line"].to_pylist(), chunk.records["raw"].to_pylist(), strict=True
        )
    ]


# --- packed -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (gz(LINES), "events.ndjson.gz"),
        (gz(LINES), "events.txt"),
        (zst(LINES), "events.ndjson.zst"),
        (zst(LINES), "events.json"),
        (LINES, "events.gz"),
        (LINES, "events.csv"),
        (LINES, "no-extension"),
        (gz(LINES[:5_000]) + gz(LINES[5_000:]), "two-members.gz"),
        (zst(LINES[:5_000]) + zst(LINES[5_000:]), "two-members.zst"),
        (gz(LINES) + bytes(512), "padded.gz"),
        (gz(json.dumps(EVENTS, indent=1).encode()), "array.json.gz"),
        (zst(json.dumps(EVENTS).encode()), "array.json.zst"),
        (LINES.rstrip(b"\n"), "no-newline-at-the-end.ndjson"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_the_format_is_detected_by_content_and_not_by_name(
    store: Store, load: Load, data: bytes, name: str
) -> None:
    batch = load(data, name)
    assert (batch.read, batch.kept, batch.error) == (20, 20, "")
    assert [row["event_id"] for row in rows(store)] == [message_id(n) for n in range(20)]


def noisy(count: int) -> bytes:
    """Return *count* events that do not pack well, so that half a file holds half of them."""
    draw = random.Random(3)
    return ndjson(
        forwarded(n, details={"target": f"{draw.getrandbits(512):x}"}) for n in range(count)
    )


@pytest.mark.parametrize("count", [200, 30_000])
@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_truncated_compressed_file_keeps_earlier_records_and_is_reported(
    store: Store, load: Load, kind: str, count: int
) -> None:
    data = noisy(count)
    packed = gz(data) if kind == "gz" else zst(data)
    batch = load(packed[: len(packed) // 2], f"cut.{kind}")
    assert batch.error.startswith(CUT)
    # Zstandard gives nothing of a block that is cut, and a small file is one block.
    assert batch.kept > count // 4 or (kind, count) == ("zst", 200)
    assert batch.read == batch.kept + batch.quarantined
    assert len(rows(store)) == batch.kept


def test_a_gzip_file_with_a_wrong_checksum_is_reported(store: Store, load: Load) -> None:
    packed = bytearray(gz(noisy(200)))
    packed[-6] ^= 0xFF
    assert load(bytes(packed), "wrong.gz").error != ""


def test_a_decompression_bomb_of_lines_is_stopped(store: Store, load: Load) -> None:
    packer = zstandard.ZstdCompressor().compressobj()
    packed = packer.compress(ndjson(EVENTS) + b'{"x":"')
    packed += b"".join(packer.compress(bytes([0x79]) * BLOCK) for _ in range(24))
    packed += packer.flush()
    assert len(packed) < 100_000
    batch = load(packed, "bomb.zst")
    assert batch.error == (
        "The file unpacks to more than 1,000 times its size. "
        "Unpack and check it before you load it; limits.expansion sets the limit."
    )
    assert batch.kept in (0, 20)


def test_a_decompression_bomb_of_one_document_is_stopped(store: Store, load: Load) -> None:
    packer = zstandard.ZstdCompressor().compressobj()
    packed = packer.compress(b"[")
    packed += b"".join(packer.compress(b" " * BLOCK) for _ in range(24)) + packer.flush()
    assert load(packed, "bomb.zst").error.startswith("The file unpacks to more than 1,000 times")


def test_a_small_file_with_a_high_compression_ratio_is_loaded(store: Store, load: Load) -> None:
    packed = zst(LINES + b"\n" + b" " * 1 + b"\n" * 100_000)
    assert load(packed, "blanks.zst").error == ""
    assert len(rows(store)) == 20


# --- lines or a document ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "is_lines"),
    [
        (b'{"a":1}\n{"b":2}\n', True),
        (b'{"a":1}', True),
        (b'[{"a":1}]\n[{"b":2}]\n', True),
        (b'{"a":\n{"b":2}\n{"c":3}\n', True),
        (b'{\n "a": 1\n}\n', False),
        (b'[{"a":1}]', False),
        (b'[\n{"a":1},\n{"b":2}\n]', False),
        (b'[{"a":1},\n{"b":2}]', False),
    ],
)
def test_lines_and_a_document_are_distinguished(head: bytes, is_lines: bool) -> None:
    assert json_lines.is_lines(head) is is_lines


@pytest.mark.parametrize(
    ("data", "accepted"),
    [
        (b'{"a":1}', True),
        (b"  \n[1]", True),
        (b"\xef\xbb\xbf{}", True),
        (b"", True),
        (b"id,type\n1,2\n", False),
        (b"PAR1....PAR1", False),
        (b"hello", False),
        pytest.param(gz(b"{}"), True, id="gzip of JSON"),
        pytest.param(gz(b"id,type"), False, id="gzip of CSV"),
        pytest.param(zst(b"[{}]"), True, id="Zstandard of JSON"),
    ],
)
def test_json_content_is_accepted_and_other_content_is_not(
    tmp_path: Path, data: bytes, accepted: bool
) -> None:
    path = tmp_path / "given"
    path.write_bytes(data)
    assert json_lines.accepts(path) is accepted


@pytest.mark.parametrize("broken", [b"{", b'{"id":"x","timestamp":', b"{]", b'{"a":1}}'])
def test_broken_lines_at_the_beginning_do_not_affect_the_others(
    store: Store, load: Load, broken: bytes
) -> None:
    """Most of the first ten lines are broken, and thousands of good ones follow."""
    batch = load(ndjson([broken] * 6 + [forwarded(n) for n in range(2_000)]))
    assert batch.error == ""
    assert batch.kept == 2_000
    assert (batch.quarantined, batch.read) == (6, 2_006)
    assert [item["line"] for item in quarantine(store, batch)] == [1, 2, 3, 4, 5, 6]


def test_a_first_line_longer_than_the_sample_does_not_affect_the_others(
    store: Store, load: Load
) -> None:
    long = forwarded(1, details={"note": "n" * (SAMPLE + 10)})
    batch = load(ndjson([long, forwarded(2), b"{", forwarded(3)]))
    assert (batch.read, batch.kept, batch.quarantined) == (4, 3, 1)
    assert quarantine(store, batch)[0]["line"] == 3


@pytest.mark.parametrize("size", [SAMPLE + 10, 2 << 20, 20 << 20])
def test_a_broken_first_line_longer_than_the_sample_does_not_affect_the_others(
    store: Store, load: Load, size: int
) -> None:
    batch = load(ndjson([b'{"x":"' + b"y" * size, forwarded(2), forwarded(3)]))
    assert (batch.read, batch.kept, batch.quarantined) == (3, 2, 1)


def test_a_byte_order_mark_before_a_document_is_ignored(store: Store, load: Load) -> None:
    batch = load(b"\xef\xbb\xbf" + json.dumps(EVENTS, indent=2).encode())
    assert (batch.read, batch.kept) == (20, 20)


def test_line_numbers_are_those_of_the_file(tmp_path: Path, settings: Settings) -> None:
    result = texts(read(tmp_path, b'\n{"a":1}\n\n\n{"b":2}\r\n{"c":3}', settings))
    assert [number for number, _ in result] == [2, 5, 6]


def test_lines_of_lengths_around_the_string_view_limit_are_complete(
    tmp_path: Path, settings: Settings
) -> None:
    given = [b'{"a":"' + b"x" * n + b'"}' for n in range(40)]
    result = texts(read(tmp_path, b"\n".join(given), settings))
    assert result == [(number, text.decode()) for number, text in enumerate(given, 1)]


def test_lines_across_block_boundaries_are_complete(tmp_path: Path, settings: Settings) -> None:
    number = itertools.count()
    given: list[bytes] = []
    size = 0
    while size < 2 * BLOCK + 1_000:
        given.append(b'{"n":%d,"x":"%s"}' % (next(number), b"\xc3\xa9" * 20_000))
        size += len(given[-1]) + 1
    result = texts(read(tmp_path, b"\n".join(given), settings))
    assert [text.encode() for _, text in result] == given
    assert [at for at, _ in result] == list(range(1, len(given) + 1))


@pytest.mark.parametrize("longest", [2 * BLOCK, 1 << 20])
@pytest.mark.parametrize("size", [BLOCK + 5_000, 2 * BLOCK - 500_000])
def test_a_line_longer_than_a_block_is_complete(
    store: Store, load: Load, settings: Settings, longest: int, size: int
) -> None:
    limited = settings.model_copy(update={"limits": Limits(line_bytes=longest)})
    long = forwarded(4, details={"note": "y" * size})
    lines = [*EVENTS[:3], long, *EVENTS[5:8], b"{"]
    batch = load(ndjson(lines), using=limited)
    result = quarantine(store, batch)
    if longest > size:
        assert (batch.kept, [refused["line"] for refused in result]) == (7, [8])
    else:
        assert (batch.kept, [refused["line"] for refused in result]) == (6, [4, 8])
        assert result[0]["reason"] == "Longer than 1,048,576 bytes"


def test_progress_rises_to_one(tmp_path: Path, settings: Settings) -> None:
    data = b'{"a":"some text"}\n' * (2 * json_lines.ROWS + 1)
    shares = [chunk.progress for chunk in read(tmp_path, data, settings)]
    assert len(shares) == 3
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


# --- documents ----------------------------------------------------------------------------------


def test_a_broken_element_of_a_multi_line_array_is_refused_alone(store: Store, load: Load) -> None:
    parts = [json.dumps(event, indent=2) for event in EVENTS]
    parts[5] = '{"id": "broken", "timestamp": nonsense}'
    batch = load(("[" + ",\n".join(parts) + "]").encode())
    assert (batch.read, batch.kept, batch.quarantined) == (20, 19, 1)
    (refused,) = quarantine(store, batch)
    assert refused["line"] == 6
    assert refused["raw"] == parts[5].encode()


def test_a_truncated_array_keeps_the_elements_before_the_end(store: Store, load: Load) -> None:
    data = json.dumps(EVENTS, indent=2).encode()
    cut = data[: data.index(message_id(10).encode())]
    batch = load(cut)
    # The cut element, and, where it is told apart, that the array never ended.
    assert batch.kept == 10
    assert batch.quarantined in (1, 2)
    assert batch.read == batch.kept + batch.quarantined
    reasons = [refused["reason"] for refused in quarantine(store, batch)]
    assert any(reason.startswith("Not JSON") for reason in reasons)


@pytest.mark.parametrize("end", [b"", b",", b",\n  "])
def test_an_array_truncated_between_elements_is_reported(
    store: Store, load: Load, end: bytes
) -> None:
    batch = load(b"[\n" + b",\n".join(line(event) for event in EVENTS[:3]) + end)
    assert batch.kept == 3
    assert batch.error or batch.quarantined


def test_an_array_longer_than_a_block_is_complete(store: Store, load: Load) -> None:
    events = [forwarded(n, details={"target": "é" * 3_000}) for n in range(3_000)]
    data = json.dumps(events, ensure_ascii=False, indent=0).encode()
    assert len(data) > 2 * BLOCK
    batch = load(data)
    assert (batch.read, batch.kept, batch.error) == (3_000, 3_000, "")
    assert {row["target_name"] for row in rows(store)} == {"é" * 3_000}


def test_a_page_of_a_thousand_events_is_read(store: Store, load: Load) -> None:
    page = api_page([api_event(n) for n in range(1_000)])
    assert load(json.dumps(page).encode()).kept == 1_000


@pytest.mark.parametrize(
    "shape", ["page", "batch", "array", "concatenated", "sequence", "indented"]
)
def test_a_document_longer_than_the_line_limit_is_split_into_records(
    load: Load, shape: str
) -> None:
    events = [api_event(n, resourceName="n" * 1_000) for n in range(1_000)]
    texts = [json.dumps(event) for event in events]
    texts[500] = texts[500].replace('"n', '"\\ud83d')
    array = f"[{','.join(texts)}]"
    data = {
        "page": f'{{"data":{{"pagination":{{"next":"x"}},"events":{array}}}}}',
        "batch": f'{{"sentAt":"x","batch":{array},"writeKey":"k"}}',
        "array": array,
        "concatenated": "".join(texts),
        "sequence": "".join(f"\x1e{text}\n" for text in texts),
        "indented": f'{{\n "data": {{\n  "events": {array}\n }}\n}}\n',
    }[shape]
    batch = load(data.encode())
    assert (batch.read, batch.kept, batch.quarantined, batch.error) == (1_000, 999, 1, "")


def test_concatenated_documents_are_all_read(store: Store, load: Load) -> None:
    data = "\n\n".join(json.dumps(saved_request(event), indent=4) for event in EVENTS)
    assert load(data.encode()).kept == 20


def test_the_exact_text_of_an_element_is_kept(tmp_path: Path, settings: Settings) -> None:
    element = '{ "id":  "a", "n": 1.50e2,\n "name": "\\u00e9 é" }'
    result = texts(read(tmp_path, f"[ {element} ,\n{element}]".encode(), settings))
    assert result == [(1, element), (2, element)]


def test_bad_utf8_in_an_element_refuses_that_element(store: Store, load: Load) -> None:
    parts = [json.dumps(event, indent=2).encode() for event in EVENTS]
    parts[3] = parts[3].replace(b"Web", b"W\xffb")
    batch = load(b"[" + b",\n".join(parts) + b"]")
    assert (batch.kept, batch.quarantined) == (19, 1)
    (refused,) = quarantine(store, batch)
    assert refused["reason"].startswith("Not UTF-8 at byte ")
    assert (refused["line"], refused["raw"]) == (4, parts[3])


@pytest.mark.parametrize("first", [b"null", b"17", b"\xffbroken", b"INFO started", b'"text"'])
def test_a_broken_first_line_costs_only_itself(load: Load, first: bytes) -> None:
    lines = [first, *(json.dumps(event).encode() for event in EVENTS)]
    batch = load(b"\n".join(lines), "events.jsonl")
    assert (batch.error, batch.kept, batch.quarantined) == ("", 20, 1)


@pytest.mark.parametrize("before", [b"", b'{"id": "e0"}\n'], ids=["alone", "behind a line"])
def test_bad_utf8_in_a_line_of_many_records_refuses_one(
    store: Store, load: Load, before: bytes
) -> None:
    parts = [json.dumps(event).encode() for event in EVENTS]
    parts[3] = parts[3].replace(b"Web", b"W\xffb")
    batch = load(before + b'{"data": {"events": [' + b", ".join(parts) + b"]}}")
    assert (batch.kept, batch.quarantined) == (19, 1 + bool(before))
    assert parts[3] in {refused["raw"] for refused in quarantine(store, batch)}


def test_an_array_of_deeply_nested_elements_does_not_crash(store: Store, load: Load) -> None:
    deep = '{"x":' + "[" * 100_000 + "]" * 100_000 + "}"
    batch = load(f"[{json.dumps(EVENTS[0])},\n{deep},\n{json.dumps(EVENTS[1])}]".encode())
    assert batch.error == ""
    assert (batch.kept, batch.quarantined) == (2, 1)


def test_memory_is_used_again_only_when_nobody_refers_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_streams, "BLOCK", 4_096)
    texts = [f'{{"id":"e{number}","text":"{"x" * (number % 200)}"}}' for number in range(5_000)]
    path = tmp_path / "many.ndjson"
    path.write_text("\n".join(texts))
    with _streams.Stream(path, Settings().limits) as stream:
        held, made = [], []
        for number, (block, _) in enumerate(stream.line_blocks(1_000_000)):
            made.append(block.to_pybytes())
            if number % 3 == 0:
                held.append((number, block))
        del block
        assert b"".join(made).decode() == "\n".join(texts)
        assert all(kept.to_pybytes() == made[number] for number, kept in held)
        assert len(stream._memory._blocks) < len(made) / 2
