"""From records to rows: what is kept, what is a duplicate, what is refused, and the counts."""

import datetime as dt
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Load, counted, quarantine, row, rows
from tests.segment_records import (
    Record,
    api_event,
    api_page,
    batch_call,
    forwarded,
    line,
    message_id,
    moment,
    ndjson,
    new_event_allowed,
    permission_check,
    replayed,
    saved_request,
)
from trail.core.errors import LoadLimitError
from trail.core.limits import Limits
from trail.core.model import Batch, Chunk, Reject
from trail.core.settings import Settings
from trail.ingest import pipeline
from trail.ingest.files import load_files
from trail.storage.duckdb import Store

LONGEST = Settings().limits.line_bytes

GOOD = line(forwarded(900))


def good(number: int, **given: Any) -> bytes:
    return line(forwarded(number, **given))


def totals(batch: Batch) -> tuple[int, int, int, int]:
    """Return read, kept, duplicates, quarantined; a batch with an error fails the test."""
    assert batch.error == ""
    return batch.read, batch.kept, batch.duplicates, batch.quarantined


def chunk(*records: Any, first: int = 1, rejects: tuple[Reject, ...] = ()) -> Chunk:
    texts = [item.decode() if isinstance(item, bytes) else json.dumps(item) for item in records]
    return Chunk(
        pa.table(
            {
                "line": pa.array(range(first, first + len(texts)), pa.int64()),
                "raw": pa.array(texts, pa.string()),
            }
        ),
        rejects,
    )


def ingested(store: Store, *chunks: Chunk, dry_run: bool = False) -> Batch:
    batch = Batch("some records", "test")
    return pipeline.load(store, batch, iter(chunks), Limits(), dry_run=dry_run)


# --- the same again ---------------------------------------------------------------------------


def test_loading_a_file_again_adds_nothing(store: Store, load: Load) -> None:
    data = ndjson([forwarded(1), api_event(2), new_event_allowed(3), permission_check(4)])
    assert totals(load(data)) == (4, 4, 0, 0)
    before = rows(store)
    assert totals(load(data)) == (4, 0, 4, 0)
    assert totals(load(data, "another-name.json")) == (4, 0, 4, 0)
    assert rows(store) == before


def test_records_without_an_id_are_deduplicated(store: Store, load: Load) -> None:
    record = api_event(1, without=["id"])
    turned = dict(reversed(record.items()))
    assert totals(load(ndjson([record, api_event(2, without=["id"])]))) == (2, 2, 0, 0)
    assert totals(load(ndjson([turned]))) == (1, 0, 1, 0)
    assert totals(load(line(api_page([record])))) == (1, 0, 1, 0)
    assert totals(load(json.dumps([turned], indent=2).encode())) == (1, 0, 1, 0)
    assert all(item["event_id"].startswith("sha256-") for item in rows(store))


def test_events_whose_ids_are_blank_are_all_kept(store: Store, load: Load) -> None:
    assert totals(load(ndjson([api_event(n, id="  ") for n in range(3)]))) == (3, 3, 0, 0)


def test_a_replayed_copy_is_the_same_event(store: Store, load: Load) -> None:
    call = forwarded(1)
    assert totals(load(ndjson([call, replayed(call)]))) == (2, 1, 1, 0)
    assert totals(load(ndjson([replayed(call)]))) == (1, 0, 1, 0)
    assert json.loads(row(store, message_id(1))["raw"]) == call


def test_duplicates_within_and_across_files_are_found_in_any_order(
    store: Store, load: Load
) -> None:
    shuffle = random.Random(7).shuffle
    first = [forwarded(n % 40) for n in range(100)]
    second = [forwarded(n % 60) for n in range(100)]
    shuffle(first)
    shuffle(second)
    assert totals(load(ndjson(first))) == (100, 40, 60, 0)
    assert totals(load(ndjson(second))) == (100, 20, 80, 0)
    assert [item["event_id"] for item in rows(store)] == [message_id(n) for n in range(60)]


def test_duplicates_across_chunks_of_one_load_are_found(store: Store) -> None:
    batch = ingested(store, chunk(forwarded(1), forwarded(2)), chunk(forwarded(2), forwarded(3)))
    assert totals(batch) == (4, 3, 1, 0)


def test_of_two_records_with_one_id_the_first_is_kept(store: Store, load: Load) -> None:
    load(ndjson([forwarded(1, details={"target": "first"}), forwarded(1)]))
    assert row(store, message_id(1))["target_name"] == "first"


def test_a_repeated_id_within_a_day_is_the_same_event(store: Store, load: Load) -> None:
    load(ndjson([forwarded(1)]))
    late = forwarded(1, timestamp="2026-11-02T08:00:00Z")
    assert totals(load(ndjson([late]))) == (1, 0, 1, 0)


def test_raw_is_the_exact_text(store: Store, load: Load) -> None:
    text = b'{ "id":"a1", "type":"Source Created",  "timestamp":"2026-11-01T08:00:00Z", "n":1.50 }'
    load(text + b"\n" + GOOD + b"\n")
    assert row(store, "a1")["raw"] == text.decode()


# --- broken lines -----------------------------------------------------------------------------

LONG = b'{"id":"long","x":"' + b"y" * (1_048_576 + 10) + b'"}'
HUGE = b'{"id":"huge","x":"' + b"z" * (20 << 20) + b'"}'

BROKEN: dict[str, tuple[bytes, str]] = {
    "cut after a colon": (b'{"id":"m1","timestamp":', "Not JSON: unexpected end of data"),
    "cut in text": (GOOD[:100], "Not JSON: unexpected end of data"),
    "bad UTF-8": (GOOD.replace(b"Web", b"W\xffb"), "Not UTF-8 at byte 376"),
    "raw surrogate": (GOOD.replace(b"Web", b"\xed\xa0\x80"), "Not UTF-8 at byte 375"),
    "BOM": (b"\xef\xbb\xbf" + GOOD, "Not JSON: starts with a byte order mark"),
    "NUL inside text": (GOOD.replace(b"Web", b"W\x00b"), "Not JSON: unexpected control character"),
    "NUL at the end": (GOOD + b"\x00", "Not JSON: unexpected content after document"),
    "NUL at the start": (b"\x00" + GOOD, "Not JSON: unexpected character"),
    "a control character": (GOOD.replace(b"Web", b"\x01"), "Not JSON: unexpected control"),
    "a lone surrogate": (GOOD.replace(b"Web", b"\\ud800"), "Not JSON: no low surrogate"),
    "an array of no records": (b"[]", "Contains no records"),
    "an array cut short": (b'[{"id":"a"}', "Not JSON: unexpected end of data"),
    "a number": (b"12", "Not an audit event: not a JSON object"),
    "null": (b"null", "Not an audit event: not a JSON object"),
    "NaN": (GOOD[:-1] + b',"x":NaN}', "Not JSON: unexpected character"),
    "Infinity": (GOOD[:-1] + b',"x":Infinity}', "Not JSON: unexpected character"),
    "a trailing comma": (GOOD[:-1] + b",}", "Not JSON: trailing comma"),
    "a trailing comma in an array": (GOOD[:-1] + b',"x":[1,]}', "Not JSON: trailing comma"),
    "a comment": (GOOD[:-1] + b"/* */}", "Not JSON: unexpected character"),
    "single quotes": (b"{'id':'a'}", "Not JSON"),
    "too long": (LONG, "Longer than 1,048,576 bytes"),
    "twenty megabytes": (HUGE, "Longer than 1,048,576 bytes"),
    "too deep": (GOOD[:-1] + b',"x":' + b"[" * 600 + b"]" * 600 + b"}", "Nested deeper than 64"),
    "much too deep": (
        GOOD[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "Nested deeper than 64 levels",
    ),
    "no JSON at all": (b"hello, this is a line of a log", "Not JSON: unexpected character"),
    "no time": (line(api_event(902, without=["timestamp"])), "No time"),
    "a time of tomorrow's millennia": (
        line(api_event(903, timestamp="20000-01-01T00:00:00Z")),
        "Time not understood: 20000-01-01T00:00:00Z",
    ),
    "no type": (line(api_event(904, without=["type"])), "Not an audit event: no type"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_line_does_not_affect_the_others(store: Store, load: Load, name: str) -> None:
    text, reason = BROKEN[name]
    batch = load(ndjson([forwarded(1), forwarded(2), text, forwarded(3), forwarded(4)]))
    assert totals(batch) == (5, 4, 0, 1)
    (refused,) = quarantine(store, batch)
    assert refused["line"] == 3
    assert refused["reason"].startswith(reason)
    assert refused["raw"] == text[:LONGEST]
    assert [item["event_id"] for item in rows(store)] == [message_id(n) for n in (1, 2, 3, 4)]


def test_scattered_broken_lines_are_all_quarantined(store: Store, load: Load) -> None:
    lines: list[bytes] = []
    where: dict[int, tuple[bytes, str]] = {}
    for number, (text, reason) in enumerate(BROKEN.values()):
        lines += [good(2 * number), b"", good(2 * number + 1), text]
        where[len(lines)] = (text, reason)
    lines.append(good(2 * len(BROKEN)))
    batch = load(b"\n".join(lines))
    result = quarantine(store, batch)
    wrong = [
        name
        for (name, (text, reason)), at in zip(BROKEN.items(), where, strict=True)
        if not any(
            refused["line"] == at
            and refused["reason"].startswith(reason)
            and refused["raw"] == text[:LONGEST]
            for refused in result
        )
    ]
    assert wrong == []
    assert {refused["line"] for refused in result} == set(where)
    kept = 2 * len(BROKEN) + 1
    assert totals(batch) == (kept + len(BROKEN), kept, 0, len(BROKEN))
    assert len(rows(store)) == kept


def test_the_length_of_a_line_over_the_limit_is_reported(store: Store, load: Load) -> None:
    batch = load(ndjson([forwarded(1), HUGE, LONG, forwarded(2)]))
    assert [(item["line"], item["raw_bytes"]) for item in quarantine(store, batch)] == [
        (2, len(HUGE)),
        (3, len(LONG)),
    ]


@pytest.mark.parametrize("size", [LONGEST - 1, LONGEST, LONGEST + 1])
def test_bytes_of_a_refused_line_are_cut_at_the_line_limit(
    store: Store, load: Load, size: int
) -> None:
    text = b'{"x":"' + b"y" * (size - 6)
    (refused,) = quarantine(store, load(ndjson([forwarded(1), text])))
    assert refused["raw"] == text[:LONGEST]
    assert refused["raw_bytes"] == size


@pytest.mark.parametrize("blank", [b"", b" ", b"\t", b"\r", b"   \t\r", b" " * 12, b" " * 40])
def test_blank_lines_are_skipped(store: Store, load: Load, blank: bytes) -> None:
    batch = load(b"\n".join([blank, good(1), blank, blank, good(2), b"{", blank]))
    assert totals(batch) == (3, 2, 0, 1)
    assert quarantine(store, batch)[0]["line"] == 6


def test_windows_line_ends_are_read(store: Store, load: Load) -> None:
    batch = load(b"\r\n".join([good(1), b"", b"{", good(2), b""]))
    assert totals(batch) == (3, 2, 0, 1)
    assert quarantine(store, batch)[0]["line"] == 3
    assert {json.loads(item["raw"])["messageId"] for item in rows(store)} == {
        message_id(1),
        message_id(2),
    }


@pytest.mark.parametrize("road", ["line", "array", "page", "saved", "document"])
def test_the_first_of_two_equal_keys_is_used_in_every_format(
    store: Store, load: Load, road: str
) -> None:
    text = b'{"id":"one",' + line(api_event(1))[1:-1] + b',"id":"two"}'
    data = {
        "line": text + b"\n" + GOOD,
        "array": b"[" + text + b"]\n" + GOOD,
        "page": b'{"data":{"events":[' + text + b"]}}\n" + GOOD,
        "saved": b'{"payload":{"body":' + text + b"}}\n" + GOOD,
        "document": b"[\n" + text + b",\n" + GOOD + b"\n]",
    }[road]
    assert totals(load(data)) == (2, 2, 0, 0)
    assert "one" in {item["event_id"] for item in rows(store)}


# --- shapes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrapped", "count"),
    [
        (forwarded(1), 1),
        (api_event(1), 1),
        ([forwarded(1), api_event(2)], 2),
        (api_page([api_event(n) for n in range(5)], next="Mw=="), 5),
        ([api_page([api_event(1)]), api_page([api_event(2)])], 2),
        (saved_request(forwarded(1)), 1),
        (saved_request([forwarded(1), forwarded(2)]), 2),
        (batch_call([forwarded(1), forwarded(2)]), 2),
    ],
)
@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_every_wrapper_is_read_compact_and_indented(
    store: Store, load: Load, wrapped: Any, count: int, indent: int | str | None
) -> None:
    assert totals(load(json.dumps(wrapped, indent=indent).encode())) == (count, count, 0, 0)
    # One such value a line is a file of lines.
    again = ndjson([wrapped, forwarded(77)])
    assert totals(load(again)) == (count + 1, 1, count, 0)


def test_an_invalid_record_in_a_wrapper_is_refused_alone(store: Store, load: Load) -> None:
    page = api_page([api_event(1), api_event(2, timestamp="infinity"), api_event(3)])
    batch = load(ndjson([forwarded(9), page]))
    assert totals(batch) == (4, 3, 0, 1)
    (refused,) = quarantine(store, batch)
    assert (refused["line"], refused["reason"]) == (2, "Time not understood: infinity")
    assert json.loads(refused["raw"])["id"] == "evt_0000000000000000000002"


# --- emails and actors ------------------------------------------------------------------------

MAILS = [
    api_event(1, actorEmail="first@example.com"),
    api_event(2, actorEmail="second@example.com"),
    forwarded(3, details={"subject_email": "third@example.com"}),
    api_event(4, without=["actorEmail"]),
    forwarded(5),
]
RECORDED = ["first@example.com", "second@example.com", "third@example.com", None, None]


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]])
@pytest.mark.parametrize("together", [True, False])
def test_events_keep_their_email_and_the_latest_email_is_current(
    store: Store, load: Load, order: list[int], together: bool
) -> None:
    records = [MAILS[at] for at in order]
    for data in [ndjson(records)] if together else [ndjson([record]) for record in records]:
        assert load(data).error == ""
    assert [item["actor_email"] for item in rows(store)] == RECORDED
    assert store.table("select actor_email from actors")["actor_email"].to_pylist() == [
        "third@example.com"
    ]


ACTORS = [
    (forwarded(1), "users/MNxxtIRCbe", "user"),
    (forwarded(2, userId="__system__"), "users/MNxxtIRCbe", "user"),
    (forwarded(3, details={"subject": "tokens/t1"}), "tokens/t1", "token"),
    (forwarded(4, details={"subject": "token/t1"}), "tokens/t1", "token"),
    (forwarded(5, details={"subject": "something else"}), "something else", "unknown"),
    (new_event_allowed(6), "system", "system"),
    (permission_check(7), "users/MNxxtIRCbe", "user"),
    (forwarded(8, without=["details.subject"]), "users/MNxxtIRCbe", "user"),
    (forwarded(9, without=["details.subject", "userId"]), "unknown", "unknown"),
    (api_event(10, actor="abc"), "users/abc", "user"),
    (api_event(11, actor="abc", without=["actorEmail"]), "users/abc", "user"),
    (api_event(12, actor="tokens/t1", without=["actorEmail"]), "tokens/t1", "token"),
    (api_event(13, actor="Segment", without=["actorEmail"]), "system", "system"),
    (api_event(14, actor=17, without=["actorEmail"]), "17", "unknown"),
]


def test_all_forms_of_actors_are_read_in_one_load(store: Store, load: Load) -> None:
    assert load(ndjson([record for record, _, _ in ACTORS])).kept == len(ACTORS)
    result = [(event["actor_id"], event["actor_type"]) for event in rows(store)]
    assert result == [(actor_id, actor_type) for _, actor_id, actor_type in ACTORS]
    assert store.table("select 1 from actors").num_rows == len(set(result))


# --- dry runs ---------------------------------------------------------------------------------

MIXTURE = [
    chunk(forwarded(1), forwarded(2), b"{", forwarded(1), api_event(3, without=["id"])),
    chunk([forwarded(2), forwarded(4), 5], api_event(3, without=["id"]), first=6),
    chunk(first=9, rejects=(Reject(9, "Not UTF-8 at byte 1", b"\xff"),)),
    chunk(forwarded(4), api_event(6, timestamp="infinity"), forwarded(7), first=10),
]


@pytest.mark.parametrize("known", [[], [forwarded(2), forwarded(7)]])
def test_a_dry_run_counts_the_same_and_stores_nothing(store: Store, known: list[Record]) -> None:
    ingested(store, chunk(*known))
    tables = ("events", "actions", "actors", "targets", "cube", "batches", "quarantine")
    before = {name: store.table(f"select * from {name}").to_pylist() for name in tables}
    rehearsed = ingested(store, *MIXTURE, dry_run=True)
    assert {name: store.table(f"select * from {name}").to_pylist() for name in tables} == before
    assert rehearsed.batch_id is None
    kept = ingested(store, *MIXTURE)
    assert totals(rehearsed) == totals(kept) == (13, 5 - len(known), 4 + len(known), 4)


def test_a_repeated_dry_run_counts_the_same(store: Store) -> None:
    assert totals(ingested(store, chunk(forwarded(1)), dry_run=True)) == (1, 1, 0, 0)
    assert totals(ingested(store, chunk(forwarded(1)), dry_run=True)) == (1, 1, 0, 0)


# --- batches ----------------------------------------------------------------------------------


def test_a_batch_is_recorded_as_it_was_reported(store: Store, load: Load) -> None:
    reported = load(ndjson([forwarded(1), forwarded(1), b"{"]), "mine.ndjson")
    (kept,) = store.table("select * from batches").to_pylist()
    assert {name: kept[name] for name in ("read", "kept", "duplicates", "quarantined")} == {
        "read": 3,
        "kept": 1,
        "duplicates": 1,
        "quarantined": 1,
    }
    assert (kept["batch_id"], kept["source"], kept["loader"]) == (1, "mine.ndjson", "json")
    assert kept["started_at"] <= kept["ended_at"]
    assert reported.batch_id == 1
    assert load(ndjson([forwarded(2)])).batch_id == 2
    assert {item["batch_id"] for item in rows(store)} == {1, 2}


def test_a_failing_source_keeps_earlier_records(store: Store) -> None:
    def broken() -> Iterator[Chunk]:
        yield chunk(forwarded(1), b"{")
        raise LoadLimitError("It grew too large.", "Look at it.")

    batch = pipeline.load(store, Batch("s", "test"), broken(), Limits())
    assert batch.error == "It grew too large. Look at it."
    assert (batch.read, batch.kept, batch.quarantined) == (2, 1, 1)
    (kept,) = store.table("select * from batches").to_pylist()
    assert (kept["error"], kept["read"], kept["kept"]) == (batch.error, 2, 1)
    assert kept["ended_at"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(13, "Permission denied"), "The file cannot be read: Permission denied."),
        (EOFError("ended"), "The compressed file is damaged or cut short."),
    ],
)
def test_a_failing_file_is_reported_by_its_cause(
    store: Store, error: Exception, words: str
) -> None:
    def broken() -> Iterator[Chunk]:
        yield chunk(forwarded(1))
        raise error

    batch = pipeline.load(store, Batch("s", "test"), broken(), Limits())
    assert batch.error.startswith(words)
    assert len(rows(store)) == 1


def test_an_internal_error_is_raised_and_closes_the_batch(store: Store) -> None:
    def broken() -> Iterator[Chunk]:
        yield chunk(forwarded(1))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pipeline.load(store, Batch("s", "test"), broken(), Limits())
    (kept,) = store.table("select * from batches").to_pylist()
    assert (kept["kept"], kept["ended_at"] is not None) == (1, True)


def test_progress_is_reported_after_each_chunk(store: Store) -> None:
    message: list[tuple[float, int]] = []
    chunks = [chunk(forwarded(1)), Chunk(chunk(forwarded(2)).records, (), 1.0)]
    batch = Batch("s", "test")
    pipeline.load(
        store,
        batch,
        iter(chunks),
        Limits(),
        progress=lambda share, seen: message.append((share, seen.read)),
    )
    assert message == [(0.0, 1), (1.0, 2)]


def test_many_events_with_one_time_are_deduplicated(store: Store) -> None:
    events = [forwarded(n, timestamp=moment(0)) for n in range(3_000)]
    assert totals(ingested(store, chunk(*events[::2]))) == (1_500, 1_500, 0, 0)
    assert totals(ingested(store, chunk(*events))) == (3_000, 1_500, 1_500, 0)


# --- any mixture ------------------------------------------------------------------------------

NASTY = st.sampled_from([text for text, _ in BROKEN.values() if len(text) < 5_000])
NUMBERS = st.integers(0, 30)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@st.composite
def events(draw: st.DrawFn) -> Record:
    number = draw(NUMBERS)
    record = draw(
        st.sampled_from(
            [
                forwarded(number),
                forwarded(number, details={"subject": draw(TEXT), "target": draw(TEXT)}),
                forwarded(number, type=draw(TEXT) or "x", details={"resource_type": draw(TEXT)}),
                api_event(number, actor=draw(TEXT), resourceType=draw(TEXT)),
                api_event(number, without=["id"]),
                new_event_allowed(number),
                permission_check(number),
            ]
        )
    )
    # One id has one time; an id that comes with a time of another day is another event.
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=7 * number)
    zone = dt.timezone(dt.timedelta(hours=draw(st.sampled_from([0, 5, -11]))))
    record["timestamp"] = at.astimezone(zone).isoformat()
    return record


# (what stands on the line, how many records it is)
LINES = st.one_of(
    events().map(lambda record: (line(record), 1)),
    NASTY.map(lambda text: (text, 1)),
    st.lists(events(), min_size=1, max_size=3).map(lambda result: (line(result), len(result))),
    st.just((b"  ", 0)),
)


@settings(max_examples=7)
@given(files=st.lists(st.lists(LINES, max_size=12), min_size=1, max_size=3))
def test_counts_and_cube_match_the_events_of_any_mixture(
    files: list[list[tuple[bytes, int]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("mixture")
    store = Store.open(folder / "t.duckdb", Settings())
    try:
        kept = refused = 0
        for lines in files:
            texts = [text for text, _ in lines if text.strip()]
            utf8 = [text for text in texts if _is_utf8(text)]
            rejects = tuple(Reject(1, "Not UTF-8", text) for text in texts if not _is_utf8(text))
            given_chunk = chunk(*utf8, rejects=rejects)
            rehearsed = ingested(store, given_chunk, dry_run=True)
            batch = ingested(store, given_chunk)
            # A dry run gives no keys, and so cannot tell that two reports are of one change.
            assert rehearsed.read == batch.read
            assert rehearsed.quarantined == batch.quarantined
            assert rehearsed.kept == batch.kept + batch.linked
            assert batch.read == sum(count for _, count in lines)
            assert batch.read == batch.kept + batch.duplicates + batch.quarantined
            assert ingested(store, given_chunk).kept == 0
            kept += batch.kept
            refused += 2 * batch.quarantined
        assert len(rows(store)) == kept
        assert store.table("select 1 from quarantine").num_rows == refused
        # The same id more than a day apart, in another load, is another event.
        assert len({(item["event_id"], item["occurred_at"]) for item in rows(store)}) == kept
        cube, same = counted(store)
        assert cube == same
    finally:
        store.close()


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


@settings(max_examples=7)
@given(lines=st.lists(LINES, min_size=1, max_size=25))
def test_a_file_of_any_mixture_counts_each_record(
    lines: list[tuple[bytes, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    # The first line is a good one: what kind of file it is shows in its beginning.
    path: Path = tmp_path_factory.mktemp("mixture") / "t.duckdb"
    store = Store.open(path, Settings())
    try:
        file = path.with_name("events.ndjson")
        file.write_bytes(ndjson([forwarded(5_000), *(text for text, _ in lines)]))
        (batch,) = load_files(store, Settings(), [file])
        assert batch.error == ""
        assert batch.read == 1 + sum(count for _, count in lines)
        assert batch.read == batch.kept + batch.duplicates + batch.quarantined
        assert len(rows(store)) == batch.kept
    finally:
        store.close()
