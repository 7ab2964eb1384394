"""Build an evidence pack: a ZIP that is created while it is sent, the same bytes for the same data.

Everything but the problems that are found in the database is read from one snapshot of both tiers;
memory stays flat for any size. File times and their order in the ZIP are fixed; the events come
from the writers of the exports.
"""

import datetime as dt
import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trail.core.byte_sink import Sink
from trail.core.download_stats import Tally
from trail.core.model import RECORD_COLUMNS
from trail.core.settings import Settings
from trail.events import event_digest, export
from trail.evidence import certificate, certificate_html, manifest, readme
from trail.evidence.period import Period, resolve
from trail.findings import refresh, sign_offs
from trail.integrity import chain, mirror, seal_store, sealing, standalone_verifier
from trail.storage import tiers
from trail.storage.duckdb import Store
from trail.storage.engine import Engine
from trail.storage.filters import Filter

_CONTEXT = b"segment-audit-trail evidence 1\n"
# Compressed in pieces of one size, so that the bytes do not depend on how rows were read.
_PIECE = 1 << 20
_LEVEL = 6

File = dict[str, Any]


@dataclass(slots=True)
class Pack:
    """A pack that can be streamed once; afterwards `files` lists its contents.

    The pack of a sign-off has its number, *sign_off*, and contains its certificate.
    """

    store: Store
    settings: Settings
    period: Period
    now: dt.datetime
    key: Ed25519PrivateKey
    sign_off: int | None = None
    files: list[File] = field(default_factory=list)

    def stream(self, tally: Tally) -> Iterator[bytes]:
        """Yield the ZIP; *tally* counts its events once."""
        note = mirror.files(self.store.path, self.settings).known
        with self.store.snapshot() as database:
            alarms = manifest.alarms(database, self.settings, self.period, note)
        with tiers.both(self.store).snapshot() as engine:
            sink = Sink()
            with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
                for name, chunks in self._contents(engine, tally, alarms):
                    yield from self._file(archive, sink, name, chunks)
            yield sink.take()

    def _contents(
        self, engine: Engine, tally: Tally, alarms: list[manifest.Section]
    ) -> Iterator[tuple[str, Iterable[bytes]]]:
        public = self.key.public_key().public_bytes_raw().hex()
        lines = _chain_of(engine, self.period)
        yield "README.txt", [readme.TEXT.encode()]
        yield "verify.py", [Path(standalone_verifier.__file__).read_bytes()]
        yield "seals.ndjson", ["".join(f"{line.text}\n" for line in lines).encode()]
        filter_, count = self.period.filter, Tally()
        bom = self.settings.export.csv_bom
        table = export.stream(engine, export.Export(filter_), self.now, tally=count, csv_bom=bom)
        yield "events.csv", table
        exact = export.Export(filter_, "ndjson", RECORD_COLUMNS)
        yield "events.ndjson", export.stream(engine, exact, self.now, tally=tally)
        rows, digest = event_digest.digest_of(engine, filter_, self.now)
        signed = sign_offs.get(engine, self.sign_off, self.now) if self.sign_off else None
        if signed:
            yield from self._certificate(engine, signed)
        document = {
            **manifest.header(),
            **manifest.about(engine, self.settings, self.period, self.now, alarms, signed),
            "events": {
                "rows": rows,
                "digest": digest,
                "digest_is_over": event_digest.DIGEST_IS_OVER,
            },
            "seals": manifest.seals_section(lines, self.period, public),
            "files": list(self.files),
        }
        text = (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
        yield "manifest.json", [text]
        yield "signature.json", [_signature(self.key, public, text)]

    def _certificate(
        self, engine: Engine, signed: sign_offs.Signoff
    ) -> Iterator[tuple[str, Iterable[bytes]]]:
        """Yield the certificate, and the text that was signed, byte for byte."""
        workspace = certificate.workspace_of(engine, self.settings)
        yield "certificate.html", [certificate_html.page(signed, workspace).encode()]
        if signed.body:
            yield f"sign-off-{signed.signoff_id}.json", [signed.body_text.encode()]

    def file_name(self) -> str:
        """Return the file name of the pack."""
        prefix = f"sign-off-{self.sign_off}_" if self.sign_off else ""
        return f"{prefix}{self.period.file_name()}"

    def _file(
        self, archive: zipfile.ZipFile, sink: Sink, name: str, chunks: Iterable[bytes]
    ) -> Iterator[bytes]:
        size, digest = 0, hashlib.sha256()
        # Opened by name, a file gets the earliest time that a ZIP can store.
        with archive.open(name, "w", force_zip64=True) as file:
            for piece in _pieces(chunks):
                size += len(piece)
                digest.update(piece)
                file.write(piece)
                yield sink.take()
        self.files.append({"name": name, "bytes": size, "sha256": digest.hexdigest()})


def prepare(store: Store, settings: Settings, filter_: Filter, now: dt.datetime) -> Pack:
    """Return the pack of *filter_* at *now* (aware); brings findings up to date first.

    Raises `IntegrityError` if the signing key is missing, `SettingError` if other users can read
    it, and `UnavailableError` if archived events of the period cannot be read.
    """
    refresh.catch_up(store, now)
    with sealing.snapshot(store) as ask:
        number, _ = seal_store.last(ask)
    key = seal_store.signing_key(mirror.files(store.path, settings), number)
    period = resolve(filter_, now)
    tiers.require_whole(tiers.both(store), period.window)
    return Pack(store, settings, period, now, key)


def prepare_signed(store: Store, settings: Settings, number: int, now: dt.datetime) -> Pack:
    """Return the pack of the sign-off with that *number*, of the period as it was signed.

    Raises as `prepare`, and `InputError` if there is no such sign-off.
    """
    signed = sign_offs.require(tiers.both(store), number, now)
    made = prepare(store, settings, Filter.parse_signed(signed.query), now)
    return replace(made, sign_off=number)


def _chain_of(engine: Engine, period: Period) -> list[chain.Line]:
    """Return the chain up to the last seal of a day of *period*.

    Later seals belong to other days; without them the pack of a month does not change.
    """
    lines = chain.read(
        engine.table("select line from seals order by number, line")["line"].to_pylist()
    )
    last = max((n for n, line in enumerate(lines, 1) if period.overlaps(line.day)), default=0)
    return lines[:last]


def _signature(key: Ed25519PrivateKey, public: str, text: bytes) -> bytes:
    digest = hashlib.sha256(text).hexdigest()
    signature = key.sign(_CONTEXT + digest.encode()).hex()
    return (json.dumps({"manifest": digest, "key": public, "signature": signature}) + "\n").encode()


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the bytes of *chunks* in pieces of one size; the last may be shorter."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= _PIECE:
            yield bytes(buffer[:_PIECE])
            del buffer[:_PIECE]
    if buffer:
        yield bytes(buffer)
