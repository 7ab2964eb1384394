"""The pack itself: a ZIP that is made while it is sent, the same bytes from the same data.

Separate from what it says. All of it is read from one snapshot; memory stays flat at any size. The
ZIP's times are fixed and its files stand in one order; events come from the writers of the exports.
"""

import datetime as dt
import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trail import export, reviews
from trail.evidence import manifest, readme
from trail.evidence.period import Period, fixed
from trail.filters import Filter
from trail.findings.refresh import refresh
from trail.model import EVENT_COLUMNS
from trail.seals import chain, kept, mirror, sealing, standalone
from trail.settings import Settings
from trail.sink import Sink
from trail.store import Engine, Store
from trail.tally import Tally

_CONTEXT = b"segment-audit-trail evidence 1\n"
# Compressed in pieces of one size, so that how the rows were read changes no byte.
_PIECE = 1 << 20
_LEVEL = 6

File = dict[str, Any]


@dataclass(slots=True)
class Pack:
    """A pack that can be streamed once; `files` says afterwards what is in it."""

    store: Store
    settings: Settings
    period: Period
    now: dt.datetime
    key: Ed25519PrivateKey
    files: list[File] = field(default_factory=list)

    def stream(self, tally: Tally) -> Iterator[bytes]:
        """Yield the ZIP; *tally* counts the events in it once."""
        with self.store.snapshot() as engine:
            sink = Sink()
            with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
                for name, chunks in self._contents(engine, tally):
                    yield from self._file(archive, sink, name, chunks)
            yield sink.take()

    def _contents(self, engine: Engine, tally: Tally) -> Iterator[tuple[str, Iterable[bytes]]]:
        public = self.key.public_key().public_bytes_raw().hex()
        lines = _covering(engine, self.period)
        yield "README.txt", [readme.TEXT.encode()]
        yield "verify.py", [Path(standalone.__file__).read_bytes()]
        yield "seals.ndjson", ["".join(f"{line.text}\n" for line in lines).encode()]
        filter_, count = self.period.filter, Tally()
        yield "events.csv", export.stream(engine, export.Export(filter_), self.now, tally=count)
        exact = export.Export(filter_, "ndjson", EVENT_COLUMNS)
        yield "events.ndjson", export.stream(engine, exact, self.now, tally=tally)
        rows, digest = reviews.digest_of(engine, filter_, self.now)
        note = mirror.files(self.store.path, self.settings).known
        said = {
            **manifest.head(),
            **manifest.about(engine, self.settings, self.period, self.now, note),
            "events": {"rows": rows, "digest": digest, "digest_is_over": reviews.DIGEST_IS_OVER},
            "seals": manifest.seals_said(lines, self.period, public),
            "files": list(self.files),
        }
        text = (json.dumps(said, indent=2, ensure_ascii=False) + "\n").encode()
        yield "manifest.json", [text]
        yield "signature.json", [_signature(self.key, public, text)]

    def _file(
        self, archive: zipfile.ZipFile, sink: Sink, name: str, chunks: Iterable[bytes]
    ) -> Iterator[bytes]:
        size, digest = 0, hashlib.sha256()
        # By its bare name, a file gets the ZIP's earliest time.
        with archive.open(name, "w", force_zip64=True) as file:
            for piece in _even(chunks):
                size += len(piece)
                digest.update(piece)
                file.write(piece)
                yield sink.take()
        self.files.append({"name": name, "bytes": size, "sha256": digest.hexdigest()})


def prepare(store: Store, settings: Settings, filter_: Filter, now: dt.datetime) -> Pack:
    """Return the pack of *filter_* as it chooses at *now* (aware); judges what is new first.

    Raises `IntegrityError` where the key of the seals is gone, `SettingError` where others may read
    it.
    """
    refresh(store, now)
    with sealing.snapshot(store) as ask:
        number, _ = kept.last(ask)
    key = kept.signing_key(mirror.files(store.path, settings), number)
    return Pack(store, settings, fixed(filter_, now), now, key)


def _covering(engine: Engine, period: Period) -> list[chain.Line]:
    """Return the chain up to the last seal that speaks of a day of *period*.

    Those after it are of other days: without them the pack of a month stays as it is.
    """
    lines = chain.read(
        engine.table("select line from seals order by number, line")["line"].to_pylist()
    )
    last = max((n for n, line in enumerate(lines, 1) if period.touches(line.day)), default=0)
    return lines[:last]


def _signature(key: Ed25519PrivateKey, public: str, text: bytes) -> bytes:
    digest = hashlib.sha256(text).hexdigest()
    made = key.sign(_CONTEXT + digest.encode()).hex()
    return (json.dumps({"manifest": digest, "key": public, "signature": made}) + "\n").encode()


def _even(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the bytes of *chunks* in pieces of one size, but for the last."""
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= _PIECE:
            yield bytes(waiting[:_PIECE])
            del waiting[:_PIECE]
    if waiting:
        yield bytes(waiting)
