"""Hostile packs: text meant for the terminal, and files made to exhaust memory."""

import ast
import contextlib
import hashlib
import io
import json
import re
import resource
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trail.evidence.conftest import zipped
from trail.integrity import standalone_verifier as verifier

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw().hex()
# Address space of the verifier: Python and cryptography need about 80 MB of it.
MEMORY = 640 << 20

HOSTILE = st.text(
    st.sampled_from(
        "\x1b\x9b\x9d\x85\x07\x08\r\n\t\x7f\x00\u202e\u2066\u200b\u2028\ufeff\ud800\\[2J%a"
    )
    | st.characters(),
    max_size=30,
)
# What a line may begin with: no text of a pack can pass for a result.
BEGINNINGS = (
    *("PROBLEM: ", "Gap: ", "Selection: ", "Signed by the key ", "Compare it with the "),
    *("This pack is filtered ", "These files cannot be verified: ", "No problems found."),
)
DAY = re.compile(r"\d{4}-\d\d-\d\d  |[0-9,]+ (events|days|problems)")
VALUES = HOSTILE | st.integers() | st.none() | st.lists(HOSTILE, max_size=2)


def sealed(**changes: Any) -> str:
    """Return the line of a seal that was signed with *changes*."""
    body = {
        "number": 1,
        "day": "2026-11-01",
        "prev": verifier.FIRST,
        "events": 0,
        "digest": verifier.day_digest({}),
        "seen_at": "2026-11-02T00:00:00",
    } | changes
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    seal = hashlib.sha256(text.encode()).hexdigest()
    signature = KEY.sign(verifier.CONTEXT + seal.encode()).hex()
    return json.dumps(body | {"seal": seal, "key": PUBLIC, "signature": signature})


def signed(
    files: dict[str, bytes], manifest: dict[str, Any], names: tuple[str, ...] = ()
) -> list[tuple[str, bytes]]:
    """Return the files of a pack with a valid signature; `names` are listed additionally."""
    listed = [
        {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
    ] + [{"name": name, "bytes": 0, "sha256": ""} for name in names]
    text = json.dumps(manifest | {"files": listed}).encode()
    digest = hashlib.sha256(text).hexdigest()
    signature = KEY.sign(verifier.PACK_CONTEXT + digest.encode()).hex()
    proof = json.dumps({"key": PUBLIC, "signature": signature}).encode()
    return [*files.items(), (verifier.MANIFEST, text), (verifier.SIGNATURE, proof)]


ABOUT: dict[str, Any] = {
    "filter": {"words": "Everything", "narrowed": False},
    "period": {"from": None, "to": None},
    "events": {"rows": 0, "digest": hashlib.sha256().hexdigest()},
    "seals": {"lines": 1},
    "coverage": {"gaps": []},
}


def printed(path: Path, *more: str) -> str:
    """Return what the verifier prints about *path*, in this process."""
    out = io.StringIO()
    old = sys.argv
    sys.argv = ["verify.py", str(path), *more]
    try:
        with contextlib.redirect_stdout(out), contextlib.suppress(verifier.RefusedError):
            try:
                verifier.main()
            except (*verifier.ODD, *verifier.BROKEN) as error:
                verifier.say(f"These files cannot be verified: {verifier.quoted(error)}")
    finally:
        sys.argv = old
    return out.getvalue()


@given(data=st.data())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_text_of_a_pack_reaches_the_terminal_unescaped(
    data: st.DataObject, tmp_path: Path
) -> None:
    pick: Callable[[st.SearchStrategy[Any]], Any] = data.draw
    changes = pick(
        st.fixed_dictionaries(
            {},
            optional={
                "day": HOSTILE | st.just("20261101"),
                "number": VALUES,
                "reason": VALUES,
                "made_by": VALUES,
                "gone": VALUES,
                "events": VALUES,
                "kind": st.sampled_from(["accepted", "purge"]),
            },
        )
    )
    manifest = ABOUT | pick(
        st.fixed_dictionaries(
            {},
            optional={
                "filter": st.fixed_dictionaries({"words": VALUES, "narrowed": st.booleans()}),
                "coverage": st.fixed_dictionaries({"gaps": st.lists(VALUES, max_size=3)}),
                "events": st.fixed_dictionaries({"rows": VALUES, "digest": VALUES}),
                "period": st.fixed_dictionaries({"from": VALUES, "to": VALUES}),
            },
        )
    )
    line = sealed(**changes)
    event = {"occurred_at": pick(HOSTILE | st.just("2026-11-01T00:00:00")), "event_id": "a"}
    event |= {"raw": "{}", "ingested_at": "2026-11-01T00:00:00"}
    events = json.dumps(event).encode() if pick(st.booleans()) else b""
    files = {verifier.SEALS: line.encode(), verifier.EVENTS: events}
    pairs = signed(files, manifest, tuple(pick(st.lists(HOSTILE, max_size=2))))
    pairs += [
        (name.encode(errors="replace").decode(), b"")
        for text in pick(st.lists(HOSTILE, max_size=2))
        if (name := text.partition("\0")[0])  # zipfile cuts names there, too
    ]
    path = tmp_path / "evidence.zip"
    with pytest.warns() if len({n for n, _ in pairs}) < len(pairs) else contextlib.nullcontext():
        path.write_bytes(zipped(pairs))
    export, mirror = tmp_path / "export.ndjson", tmp_path / "seals.ndjson"
    export.write_bytes(events)
    mirror.write_text(line)
    for text in (printed(path), printed(export, str(mirror), "--whole")):
        assert text
        for shown in text.split("\n"):
            assert shown.isprintable(), shown
            assert len(shown) < 3 * verifier.LIMITS["characters"]
            assert not shown or shown.startswith(BEGINNINGS) or DAY.match(shown), shown


def test_everything_is_printed_by_one_function() -> None:
    tree = ast.parse(Path(verifier.__file__).read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert sum(isinstance(c.func, ast.Name) and c.func.id == "print" for c in calls) == 1
    assert not any(isinstance(c.func, ast.Attribute) and c.func.attr == "write" for c in calls)


def verified(pack: Path) -> tuple[int, str]:
    """Return exit code and output of the verifier in a process with limited memory and time."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))

    done = subprocess.run(
        [sys.executable, "-I", verifier.__file__, str(pack)],
        preexec_fn=limit,
        capture_output=True,
        check=False,
        text=True,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


SPACES = b" " * (1 << 20)
LIST = b"[],"


def repeated(data: bytes, times: int, *, head: bytes = b"", tail: bytes = b"") -> Any:
    """Return a function that writes *data* many times into an open file of a ZIP."""

    def write(file: Any) -> None:
        file.write(head)
        for _ in range(times):
            file.write(data)
        file.write(tail)

    return write


BOMBS: dict[str, tuple[str, Any]] = {
    "expansion of the events": ("events.ndjson", repeated(SPACES, 70)),
    "expansion of another file": ("events.csv", repeated(SPACES, 70)),
    "long line": ("events.ndjson", repeated(LIST * 1000, 4_000, head=b"[")),
    "long line of empty lists": ("events.ndjson", repeated(LIST * 1000, 2_500, head=b"[")),
    "manifest of empty lists": ("manifest.json", repeated(LIST * 1000, 2_500, head=b"[")),
    "long manifest": ("manifest.json", repeated(SPACES, 12)),
    "long signature": ("signature.json", repeated(SPACES, 12)),
    "deep manifest": ("manifest.json", repeated(b"[" * 1000, 1000)),
    "deep line": ("events.ndjson", repeated(b"[" * 1000, 1000)),
    "huge number": ("events.ndjson", repeated(b"9" * 1000, 5000)),
    "bad seals": ("seals.ndjson", repeated(b"x\n" * 1000, 5_000)),
    "huge number in a seal": ("seals.ndjson", repeated(b"9" * 1000, 5000)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_within_limited_memory(name: str, tmp_path: Path) -> None:
    member, write = BOMBS[name]
    line = sealed()
    files = {verifier.SEALS: line.encode(), verifier.EVENTS: b"", "events.csv": b""}
    path = tmp_path / "evidence.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for other, data in signed(files, ABOUT):
            if other != member:
                archive.writestr(other, data)
        with archive.open(member, "w", force_zip64=True) as file:
            write(file)
    assert path.stat().st_size < 2 << 20
    code, text = verified(path)
    assert code in (1, 2), text
    assert "enough memory" not in text
    assert "No problems" not in text
    if name.startswith("expansion"):
        assert "unpacks to too many times its size" in text


def test_a_pack_of_many_files_or_with_wrong_sizes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evidence.zip"
    for length, count, words in (
        (1000, 4_200, "list of files in the ZIP is too long"),
        (8, 1_001, "too many files in the ZIP"),
    ):
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(count):
                archive.writestr(f"{number:0>{length}}", b"")
        code, text = verified(path)
        assert (code, words in text) == (2, True), text
    # A stated size that is too small: no more than that is unpacked.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(verifier.SIGNATURE, SPACES * 70)
        archive.writestr(verifier.MANIFEST, b"{}")
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<L", len(SPACES) * 70), struct.pack("<L", 1000)))
    assert verified(path)[0] in (1, 2)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr(verifier.MANIFEST, SPACES)
    code, text = verified(path)
    assert (code, "compression that packs do not use" in text) == (2, True), text


def test_an_intact_pack_is_verified_within_the_same_memory(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "evidence.zip"
    path.write_bytes(whole)
    code, text = verified(path)
    assert (code, "No problems found." in text) == (0, True), text


def test_links_and_devices_in_an_unpacked_pack_are_not_read(whole: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        archive.extractall(tmp_path / "evidence")
    (tmp_path / "evidence" / "events.csv").unlink()
    (tmp_path / "evidence" / "events.csv").symlink_to("/dev/zero")
    code, text = verified(tmp_path / "evidence")
    assert (code, "events.csv does not match the manifest" in text) == (1, True), text
