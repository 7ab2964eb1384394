"""The contract of loaders, checked for every file in loaders/."""

import datetime as dt
import http.server
import io
import json
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tests.segment_records import api_event, api_page, forwarded, gz, ndjson, saved_request
from trail.core.errors import TrailError
from trail.core.model import (
    Ask,
    Chunk,
    Drop,
    EventSource,
    Feed,
    Loader,
    Receiver,
    RefusedError,
    Reject,
    Source,
)
from trail.core.registry import discover
from trail.core.settings import Settings
from trail.ingest.files import load_files
from trail.storage.duckdb import Store

DISCOVERED: dict[str, Loader | EventSource] = discover("loaders", "LOADER")
LOADERS = {name: item for name, item in DISCOVERED.items() if isinstance(item, Loader)}
SOURCES = {name: item for name, item in DISCOVERED.items() if isinstance(item, EventSource)}
EVENTS = [api_event(n) for n in range(1, 30)]


def _table() -> bytes:
    out = io.BytesIO()
    columns = {name: [str(event[name]) for event in EVENTS] for name in EVENTS[0]}
    pyarrow.parquet.write_table(pa.table(columns), out)
    return out.getvalue()


def _csv() -> bytes:
    rows = [list(EVENTS[0]), *(list(event.values()) for event in EVENTS)]
    return "\n".join(",".join(f'"{cell}"' for cell in row) for row in rows).encode()


SAMPLES: dict[str, bytes] = {
    "lines": ndjson([*EVENTS, *(forwarded(n, "Space Modified") for n in range(5))]),
    "broken lines": ndjson([EVENTS[0], b"{", b'{"x":"\xff"}', EVENTS[1], b"", b"[]"]),
    "array": json.dumps(EVENTS, indent=1).encode(),
    "page": json.dumps(api_page(EVENTS)).encode(),
    "saved": json.dumps(saved_request(forwarded(1)), indent=2).encode(),
    "gzip": gz(ndjson(EVENTS)),
    "zstd": zstandard.ZstdCompressor().compress(ndjson(EVENTS)),
    "csv": _csv(),
    "parquet": _table(),
    "empty": b"",
    "blank": b"\n\n  \n",
    "text": b"Dear all,\nthis is no file of events.\n",
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "zeros": bytes(5_000),
    "gzip magic only": b"\x1f\x8b",
    "zstd magic only": b"\x28\xb5\x2f\xfd",
    "parquet magic only": b"PAR1PAR1",
}
# Exceptions that become the error of a batch; any other would be a crash.
CALM = (TrailError, OSError, EOFError, zlib.error, zstandard.ZstdError)


@pytest.fixture(params=list(LOADERS), ids=str)
def loader(request: pytest.FixtureRequest) -> Loader:
    return LOADERS[request.param]


@pytest.fixture(params=list(SAMPLES), ids=str)
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "sample"
    path.write_bytes(SAMPLES[request.param])
    return path


def test_every_file_is_a_loader_or_a_source() -> None:
    assert LOADERS.keys() | SOURCES.keys() == DISCOVERED.keys()


@pytest.mark.parametrize("kind", [LOADERS, SOURCES], ids=["loaders", "sources"])
def test_names_and_ranks_are_unique(kind: dict[str, Loader | EventSource]) -> None:
    assert len({item.name for item in kind.values()}) == len(kind)
    assert len({item.rank for item in kind.values()}) == len(kind)


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_source_is_enabled_only_by_its_example_settings(source: EventSource) -> None:
    assert source.name.isidentifier()
    assert source.title
    assert not source.configured(Settings())
    assert source.configured(enabled(source))
    section, _, name = source.setting.partition(".")
    assert name in type(getattr(Settings(), section)).model_fields
    assert all(field.description for field in source.section.model_fields.values())


def enabled(source: EventSource) -> Settings:
    """Return settings in which only *source* is configured, by its own example."""
    return Settings(**{source.section.section: dict(source.example)})


@pytest.mark.parametrize(
    "receiver",
    [source for source in SOURCES.values() if isinstance(source, Receiver)],
    ids=attrgetter("name"),
)
def test_receiver_accepts_only_its_own_probe(receiver: Receiver) -> None:
    probe = receiver.probe(enabled(receiver))
    assert probe.path in receiver.paths
    assert len(probe.body) <= receiver.max_bytes(Settings())
    assert receiver.read(probe, enabled(receiver)).records == ()
    with pytest.raises(RefusedError):
        receiver.read(probe, Settings())
    with pytest.raises(RefusedError):
        receiver.read(replace(probe, headers=()), enabled(receiver))


@pytest.mark.parametrize(
    "source",
    [source for source in SOURCES.values() if not isinstance(source, Receiver)],
    ids=attrgetter("name"),
)
def test_polled_source_has_an_interval(source: Feed | Drop) -> None:
    assert source.every_s(Settings()) > 0


def test_loader_reads_its_own_example(
    loader: Loader, store: Store, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "example"
    path.write_bytes(loader.example())
    (batch,) = load_files(store, settings, [path])
    assert (batch.loader, batch.error, batch.quarantined) == (loader.name, "", 0)
    assert batch.kept == batch.read > 0


def test_loader_has_a_description(loader: Loader) -> None:
    assert isinstance(loader, Loader)
    assert loader.name.isidentifier()
    assert loader.title.strip() == loader.title != ""


def test_accepts_returns_a_bool_for_every_sample(loader: Loader, sample: Path) -> None:
    assert loader.accepts(sample) in (True, False)


@settings(max_examples=50)
@given(data=st.binary(max_size=300), magic=st.sampled_from([b"", b"\x1f\x8b", b"PAR1", b"{", b"["]))
def test_accepts_returns_a_bool_for_any_bytes(
    loader: Loader, tmp_path: Path, data: bytes, magic: bytes
) -> None:
    path = tmp_path / "given"
    path.write_bytes(magic + data)
    assert loader.accepts(path) in (True, False)


def test_accepted_files_are_read_as_chunks(
    loader: Loader, sample: Path, settings: Settings
) -> None:
    if not loader.accepts(sample):
        return
    chunks: list[Chunk] = []
    try:
        for chunk in loader.read(Source(sample), settings):
            chunks.append(chunk)
    except CALM:
        return
    numbers: list[int] = []
    for chunk in chunks:
        assert chunk.records.column_names == ["line", "raw"]
        assert chunk.records.schema.field("line").type == pa.int64()
        raw = chunk.records.schema.field("raw").type
        assert pa.types.is_string(raw) or pa.types.is_large_string(raw) or raw == pa.string_view()
        assert chunk.records["raw"].null_count == 0
        assert all(isinstance(reject, Reject) and reject.reason for reject in chunk.rejects)
        assert all(isinstance(reject.raw, bytes) for reject in chunk.rejects)
        numbers += chunk.records["line"].to_pylist()
    assert all(number >= 1 for number in numbers)
    assert numbers == sorted(set(numbers))
    shares = [chunk.progress for chunk in chunks]
    assert shares == sorted(shares)
    assert shares == [] or (shares[0] >= 0 and shares[-1] == 1)


def test_reading_twice_gives_the_same_records(
    loader: Loader, sample: Path, settings: Settings
) -> None:
    if not loader.accepts(sample):
        return

    def read() -> list[object]:
        result: list[object] = []
        try:
            for chunk in loader.read(Source(sample), settings):
                result += [chunk.records.to_pylist(), chunk.rejects]
        except CALM as error:
            result.append(str(error))
        return result

    assert read() == read()


@pytest.mark.parametrize("name", ["lines", "array", "page", "gzip", "zstd"])
def test_every_event_of_a_sample_is_read(
    name: str, store: Store, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "sample"
    path.write_bytes(SAMPLES[name])
    (batch,) = load_files(store, settings, [path])
    expected = 34 if name == "lines" else 29
    assert (batch.read, batch.kept, batch.error) == (expected, expected, "")


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_every_event_of_a_table_is_read(
    name: str, store: Store, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "sample"
    path.write_bytes(SAMPLES[name])
    (batch,) = load_files(store, settings, [path])
    assert (batch.read, batch.kept, batch.error) == (29, 29, "")
    events = store.table("select distinct actor_id, action from event_rows").to_pylist()
    assert events == [{"actor_id": "users/MNxxtIRCbe", "action": "Source Modified"}]


DAMAGED = [name for name in SAMPLES if len(SAMPLES[name]) > 20]


@settings(max_examples=120)
@given(
    name=st.sampled_from(DAMAGED),
    cut=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=3),
)
def test_damaged_file_is_reported_without_a_crash(
    store: Store,
    settings: Settings,
    tmp_path: Path,
    name: str,
    cut: float,
    flips: list[tuple[float, int]],
) -> None:
    data = bytearray(SAMPLES[name])
    data = data[: int(len(data) * cut) + 1]
    for where, bits in flips:
        data[int(len(data) * where)] ^= bits
    path = tmp_path / "damaged"
    path.write_bytes(bytes(data))
    (batch,) = load_files(store, settings, [path], dry_run=True)
    assert batch.read == batch.kept + batch.duplicates + batch.quarantined
    assert str(tmp_path) not in batch.error
    # Every non-blank file has a record or an error; a record separator alone is blank.
    assert batch.read or batch.error or not bytes(data).strip(b"\x1e \t\r\n\v\f")


class _Redirecting(http.server.BaseHTTPRequestHandler):
    """Answers every request with a redirect to `target`; without one, with 404."""

    target = ""
    seen: ClassVar[list[str]] = []

    def _answer(self) -> None:
        self.seen.append(f"{self.path} {self.headers}")
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(307 if self.target else 404)
        if self.target:
            self.send_header("Location", f"{self.target}{self.path}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_POST = do_PUT = _answer

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def _server(target: str = "") -> Iterator[tuple[str, list[str]]]:
    """Yield the URL of a running server and the list of its requests."""
    seen: list[str] = []
    handler = type("Handler", (_Redirecting,), {"target": target, "seen": seen})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


POLLED = {name: item for name, item in SOURCES.items() if isinstance(item, Feed | Drop)}


@pytest.mark.parametrize("source", POLLED.values(), ids=POLLED)
def test_redirect_does_not_carry_a_secret_elsewhere(source: Feed | Drop) -> None:
    fields = source.section.model_fields
    secrets = {
        name: f"not-a-real-{name}"
        for name, field in fields.items()
        if field.annotation is SecretStr
    }
    if not secrets:
        return
    with _server() as (elsewhere, elsewhere_seen), _server(elsewhere) as (ours, seen):
        address = {"endpoint" if "endpoint" in fields else "url": ours}
        section = source.section(**{**source.example, **secrets, **address})
        using = Settings(**{section.section: section})
        with pytest.raises(TrailError) as raised:
            if isinstance(source, Feed):
                now = dt.datetime(2026, 11, 24)
                list(source.pull(using, Ask(now - dt.timedelta(days=1), now)))
            else:
                list(source.waiting(using, lambda key, version: False))
        assert seen, "the configured address is asked"
        told = f"{elsewhere_seen} {raised.value}"
        assert not any(secret in told for secret in secrets.values())
